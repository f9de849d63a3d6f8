import { z } from 'zod'
import { BursarError } from '../primitives/errors.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'

/** More merchants than one permission should name. */
const MAX_MERCHANTS = 200

/** More payees than one merchant has. */
const MAX_PAYEES = 20

/** Longest host name that DNS knows, with a port. */
const MAX_HOST_LENGTH = 259

/** A host that may be paid, and its payees. Without payees the first one that is paid is pinned. */
export interface MerchantRule {
  /** As `URL.host` writes it: lower case, punycode, the port only if it is not the scheme's own. */
  readonly host: string
  /** Lower case. */
  readonly payees?: readonly string[]
}

/** A host as people write it, read into the one form that `URL.host` has. */
export const hostField: z.ZodType<string, string> = z
  .string()
  .max(MAX_HOST_LENGTH)
  .transform((text, context) => {
    const host = readHost(text)
    if (host !== undefined) return host
    context.addIssue({ code: 'custom', message: `must be a host such as 'api.example.com'` })
    return z.NEVER
  })

/** The host as a request to it will have it; what no request can have could never be paid. */
function readHost(text: string): string | undefined {
  if (!/^[^/\\?#@]+$/.test(text)) return undefined
  try {
    return parseResourceUrl(`https://${text}/`).host
  } catch (error) {
    if (BursarError.isInstance(error)) return undefined
    throw error
  }
}

const payeeField = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address such as 0x… with 40 hex digits')
  .transform((text) => text.toLowerCase())

/** How the merchants of a delegation or session are written. */
export const merchantsInput: z.ZodType<
  readonly MerchantRule[],
  readonly { readonly host: string; readonly payees?: readonly string[] | undefined }[]
> = z
  .array(
    z.strictObject({
      host: hostField,
      payees: z.array(payeeField).min(1).max(MAX_PAYEES).optional(),
    }),
  )
  .min(1)
  .max(MAX_MERCHANTS)
  .refine((rules) => new Set(rules.map(({ host }) => host)).size === rules.length, {
    message: 'names a host twice; put all its payees into one entry',
  })
  .transform((rules) =>
    rules.map(({ host, payees }) => (payees === undefined ? { host } : { host, payees })),
  )

/** What the ledger knows of a host within one delegation. */
export interface KnownMerchant {
  readonly delegation: string
  readonly host: string
  /** The payee that is pinned: the first one that was paid. */
  readonly payee: string
  /** Payments to it that were reserved and not released; at zero the pin is gone. */
  readonly payments: number
}
