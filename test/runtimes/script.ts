/** An agent as a script for Node, Deno and Bun. */
import { purchase } from './purchase.ts'

console.log(JSON.stringify(await purchase(TASK)))
