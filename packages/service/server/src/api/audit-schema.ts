import { z } from 'zod'

const hash = z.string().regex(/^[0-9a-f]{64}$/)

const head = z.object({ seq: z.number().int().min(1), hash })

export const auditEntrySchema: z.ZodType = z
  .object({
    seq: z.number().int().min(1),
    at: z.iso.datetime(),
    event: z.looseObject({ type: z.string() }),
    hash,
  })
  .meta({ id: 'AuditEntry' })

export const verifyBody: z.ZodType = z.strictObject({
  head: z.strictObject(head.shape).optional().describe('A head that you kept outside the ledger.'),
})

export const verificationSchema: z.ZodType = z
  .union([
    z.object({ ok: z.literal(true), records: z.number().int(), head: head.optional() }),
    z.looseObject({ ok: z.literal(false), reason: z.string() }),
  ])
  .meta({ id: 'Verification' })
