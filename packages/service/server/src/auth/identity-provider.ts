import { BursarError, type HttpClient, type Role, roles } from '@bursar/core'
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Caller, IdentityProvider } from './caller.ts'

/** Tokens (JWT) of an identity provider, besides the keys of the ledger. */
export interface IdentityOptions {
  /** What its subjects are called by: the subject `agent-7` of `corp` is the caller `corp:agent-7`. */
  readonly name: string
  /** Exactly as in `iss`. */
  readonly issuer: string
  /** What has to be in `aud`: this service, and nothing else that tokens are issued for. */
  readonly audience: string
  /** Where its keys are: https, and public. */
  readonly jwksUrl: string
  /** The signatures that are accepted, and no others, whatever a token says of itself. */
  readonly algorithms: readonly ('EdDSA' | 'ES256' | 'ES384' | 'PS256' | 'RS256')[]
  /** The claim with the roles, as a list or separated by blanks. `bursar_roles` if left out. */
  readonly rolesClaim?: string | undefined
  /** The claim with the end user of an `end_user`. `sub` if left out. */
  readonly endUserClaim?: string | undefined
}

const nameField = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a short name such as corp')

/** A subject as it may stand in the ledger: with the provider's name before it, a name like any. */
const subjectField = z.string().regex(/^[A-Za-z0-9._:@+-]{1,80}$/)

const endUserField = z
  .string()
  .max(120)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/)

export const identityInput: z.ZodType<IdentityOptions> = z.strictObject({
  name: nameField,
  issuer: z.string().min(1).max(500),
  audience: z.string().min(1).max(500),
  jwksUrl: z.url({ protocol: /^https?$/ }),
  algorithms: z.array(z.enum(['EdDSA', 'ES256', 'ES384', 'PS256', 'RS256'])).min(1),
  rolesClaim: z.string().min(1).max(100).optional(),
  endUserClaim: z.string().min(1).max(100).optional(),
})

/** How far the provider's clock may be from ours. */
const CLOCK_TOLERANCE_S = 5

/** How long its keys are kept, and how soon a key that is not among them asks for them again. */
const JWKS_MAX_AGE_MS = 600_000
const JWKS_COOLDOWN_MS = 30_000

/** After it could not be asked, it is left in peace for so long. */
const JWKS_PAUSE_MS = 5_000

/** Keys of one provider. A set that is larger is not one. */
const MAX_JWKS_KEYS = 100

/**
 * Tokens of one provider. Its keys come through the guarded HTTP client, are asked for again when a
 * new one signs, and are kept for a bounded time; nothing in a token says where to get keys from.
 */
export function identityProvider(
  options: IdentityOptions,
  http: HttpClient,
  clock: () => number = Date.now,
): IdentityProvider {
  const { issuer, audience, algorithms, jwksUrl } = options
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: JWKS_MAX_AGE_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    [customFetch]: createKeySetFetch(http, clock),
  })
  return {
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: [...algorithms],
          clockTolerance: CLOCK_TOLERANCE_S,
          requiredClaims: ['exp', 'sub'],
          currentDate: new Date(clock()),
        })
        return readCaller(options, payload)
      } catch (error) {
        if (BursarError.isInstance(error)) throw error
        if (error instanceof errors.JWKSTimeout) throw identityUnavailableError(error)
        return undefined
      }
    },
  }
}

/** What the claims make of a subject. What is not understood is nobody. */
function readCaller(options: IdentityOptions, payload: JWTPayload): Caller | undefined {
  const { name: provider, rolesClaim = 'bursar_roles', endUserClaim = 'sub' } = options
  const sub = subjectField.safeParse(payload.sub)
  const some = readRoles(payload[rolesClaim])
  if (!sub.success || some.length === 0) return undefined
  const id = `${provider}:${sub.data}`
  if (!some.includes('end_user')) return { id, roles: some }
  const endUser = endUserField.safeParse(payload[endUserClaim])
  return endUser.success ? { id, roles: some, endUser: endUser.data } : undefined
}

function readRoles(claim: unknown): readonly Role[] {
  const given: readonly unknown[] =
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return roles.filter((role) => given.includes(role))
}

type JwksFetch = (
  url: string,
  options: { readonly headers: Headers; readonly signal: AbortSignal },
) => Promise<Response>

function createKeySetFetch(http: HttpClient, clock: () => number): JwksFetch {
  let pausedUntil = 0
  return async (url, { headers, signal }) => {
    if (clock() < pausedUntil)
      throw identityUnavailableError(new Error('it could not be asked a moment ago'))
    try {
      const response = await http.request(
        { method: 'GET', url: new URL(url), headers: Object.fromEntries(headers) },
        { isolation: 'identity provider', signal },
      )
      const keySet = JSON.parse(new TextDecoder().decode(response.body)) as { keys?: unknown }
      const isWhole = response.status === 200 && !response.truncated && !response.broken
      if (isWhole && Array.isArray(keySet.keys) && keySet.keys.length <= MAX_JWKS_KEYS) {
        return Response.json(keySet)
      }
      throw new Error(`it answered with status ${response.status}, or with what is no key set`)
    } catch (error) {
      pausedUntil = clock() + JWKS_PAUSE_MS
      throw identityUnavailableError(error)
    }
  }
}

function identityUnavailableError(cause: unknown): BursarError {
  const message = 'The keys of the identity provider cannot be read.'
  return new BursarError('identity_unavailable', message, { cause })
}
