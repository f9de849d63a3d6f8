import { randomFillSync } from 'node:crypto'

/** The kind of an id: delegation, session, payment, approval or key of the service. */
export type IdPrefix = 'del' | 'ses' | 'pay' | 'apr' | 'key'

/** The random bytes of one id. */
const ID_BYTES = 16

/** Random bytes for 256 ids: one system call for each id would cost more than the id. */
const pool: Uint8Array = new Uint8Array(256 * ID_BYTES)

/** The largest counter of ids within one millisecond. Each millisecond starts below half of it. */
const MAX_SEQUENCE = 0xffff_ffff

let usedBytes: number = pool.length
let lastTimestamp: IdTimestamp = { msecs: 0, seq: 0 }

/** The time of an id in milliseconds, and its counter within that millisecond. */
interface IdTimestamp {
  readonly msecs: number
  readonly seq: number
}

/** Makes an id that sorts by its time (UUIDv7), so that a store's index only grows at its end. */
export function newId(prefix: IdPrefix): string {
  if (usedBytes === pool.length) {
    randomFillSync(pool)
    usedBytes = 0
  }
  const random = pool.subarray(usedBytes, usedBytes + ID_BYTES)
  usedBytes += ID_BYTES
  lastTimestamp = nextIdTimestamp(lastTimestamp, Date.now(), random)
  return `${prefix}_${formatUuid7Id(lastTimestamp, random)}`
}

/**
 * Writes a version 7 UUID without hyphens, as RFC 9562 lays it out: 48 bits of time, 32 bits of counter
 * and 42 random bits.
 */
function formatUuid7Id({ msecs, seq }: IdTimestamp, random: Uint8Array): string {
  const bytes = Buffer.from(random)
  bytes.writeUIntBE(msecs, 0, 6)
  bytes.writeUInt16BE(0x7000 | (seq >>> 20), 6)
  const variant = (2 << 30) | ((seq & 0xf_ffff) << 10) | (bytes.readUInt16BE(10) & 0x3ff)
  bytes.writeUInt32BE(variant >>> 0, 8)
  return bytes.toString('hex')
}

/** Returns a timestamp behind the last one, even if the clock has run back. */
function nextIdTimestamp(
  { msecs, seq }: IdTimestamp,
  now: number,
  random: Uint8Array,
): IdTimestamp {
  if (now > msecs)
    return { msecs: now, seq: new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1 }
  return seq === MAX_SEQUENCE ? { msecs: msecs + 1, seq: 0 } : { msecs, seq: seq + 1 }
}
