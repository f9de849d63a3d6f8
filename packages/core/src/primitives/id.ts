import { randomFillSync } from 'node:crypto'

/** What an id names. */
export type IdPrefix = 'del' | 'ses' | 'pay' | 'apr' | 'key'

/** Random bytes of one id. */
const ID_BYTES = 16

/** Random bytes are asked for by the page: a system call for each id costs more than the id. */
const pool: Uint8Array = new Uint8Array(256 * ID_BYTES)

/** Ids of one millisecond are told apart by a number of 32 bits, which begins below half of them. */
const MAX_SEQUENCE = 0xffff_ffff

let used: number = pool.length
let last: { readonly msecs: number; readonly seq: number } = { msecs: 0, seq: 0 }

/** Makes an id that sorts by time (UUIDv7), so that a store appends where it indexes it. */
export function newId(prefix: IdPrefix): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.subarray(used, used + ID_BYTES)
  used += ID_BYTES
  last = after(last, Date.now(), random)
  return `${prefix}_${uuid7(last, random)}`
}

/**
 * A UUID of version 7 without hyphens, as RFC 9562 lays it out: 48 bits of time, the number within the
 * millisecond, and 42 bits by chance.
 */
function uuid7({ msecs, seq }: typeof last, random: Uint8Array): string {
  const bytes = Buffer.from(random)
  bytes.writeUIntBE(msecs, 0, 6)
  bytes.writeUInt16BE(0x7000 | (seq >>> 20), 6)
  const variant = (2 << 30) | ((seq & 0xf_ffff) << 10) | (bytes.readUInt16BE(10) & 0x3ff)
  bytes.writeUInt32BE(variant >>> 0, 8)
  return bytes.toString('hex')
}

/** Never behind the id before, whatever the clock does. */
function after(
  { msecs, seq }: typeof last,
  now: number,
  random: Uint8Array,
): { readonly msecs: number; readonly seq: number } {
  if (now > msecs)
    return { msecs: now, seq: new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1 }
  return seq === MAX_SEQUENCE ? { msecs: msecs + 1, seq: 0 } : { msecs, seq: seq + 1 }
}
