import { BursarError, type HttpClient, type Role, roles } from '@bursar/core'
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Caller, IdentityProvider } from './caller.ts'

/** The identity provider whose tokens (JWT) are accepted, besides the keys of the ledger. */
export interface IdentityOptions {
  /** A prefix for its subjects: the subject `agent-7` of `corp` is the caller `corp:agent-7`. */
  readonly name: string
  /** The issuer of its tokens, exactly as in `iss`. */
  readonly issuer: string
  /** The audience that `aud` has to contain. Choose one that stands for this service alone. */
  readonly audience: string
  /** The URL of its key set (JWKS): https, at a public address. */
  readonly jwksUrl: string
  /** The accepted signature algorithms. The `alg` of a token cannot add another. */
  readonly algorithms: readonly ('EdDSA' | 'ES256' | 'ES384' | 'PS256' | 'RS256')[]
  /**
   * The claim that holds the roles, as a list or as a string separated by spaces. Unknown roles are
   * ignored; a token without a known role is rejected.
   *
   * @default 'bursar_roles'
   */
  readonly rolesClaim?: string | undefined
  /**
   * The claim that holds the name of the end user, for a token with the role `end_user`.
   *
   * @default 'sub'
   */
  readonly endUserClaim?: string | undefined
}

const nameField = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'must be a short name such as corp')

/**
 * The form of a token's subject. With the provider's name before it, the subject is a valid caller
 * id.
 */
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

/** The accepted difference between the provider's clock and ours. */
const CLOCK_TOLERANCE_S = 5

/** The lifetime of a cached key set, and the shortest time between two fetches for an unknown key. */
const JWKS_MAX_AGE_MS = 600_000
const JWKS_COOLDOWN_MS = 30_000

/** The pause after a failed fetch of the key set. */
const JWKS_PAUSE_MS = 5_000

/** The largest number of keys in a key set. A larger set is rejected. */
const MAX_JWKS_KEYS = 100

/**
 * Creates the verifier of one provider's tokens. Its keys are fetched with the guarded HTTP client
 * from the configured URL only, cached for a bounded time, and fetched again for an unknown key.
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
    [customFetch]: createIdentityKeyFetch(http, clock),
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
        return readProviderCaller(options, payload)
      } catch (error) {
        if (BursarError.isInstance(error)) throw error
        if (error instanceof errors.JWKSTimeout) throw identityUnavailableError(error)
        return undefined
      }
    },
  }
}

/** Maps token claims to a caller. Returns undefined if a claim is missing or invalid. */
function readProviderCaller(options: IdentityOptions, payload: JWTPayload): Caller | undefined {
  const { name: provider, rolesClaim = 'bursar_roles', endUserClaim = 'sub' } = options
  const subject = subjectField.safeParse(payload.sub)
  const callerRoles = readProviderRoles(payload[rolesClaim])
  if (!subject.success || callerRoles.length === 0) return undefined
  const id = `${provider}:${subject.data}`
  if (!callerRoles.includes('end_user')) return { id, roles: callerRoles }
  const endUser = endUserField.safeParse(payload[endUserClaim])
  return endUser.success ? { id, roles: callerRoles, endUser: endUser.data } : undefined
}

function readProviderRoles(claim: unknown): readonly Role[] {
  const given: readonly unknown[] =
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return roles.filter((role) => given.includes(role))
}

type JwksFetch = (
  url: string,
  options: { readonly headers: Headers; readonly signal: AbortSignal },
) => Promise<Response>

function createIdentityKeyFetch(http: HttpClient, clock: () => number): JwksFetch {
  let pausedUntil = 0
  return async (url, { headers, signal }) => {
    if (clock() < pausedUntil)
      throw identityUnavailableError(new Error('the last fetch of the key set failed'))
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
      throw new Error(`status ${response.status}, or no key set in the body`)
    } catch (error) {
      pausedUntil = clock() + JWKS_PAUSE_MS
      throw identityUnavailableError(error)
    }
  }
}

function identityUnavailableError(cause: unknown): BursarError {
  const message = 'The keys of the identity provider cannot be read. Try again in a moment.'
  return new BursarError('identity_unavailable', message, { cause })
}
