/** An agent as a script: Node, Deno and Bun run it. */
import { purchase } from './purchase.ts'

console.log(JSON.stringify(await purchase(TASK)))
