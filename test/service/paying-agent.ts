// An agent that makes one call and prints its result, or the thrown error.
import { connect } from '@bursar/client'

const { BURSAR_URL = '', BURSAR_KEY = '', BURSAR_TOKEN = '', RESOURCE = '' } = process.env
const session = connect({ url: BURSAR_URL, key: BURSAR_KEY, token: BURSAR_TOKEN })
const call = { conversation: 'chat-1', id: 'call-1' }
const answer = await session.pay({ url: RESOURCE, purpose: 'a task' }, call).then(
  ({ status }) => status,
  (error: { readonly code?: string }) => error.code,
)
console.log(answer)
