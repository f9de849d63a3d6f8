import type { AdapterExceptions } from '@bursar/core/testing'

/** What cannot hold for a server of MCP behind the AI SDK's client. */
export const exceptions: AdapterExceptions = {
  'refuses one id for two requests':
    'MCP hands no id of a call to a server: the request is the key.',
  'says that a payment is in doubt, and does not pay it again':
    'The request is the key: the same one again is the same call, and stays in doubt.',
  'pays nothing once the run was stopped before it':
    'The client of the AI SDK does not tell a server that it has given up a call.',
}
