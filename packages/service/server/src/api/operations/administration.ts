import { inputs } from '@bursar/core'
import { z } from 'zod'
import { archiveIntoFolder } from '../../ledger/archive-folder.ts'
import {
  archivedSchema,
  assetSchema,
  instrumentSchema,
  issuedKeySchema,
  keySchema,
} from '../account-schema.ts'
import {
  defineOperation,
  type Operation,
  operationListQuerySchema,
  operationPageSchema,
  readOperationPageRequest,
  readOperationPathParameter,
} from '../operation.ts'

/** The operations of administrators. An administrator neither creates sessions nor pays. */
export const administrationOperations: readonly Operation[] = [
  defineOperation({
    name: 'issueKey',
    method: 'post',
    path: '/v1/keys',
    summary: 'Issues a key. The response shows it once; the ledger stores a hash only.',
    body: inputs.issueKey,
    result: issuedKeySchema,
    status: 201,
    repeat: 'key',
    handle: ({ bursar, input, once }) => bursar.administration.issueKey(input.body as never, once),
  }),
  defineOperation({
    name: 'keys',
    method: 'get',
    path: '/v1/keys',
    summary: 'Lists the keys, oldest first.',
    query: operationListQuerySchema(),
    result: operationPageSchema(keySchema),
    repeat: 'safe',
    handle: ({ bursar, input }) => bursar.administration.keys(readOperationPageRequest(input)),
  }),
  defineOperation({
    name: 'rotateKey',
    method: 'post',
    path: '/v1/keys/{key}/rotate',
    summary: 'Gives a key a new secret. The old secret stays valid for the overlap.',
    body: inputs.rotateKey,
    result: issuedKeySchema,
    repeat: 'key',
    handle: ({ bursar, input, once }) =>
      bursar.administration.rotateKey(
        readOperationPathParameter(input, 'key'),
        input.body as never,
        once,
      ),
  }),
  defineOperation({
    name: 'revokeKey',
    method: 'post',
    path: '/v1/keys/{key}/revoke',
    summary: 'Ends a key at once, on every server.',
    body: inputs.reason,
    result: keySchema,
    repeat: 'state',
    handle: ({ bursar, input }) =>
      bursar.administration.revokeKey(
        readOperationPathParameter(input, 'key'),
        input.body as never,
      ),
  }),
  defineOperation({
    name: 'instruments',
    method: 'get',
    path: '/v1/instruments',
    summary: 'Lists the instruments with their owners.',
    result: z.object({ rows: z.array(instrumentSchema) }),
    repeat: 'safe',
    handle: async ({ bursar }) => ({ rows: await bursar.administration.instruments() }),
  }),
  defineOperation({
    name: 'assets',
    method: 'get',
    path: '/v1/assets',
    summary: 'Lists the assets that payments can use.',
    result: z.object({ rows: z.array(assetSchema) }),
    repeat: 'safe',
    handle: async ({ bursar }) => ({ rows: bursar.administration.assets() }),
  }),
  defineOperation({
    name: 'archive',
    method: 'post',
    path: '/v1/archive',
    summary: 'Moves ended sessions from the ledger into a file of the folder for archives.',
    body: z.strictObject({ endedFor: inputs.endedFor }),
    result: archivedSchema,
    repeat: 'state',
    isExclusive: true,
    handle: ({ bursar, input, archives }) => {
      const { endedFor } = input.body as { readonly endedFor: string }
      return archiveIntoFolder(bursar, archives, endedFor)
    },
  }),
]
