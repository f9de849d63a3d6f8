// Holds given secrets in memory alone: they come masked, and are unmasked here.
import { once } from 'node:events'
import { MASK } from './planted-secret.ts'

const planted = JSON.parse(process.env.PLANTED ?? '[]') as string[]
const kept = planted.map((masked) => Buffer.from(masked, 'hex').map((byte) => byte ^ MASK))
console.log(kept.length)
process.stdin.resume()
await once(process.stdin, 'end')
process.exit(kept.length > 0 ? 0 : 1)
