import { z } from 'zod'
import { BursarError } from '../primitives/errors.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'

/** The most merchants of one delegation or session. */
const MAX_MERCHANTS = 200

/** The most payees of one merchant. */
const MAX_PAYEES = 20

/** The longest host name that DNS carries, with a port. */
const MAX_HOST_LENGTH = 259

/** A host that may be paid, and its payees. If it lists no payees, the first one that is paid is pinned. */
export interface MerchantRule {
  /** The host as `URL.host` writes it: lower case, punycode, with its port unless that is the default. */
  readonly host: string
  /** The only addresses that may be paid, lower case. */
  readonly payees?: readonly string[]
}

/** A host as people write it. Parsed into the form of `URL.host`. */
export const hostField: z.ZodType<string, string> = z
  .string()
  .max(MAX_HOST_LENGTH)
  .transform((text, context) => {
    const host = normaliseMerchantHost(text)
    if (host !== undefined) return host
    context.addIssue({ code: 'custom', message: `must be a host such as 'api.example.com'` })
    return z.NEVER
  })

/** Returns the host in the form of `URL.host`, or undefined if no request can have this host. */
function normaliseMerchantHost(text: string): string | undefined {
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

/** Parses the merchants of a delegation or session. */
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

/** A host that was paid within one delegation, and its pinned payee. */
export interface KnownMerchant {
  readonly delegation: string
  readonly host: string
  /** The pinned payee, which is the first one that was paid. */
  readonly payee: string
  /** The number of payments to the payee that were not released. At zero it is not pinned any more. */
  readonly payments: number
  /** The number of payments to the host that are in doubt, or paid and not delivered. */
  readonly troubled: number
}
