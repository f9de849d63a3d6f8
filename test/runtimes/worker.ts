/** An agent as a worker, as workerd runs it: it works when it is asked. */
import { purchase } from './purchase.ts'

export default { fetch: async (): Promise<Response> => Response.json(await purchase(TASK)) }
