/** Each byte of what is planted is masked with it on its way. */
export const MASK = 0x5a

/** Bytes as `planted-process.ts` takes them. */
export function masked(bytes: Uint8Array): string {
  return Buffer.from(bytes.map((byte) => byte ^ MASK)).toString('hex')
}
