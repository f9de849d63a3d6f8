import type { AdapterExceptions } from '@bursar/core/testing'

/** What cannot hold for a server of MCP. */
export const exceptions: AdapterExceptions = {
  'refuses one id for two requests':
    'MCP hands no id of a call to a server: the request is the key.',
}

/** What cannot hold behind the client of the AI SDK besides. */
export const aiSdkExceptions: AdapterExceptions = {
  ...exceptions,
  'pays nothing once the run was stopped before it':
    'It does not tell a server that it has given up a call; the official client does.',
}
