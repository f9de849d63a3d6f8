/** The mask of each byte of a planted secret on its way to the process. */
export const MASK = 0x5a

/** Encodes bytes in the form that `planted-process.ts` reads. */
export function masked(bytes: Uint8Array): string {
  return Buffer.from(bytes.map((byte) => byte ^ MASK)).toString('hex')
}
