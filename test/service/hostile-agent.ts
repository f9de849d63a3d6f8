// An agent process that was taken over. It has its key, its token and the client.
import { afterwards, elsewhere, everyRoute, forgeries, misuse, overspending } from './attacks.ts'
import type { Loot } from './loot.ts'
import { thief } from './thief.ts'

process.stdin.resume().once('end', () => process.exit())
const robber = thief(JSON.parse(process.env.LOOT ?? '') as Loot)
await everyRoute(robber)
await forgeries(robber)
await misuse(robber)
await elsewhere(robber)
await overspending(robber)
await afterwards(robber)
console.log(JSON.stringify(robber.deeds()))
