import type { AuditHead } from '@bursar/core'
import { z } from 'zod'
import { callerSchema, paymentSchema } from '../account-schema.ts'
import { auditEntrySchema, verificationSchema, verifyBody } from '../audit-schema.ts'
import {
  defineOperation,
  type Operation,
  operationListQuerySchema,
  operationPageSchema,
  readOperationFilter,
  readOperationPageRequest,
  readOperationPathParameter,
} from '../operation.ts'

/** The operations of auditors. An auditor reads everything and changes nothing. */
export const auditingOperations: readonly Operation[] = [
  defineOperation({
    name: 'audit',
    method: 'get',
    path: '/v1/audit',
    summary: 'Reads the audit trail in order, as a feed that continues from any cursor.',
    query: operationListQuerySchema(),
    result: operationPageSchema(auditEntrySchema),
    repeat: 'safe',
    handle: ({ bursar, input }) => bursar.auditing.read(readOperationPageRequest(input)),
  }),
  defineOperation({
    name: 'verifyAudit',
    method: 'post',
    path: '/v1/audit/verify',
    summary: 'Verifies the audit trail, and every row of the ledger against its records.',
    body: verifyBody,
    result: verificationSchema,
    repeat: 'safe',
    isExclusive: true,
    handle: ({ verify, input, signal }) => {
      const { head } = input.body as { readonly head?: AuditHead }
      return verify(head, signal)
    },
  }),
  defineOperation({
    name: 'exportAudit',
    method: 'get',
    path: '/v1/audit/export',
    summary:
      'Streams the whole audit trail as JSON lines. Each record is exactly as it was hashed.',
    result: z.object({
      seq: z.number().int(),
      at: z.number().int(),
      body: z.string(),
      hash: z.string(),
    }),
    mediaType: 'application/jsonl',
    repeat: 'safe',
    handle: async ({ bursar }) => bursar.auditing.export(),
  }),
  defineOperation({
    name: 'payments',
    method: 'get',
    path: '/v1/payments',
    summary: 'Lists payments, oldest first.',
    query: operationListQuerySchema('session', 'delegation', 'endUser'),
    result: operationPageSchema(paymentSchema),
    repeat: 'safe',
    handle: ({ bursar, input }) =>
      bursar.auditing.payments(readOperationFilter(input), readOperationPageRequest(input)),
  }),
  defineOperation({
    name: 'payment',
    method: 'get',
    path: '/v1/payments/{payment}',
    summary: 'Reads one payment.',
    result: paymentSchema,
    repeat: 'safe',
    handle: ({ bursar, input }) =>
      bursar.auditing.payment(readOperationPathParameter(input, 'payment')),
  }),
]

/** The operations of every caller. */
export const callerOperations: readonly Operation[] = [
  defineOperation({
    name: 'caller',
    method: 'get',
    path: '/v1/caller',
    summary: 'Returns the caller’s id and roles. A manager names the id as the payer of a session.',
    result: callerSchema,
    repeat: 'safe',
    handle: async ({ caller }) => caller,
  }),
]
