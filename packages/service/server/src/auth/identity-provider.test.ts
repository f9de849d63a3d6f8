import { BursarError, type HttpClient, type HttpResponse } from '@bursar/core'
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { call, payBody, serviceWorld } from '../../test/world.ts'
import { type IdentityOptions, identityProvider } from './identity-provider.ts'

const options: IdentityOptions = {
  name: 'corp',
  issuer: 'https://idp.example',
  audience: 'bursar',
  jwksUrl: 'https://idp.example/keys',
  algorithms: ['ES256', 'EdDSA'],
}

const MINUTE_S = 60

/** The claims of a token. A claim that is undefined is left out. */
type Claims = Readonly<Record<string, unknown>>

/** The cache times of `identity-provider.ts`. */
const COOLDOWN_MS = 30_000
const MAX_AGE_MS = 600_000

interface Signer extends GenerateKeyPairResult {
  readonly kid: string
  readonly algorithm: string
  readonly jwk: JWK
}

async function newSigner(kid: string, algorithm = 'ES256'): Promise<Signer> {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: 'sig' }
  return { ...pair, kid, algorithm, jwk }
}

/** Creates a provider whose keys a test can change. `state.fetches` counts the fetches of its keys. */
async function providerWorld(
  answer?: () => Partial<HttpResponse>,
  claimNames: Pick<IdentityOptions, 'rolesClaim' | 'endUserClaim'> = {},
) {
  const signer = await newSigner('one')
  const state = { keys: [signer.jwk], fetches: 0, now: Date.UTC(2030, 0, 1) }
  const http: HttpClient = {
    request: async ({ url }) => {
      expect(url.href).toBe(options.jwksUrl)
      state.fetches += 1
      return {
        status: 200,
        headers: {},
        body: new TextEncoder().encode(JSON.stringify({ keys: state.keys })),
        truncated: false,
        broken: false,
        remoteAddress: '192.0.2.1',
        ...answer?.(),
      }
    },
    close: async () => {},
  }
  const provider = identityProvider({ ...options, ...claimNames }, http, () => state.now)
  return { provider, signer, state, http }
}

type World = Awaited<ReturnType<typeof providerWorld>>

/** Signs a token that is valid except for the given claims and header fields. */
function signToken(
  { signer, state }: Pick<World, 'signer' | 'state'>,
  claims: Claims = {},
  header: object = {},
): Promise<string> {
  const now = Math.floor(state.now / 1_000)
  const payload = {
    iss: options.issuer,
    aud: options.audience,
    sub: 'agent-7',
    iat: now,
    exp: now + 5 * MINUTE_S,
    bursar_roles: ['payer'],
    ...claims,
  }
  const known = Object.entries(payload).filter(([, value]) => value !== undefined)
  return new SignJWT(Object.fromEntries(known))
    .setProtectedHeader({ alg: signer.algorithm, kid: signer.kid, ...header })
    .sign(signer.privateKey)
}

describe('a token of the identity provider', () => {
  test('names its caller by its provider and its subject', async () => {
    const world = await providerWorld()
    expect(await world.provider.verify(await signToken(world))).toEqual({
      id: 'corp:agent-7',
      roles: ['payer'],
    })
    const user = await signToken(world, { sub: 'alice', bursar_roles: 'end_user auditor' })
    expect(await world.provider.verify(user)).toEqual({
      id: 'corp:alice',
      roles: ['end_user', 'auditor'],
      endUser: 'alice',
    })
  })

  test.each<[string, Claims]>([
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another audience', { aud: 'another' }],
    ['that has expired', { exp: Date.UTC(2029, 11, 31) / 1_000 }],
    ['that does not begin yet', { nbf: Date.UTC(2030, 0, 2) / 1_000 }],
    ['that never expires', { exp: undefined }],
    ['without a subject', { sub: undefined }],
    ['whose subject is not a name', { sub: 'a b' }],
    ['whose subject is too long', { sub: `${'x'.repeat(100)}` }],
    ['without a role', { bursar_roles: undefined }],
    ['with an unknown role only', { bursar_roles: ['root'] }],
    ['of an end user without a name', { bursar_roles: ['end_user'], sub: '-' }],
  ])('%s is rejected', async (_name, claims) => {
    const world = await providerWorld()
    expect(await world.provider.verify(await signToken(world, claims))).toBe(undefined)
  })

  test.each<[string, unknown]>([
    ['a list', ['end_user', 'root', 'auditor']],
    ['a string', 'end_user root auditor'],
  ])('takes its roles from %s in the claim of rolesClaim', async (_form, granted) => {
    const world = await providerWorld(undefined, { rolesClaim: 'groups' })
    const token = await signToken(world, { groups: granted, sub: 'alice' })
    const caller = { id: 'corp:alice', roles: ['end_user', 'auditor'], endUser: 'alice' }
    expect(await world.provider.verify(token)).toEqual(caller)
  })

  test('without the claim of rolesClaim is rejected, whatever bursar_roles says', async () => {
    const world = await providerWorld(undefined, { rolesClaim: 'groups' })
    const token = await signToken(world, { bursar_roles: ['payer'] })
    expect(await world.provider.verify(token)).toBe(undefined)
  })

  test('takes its end user from the claim of endUserClaim, and never from the subject', async () => {
    const world = await providerWorld(undefined, { endUserClaim: 'account' })
    const claims = { sub: 'app-1', bursar_roles: ['end_user'] }
    expect(
      await world.provider.verify(await signToken(world, { ...claims, account: 'bob' })),
    ).toEqual({ id: 'corp:app-1', roles: ['end_user'], endUser: 'bob' })
    for (const account of [undefined, '', 'a b', 7, ['bob']]) {
      const token = await signToken(world, { ...claims, account })
      expect([account, await world.provider.verify(token)]).toEqual([account, undefined])
    }
  })

  test('is valid until its last second, and five seconds longer for clocks that differ', async () => {
    const world = await providerWorld()
    const exp = Date.UTC(2030, 0, 1) / 1_000 + MINUTE_S
    const token = await signToken(world, { exp })
    world.state.now = (exp + 4) * 1_000
    expect(await world.provider.verify(token)).toBeDefined()
    world.state.now = (exp + 5) * 1_000
    expect(await world.provider.verify(token)).toBe(undefined)
  })

  test.each([
    ['without a signature', { alg: 'none' }, ''],
    ['signed with the public key as a secret', { alg: 'HS256' }, 'x'],
    ['signed with an algorithm that is not pinned', { alg: 'RS256' }, 'x'],
  ])('%s is rejected', async (_name, header, signature) => {
    const world = await providerWorld()
    const [, payload] = (await signToken(world)).split('.')
    const head = Buffer.from(JSON.stringify({ kid: 'one', ...header })).toString('base64url')
    const forged = `${head}.${payload}.${Buffer.from(signature).toString('base64url')}`
    expect(await world.provider.verify(forged)).toBe(undefined)
  })

  test('cannot bring its own key, nor the address of one', async () => {
    const world = await providerWorld()
    const mallory = await newSigner('one')
    for (const header of [{ jwk: mallory.jwk }, { jku: 'https://evil.example/keys' }]) {
      const token = await signToken({ ...world, signer: mallory }, {}, header)
      expect(await world.provider.verify(token)).toBe(undefined)
    }
  })

  test('is rejected after any one character of it has changed', async () => {
    const world = await providerWorld()
    const token = await signToken(world)
    const step = 7
    for (let place = 0; place < token.length - 1; place += step) {
      const other = token[place] === 'A' ? 'B' : 'A'
      const changed = `${token.slice(0, place)}${other}${token.slice(place + 1)}`
      expect([place, await world.provider.verify(changed)]).toEqual([place, undefined])
    }
  })
})

describe('the provider’s keys', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  test('are fetched once, and again when a new key signs', async () => {
    const world = await providerWorld()
    await world.provider.verify(await signToken(world))
    await world.provider.verify(await signToken(world))
    expect(world.state.fetches).toBe(1)
    const next = await newSigner('two', 'EdDSA')
    world.state.keys = [...world.state.keys, next.jwk]
    // Within the cooldown an unknown key starts no second fetch.
    expect(await world.provider.verify(await signToken({ ...world, signer: next }))).toBe(undefined)
    expect(world.state.fetches).toBe(1)
    vi.setSystemTime(Date.now() + COOLDOWN_MS)
    expect(await world.provider.verify(await signToken({ ...world, signer: next }))).toBeDefined()
    expect(world.state.fetches).toBe(2)
    // A key that the provider removed is rejected once the cached key set has expired.
    world.state.keys = [next.jwk]
    vi.setSystemTime(Date.now() + MAX_AGE_MS)
    expect(await world.provider.verify(await signToken(world))).toBe(undefined)
  })

  test.each<[string, Partial<HttpResponse>]>([
    ['with an error status', { status: 500 }],
    ['without JSON', { body: new TextEncoder().encode('<html>') }],
    ['without a key set', { body: new TextEncoder().encode('{}') }],
    ['that was truncated', { truncated: true }],
    ['that broke off', { broken: true }],
  ])('in a response %s are unavailable, and fetched again after a pause', async (_name, wrong) => {
    let isWrong = true
    const world = await providerWorld(() => (isWrong ? wrong : {}))
    const token = await signToken(world)
    const failing = expect.objectContaining({ code: 'identity_unavailable' })
    await expect(world.provider.verify(token)).rejects.toEqual(failing)
    await expect(world.provider.verify(token)).rejects.toEqual(failing)
    expect(world.state.fetches).toBe(1)
    isWrong = false
    world.state.now += 5_000
    expect(await world.provider.verify(token)).toBeDefined()
  })
})

describe('over HTTP', () => {
  test('a subject pays within the sessions that are bound to it', async () => {
    const { provider, signer, state } = await providerWorld()
    const world = await serviceWorld({ identity: provider })
    const token = await signToken({ signer, state })
    const who = await call(world.app, token, 'GET', '/v1/caller')
    expect(who.body).toEqual({ id: 'corp:agent-7', roles: ['payer'] })
    const limits = { currency: 'USD', total: '0.50' }
    const { body: created } = await world.call('manager', 'POST', '/v1/sessions', {
      body: { delegation: world.delegation, expiresIn: '5m', limits, payer: who.body.id },
    })
    const pay = { token: created.token, body: payBody('quote') }
    const stolen = await world.call('payer', 'POST', '/v1/session/pay', pay)
    expect(stolen.body.code).toBe('session_unknown')
    const paid = await call(world.app, token, 'POST', '/v1/session/pay', pay)
    expect(paid.body.status).toBe('paid')
  })

  test('a token with roles that raise and spend is refused', async () => {
    const { provider, signer, state } = await providerWorld()
    const world = await serviceWorld({ identity: provider })
    const token = await signToken({ signer, state }, { bursar_roles: ['payer', 'manager'] })
    expect(await call(world.app, token, 'GET', '/v1/caller')).toMatchObject({
      status: 403,
      body: { code: 'roles_conflict' },
    })
  })

  test('the caller is not told why the provider failed', async () => {
    const failing = {
      verify: () => Promise.reject(new BursarError('identity_unavailable', 'secret')),
    }
    const world = await serviceWorld({ identity: failing })
    const answer = await call(world.app, 'a.b.c', 'GET', '/v1/caller')
    expect(answer).toMatchObject({ status: 503, body: { code: 'identity_unavailable' } })
    expect(JSON.stringify(answer.body)).not.toContain('secret')
  })
})
