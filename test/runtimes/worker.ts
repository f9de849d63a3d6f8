/** An agent as a worker for workerd, which runs on a request. */
import { purchase } from './purchase.ts'

export default { fetch: async (): Promise<Response> => Response.json(await purchase(TASK)) }
