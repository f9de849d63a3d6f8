import { randomBytes } from 'node:crypto'
import { connect, connectEndUser, connectManagement } from '@bursar/client'
import { EXAMPLE_KEY } from 'bursar'
import { all, type Guise, type Thief } from './thief.ts'

/** Every method that a client can send. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

const greed = { currency: 'USD', total: '1000.00' }
const hour = { expiresIn: '1h' }

/** The bodies that would raise a budget or a role, sent to every route. */
function greedyBodies({ loot }: Thief): readonly unknown[] {
  const [delegation] = loot.ids.delegations
  const [own] = loot.ids.keys
  const request = { url: loot.elsewhere[0], purpose: 'greed' }
  const grant = { agent: 'thief', limits: greed, consent: { how: 'forged' }, ...hour }
  return [
    {},
    { reason: 'theft' },
    { request, call: { conversation: 'theft', id: randomBytes(8).toString('hex') } },
    { delegation, limits: greed, payer: own, ...hour },
    { limits: greed, ...hour },
    { limits: greed, merchants: loot.elsewhere.map((url) => ({ host: hostOf(url) })), ...hour },
    { roles: ['manager'], ...hour },
    { roles: ['end_user'], endUser: 'bob', ...hour },
    { roles: ['administrator', 'payer'], expiresIn: '10d' },
    { ...grant, instrument: 'alice-wallet' },
    { ...grant, instrument: 'bob-wallet' },
  ]
}

/**
 * Calls every route of the API with every method, id, body and credential, its own revocation last.
 */
export async function everyRoute(thief: Thief): Promise<void> {
  const { key, token, stolenToken } = thief.loot
  const description = (await thief.send('GET', '/openapi.json')) as {
    readonly paths: Record<string, object>
  }
  const guises: readonly Guise[] = [{ key, token }, { key, token: stolenToken }, { token }]
  const works: (() => Promise<unknown>)[] = []
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const method of METHODS) {
      thief.note(method, path)
      if (path === '/v1/session/close' && method === 'POST') continue
      const isThere = method.toLowerCase() in operations
      const bodies = isThere && method !== 'GET' ? greedyBodies(thief) : [undefined]
      for (const place of placesOf(path, thief)) {
        for (const guise of isThere ? guises : guises.slice(0, 1)) {
          for (const body of bodies) works.push(() => thief.send(method, place, body, guise))
        }
      }
    }
  }
  await all(works)
}

/** Returns a path with each id in place of its parameter. */
function placesOf(path: string, { loot }: Thief): readonly string[] {
  if (!path.includes('{')) return [path]
  const kind = Object.keys(loot.ids).find((one) => path.includes(`/${one}/`))
  const ids = loot.ids[kind as keyof typeof loot.ids] ?? []
  return ids.map((id) => path.replace(/\{\w+\}/, id))
}

/** Sends tokens and keys that were never issued, and requests that claim to be of another agent. */
export async function forgeries(thief: Thief): Promise<void> {
  const { loot } = thief
  const ownSecret = loot.token.slice(-43)
  const random = randomBytes(32).toString('base64url')
  const sessionIds = loot.ids.sessions.map((id) => id.split('_').at(-1) ?? '')
  const tokens = [
    ...sessionIds.flatMap((id) => [`bursar_ses_${id}_${ownSecret}`, `bursar_ses_${id}_${random}`]),
    loot.stolenToken,
    `${loot.stolenToken.slice(0, -43)}${ownSecret}`,
    loot.key.replace('_key_', '_ses_'),
    '',
    `${loot.token} `,
    `${loot.token}, ${loot.stolenToken}`,
  ]
  const keys = [
    ...loot.ids.keys.map((id) => `bursar_key_${id.split('_').at(-1)}_${loot.key.slice(-43)}`),
    EXAMPLE_KEY,
    loot.token,
    loot.token.replace('_ses_', '_key_'),
    unsigned({ sub: loot.ids.keys[1], bursar_roles: ['manager', 'administrator'] }),
    unsigned({ sub: 'bob', bursar_roles: ['end_user'] }),
  ]
  const claims: readonly Readonly<Record<string, string>>[] = [
    { 'x-http-method-override': 'PATCH' },
    { 'x-original-url': '/v1/sessions', 'x-rewrite-url': '/v1/sessions' },
    { 'x-forwarded-for': '127.0.0.1', 'x-bursar-role': 'manager', 'x-forwarded-user': 'bob' },
    { cookie: `session=${loot.stolenToken}; key=${EXAMPLE_KEY}` },
    { 'idempotency-key': '00000000-0000-0000-0000-000000000000' },
  ]
  const guises: readonly Guise[] = [
    ...tokens.map((token) => ({ key: loot.key, token })),
    ...keys.map((key) => ({ key, token: loot.token })),
    ...keys.map((key) => ({ key, token: loot.stolenToken })),
    ...claims.map((headers) => ({ key: loot.key, token: loot.token, headers })),
  ]
  const [session = ''] = loot.ids.sessions.slice(1)
  const widened = { limits: greed }
  const paths = ['/v1//sessions', '/v1/./sessions', '/v1/session/../sessions', '/V1/sessions']
  await all(
    guises.flatMap((guise) => [
      () => thief.send('POST', '/v1/session/pay', { request: purchase(thief, 'forged') }, guise),
      () => thief.send('POST', '/v1/sessions', greedyBodies(thief)[3], guise),
      () => thief.send('PATCH', `/v1/sessions/${session}`, widened, guise),
      () => thief.send('POST', '/v1/me/delegations', greedyBodies(thief)[10], guise),
      ...paths.map((path) => () => thief.send('POST', path, greedyBodies(thief)[3], guise)),
    ]),
  )
}

function unsigned(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ iss: 'i', aud: 'bursar', ...claims })}.`
}

/** Calls the client's methods with inputs that they must refuse. */
export async function misuse({ loot }: Thief): Promise<void> {
  const { url, key } = loot
  const management = connectManagement({ url, key })
  const endUser = connectEndUser({ url, key })
  const own = connect({ url, key, token: loot.token })
  const [delegation = '', other = ''] = loot.ids.delegations
  const grant = { agent: 'thief', limits: greed, consent: { how: 'forged' }, ...hour }
  await all([
    ...loot.ids.sessions.flatMap((id) => [
      () => management.changeSession(id, { limits: greed }),
      () => management.unlockSession(id),
      () => management.revokeSession(id),
    ]),
    () => management.createSession({ delegation, limits: greed, ...hour }),
    () => endUser.grantDelegation({ ...grant, instrument: 'alice-wallet' }),
    () => endUser.grantDelegation({ ...grant, instrument: 'bob-wallet' }),
    () => endUser.revokeDelegation(other),
    ...loot.ids.approvals.map((id) => () => endUser.approve(id)),
    () => own.openChild({ limits: greed, ...hour }),
    () => own.openChild({ limits: { currency: 'EUR', total: '1.00' }, ...hour }),
    () => own.openChild({ limits: { currency: 'USD', total: '-5.00' }, ...hour }),
    () => own.openChild({ limits: { currency: 'USD', total: '0.20' }, expiresIn: '90d' }),
    () =>
      own.openChild({
        limits: { currency: 'USD', total: '0.20' },
        expiresIn: '10m',
        merchants: loot.elsewhere.map((one) => ({ host: hostOf(one) })),
      }),
    () => connect({ url, key, token: loot.stolenToken }).pay(purchase({ loot }, 'stolen'), {}),
  ])
}

/** Pays at forbidden places, by every trick of a URL and a request. */
export async function elsewhere({ loot, send }: Thief): Promise<void> {
  const { url, key, token, market } = loot
  const session = connect({ url, key, token })
  const allowed = hostOf(market)
  const evil = loot.elsewhere.map(hostOf)
  const urls = [
    ...loot.elsewhere,
    ...evil.flatMap((host) => [
      `http://${allowed}@${host}/secret`,
      `http://${host}/secret#@${allowed}`,
      `http://${host}\\@${allowed}/secret`,
      `http://${host.toUpperCase()}/secret`,
    ]),
    `${url}/v1/sessions`,
    `${url}/openapi.json`,
    'file:///proc/self/environ',
    'data:text/plain,paid',
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:22/',
    `http://[::1]:${new URL(url).port}/v1/caller`,
  ]
  const headers = [
    { host: evil[0] ?? '' },
    { 'x-forwarded-host': evil[0] ?? '', forwarded: `host=${evil[0]}` },
    { 'payment-signature': 'e30=', 'x-payment': 'e30=' },
  ]
  await all([
    ...urls.map((one) => () => session.pay({ url: one, purpose: 'elsewhere' }, {})),
    ...urls.map((one) => () => session.quote({ url: one, purpose: 'elsewhere' }, {})),
    ...headers.map(
      (some) => () => session.pay({ ...purchase({ loot }, 'header'), headers: some }, {}),
    ),
    ...[
      '{"request":{"url":"x","__proto__":{"maxAmount":"9"}},"__proto__":{"roles":["manager"]}}',
      '{"request":null}',
      '[]',
      `{"request":{"url":"${market}/dataset","maxAmount":"1e9","amount":"0","payTo":"0x0"}}`,
      `{"request":{"url":"${market}/dataset","maxAmount":"-1"},"limits":{"total":"99"}}`,
    ].map((body) => () => send('POST', '/v1/session/pay', body)),
  ])
}

/**
 * Sends far more concurrent calls than fit, from the session and its children, with and without
 * keys.
 */
export async function overspending({ loot }: Thief): Promise<void> {
  const { url, key, token } = loot
  const own = connect({ url, key, token })
  const child = { limits: { currency: 'USD', total: '0.20' }, expiresIn: '10m' }
  const opened = await Promise.allSettled(Array.from({ length: 4 }, () => own.openChild(child)))
  const sessions = [
    own,
    ...opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value.session] : [])),
  ]
  const works: (() => Promise<unknown>)[] = []
  for (let number = 0; number < 80; number += 1) {
    const session = sessions[number % sessions.length] ?? own
    works.push(() => session.pay(purchase({ loot }, `${number}`), {}))
    const call = { conversation: 'replay', id: `${number % 4}` }
    // The same call is repeated, both unchanged and with another request.
    works.push(() => own.pay(purchase({ loot }, `replayed-${number % 4}`), call))
    works.push(() => own.pay(purchase({ loot }, `swapped-${number}`), call))
  }
  await all(works)
}

/** Revokes the agent's own session, and calls it afterwards. */
export async function afterwards({ loot }: Thief): Promise<void> {
  const { url, key, token } = loot
  const own = connect({ url, key, token })
  await all([() => own.close()])
  const child = { limits: { currency: 'USD', total: '0.01' }, expiresIn: '1m' }
  await all([
    () => own.pay(purchase({ loot }, 'afterwards'), {}),
    () => own.openChild(child),
    () => connectManagement({ url, key }).changeSession(own.id, { expiresIn: '1h' }),
  ])
}

function purchase({ loot }: Pick<Thief, 'loot'>, name: string) {
  return { url: `${loot.market}/item/${name}`, purpose: 'everything' }
}

function hostOf(url: string): string {
  return new URL(url).host
}
