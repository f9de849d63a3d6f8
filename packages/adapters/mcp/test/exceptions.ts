import type { AdapterExceptions } from '@bursar/core/testing'

/** The promises of an adapter that no MCP server can keep. */
export const exceptions: AdapterExceptions = {
  'refuses one id for two requests':
    'MCP hands no id of a call to a server: the request is the key.',
}

/** The promises that no MCP server can keep behind the client of the AI SDK. */
export const aiSdkExceptions: AdapterExceptions = {
  ...exceptions,
  'pays nothing once the run was stopped before it':
    'It does not tell a server that it has given up a call; the official client does.',
}
