import fc from 'fast-check'
import { z } from 'zod'
import { operations } from '../src/api/openapi.ts'
import type { Operation } from '../src/api/operation.ts'
import { access } from '../src/auth/access.ts'
import { call, HOST, type ServiceWorld, serviceWorld } from './world.ts'

/** The number of requests by status and by operation. */
export interface FuzzReport {
  readonly requests: number
  /** The number of responses with each HTTP status. */
  readonly statuses: Readonly<Record<number, number>>
  /** The number of successful requests of each operation. */
  readonly done: Readonly<Record<string, number>>
}

/** The part of JSON Schema that the fuzzer generates values for. */
interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

/**
 * A generated request. Its placeholders are replaced by ids of the test ledger before it is sent.
 */
interface Shot {
  readonly operation: Operation
  readonly who: string
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly token: string
  readonly body: string | undefined
}

/**
 * Requests before the fuzzer starts with an empty ledger: reading the whole of a large ledger is
 * slow.
 */
const WORLD_REQUESTS = 5_000

/**
 * Requests between two steps of the clock. The clock moves on because each session has a rate
 * limit.
 */
const STEP_REQUESTS = 50
const STEP_MS = 20_000

/**
 * Requests after which the fuzzer creates a new delegation and sessions: generated requests revoke
 * the old ones.
 */
const FRESH_REQUESTS = 100

/** Requests that are generated in one batch. */
const VOLLEY = 500

/**
 * The weights of operations. A heavy operation reads the whole ledger, so it is sent less often.
 */
const HEAVY_WEIGHT = 4
const COMMON_WEIGHT = 40
const heavy = new Set<string>(['verifyAudit', 'exportAudit'])

/**
 * The weight of operations that end a session or delegation. They are rare, so that other requests
 * find a live one.
 */
const ENDING_WEIGHT = 4
const ending = new Set<string>(['revokeSession', 'closeSession', 'revokeDelegation'])

/** The placeholders for ids and tokens. Each is replaced when its request is sent. */
const slots = [
  '$session',
  '$delegation',
  '$key',
  '$payer',
  '$child',
  '$token',
  '$childToken',
  '$payment',
  '$cursor',
] as const

const words = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...slots) },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...['USD', 'EUR', '1.00', '0.01', '0', '-1', '1e9', '0.0000001', '30m', '1h', '99999d', '0s'],
      ...['alice', 'bob', 'alice-wallet', 'researcher', 'payer', 'auditor', 'utc-day', 'true'],
      ...[HOST, `https://${HOST}/a`, 'http://127.0.0.1/', 'file:///etc/passwd', '%00', '..'],
      ...['__proto__', 'constructor', 'toString', '', ' ', '\u0000', '\ud800', '🧾', 'null'],
    ),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(121), 'é'.repeat(1_001), '9'.repeat(400)) },
)

const junk = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(null, 0, -1, 1e308, [], {}))

/** Generates values that fit a schema. Some do not fit it at some depth. */
function createValues(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: createFittingValues(schema) },
    { weight: 1, arbitrary: junk },
  )
}

function createFittingValues(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(createValues))
  switch (schema.type) {
    case 'string':
      return words
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer(), fc.double())
    case 'boolean':
      return fc.boolean()
    case 'array':
      return fc.array(createValues(schema.items ?? {}), { maxLength: 3 })
    case 'object':
      return createObjects(schema)
    default:
      return junk
  }
}

function createObjects({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([name, field]) => {
    const isRare = !required.includes(name)
    const value = createValues(field)
    return [name, isRare ? fc.option(value, { nil: undefined, freq: 2 }) : value] as const
  })
  const whole = fc.record(Object.fromEntries(fields))
  const known = whole.map((one) =>
    Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)),
  )
  const more = fc.tuple(known, words, junk).map(([one, name, value]) => ({ ...one, [name]: value }))
  return fc.oneof({ weight: 9, arbitrary: known }, { weight: 1, arbitrary: more })
}

/** Request bodies that pass validation, so that requests reach the operations. */
const limits = { currency: 'USD', total: '0.50' }
const working: Partial<Record<Operation['name'], unknown>> = {
  createSession: { delegation: '$delegation', expiresIn: '30m', limits, payer: '$payer' },
  changeSession: { limits: { currency: 'USD', total: '0.90' } },
  openChild: { limits: { currency: 'USD', total: '0.10' }, expiresIn: '1m' },
  issueKey: { roles: ['auditor'], expiresIn: '1d' },
  rotateKey: { overlap: '1h' },
  grantDelegation: {
    agent: 'a',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits,
    consent: { how: 'a form' },
  },
  pay: { request: { url: `https://${HOST}/a` }, call: { conversation: 'c', id: 'i' } },
  quote: { request: { url: `https://${HOST}/b` } },
  prove: { challenge: { server: HOST, tool: 't', message: {} } },
  conclude: { message: { result: {} } },
  cancel: { session: '$session' },
  cancelMine: { delegation: '$delegation' },
  setLimits: { limits: { currency: 'USD', total: '90.00' } },
  archive: { endedFor: '90d' },
  verifyAudit: {},
}

function createBodies({ name, body }: Operation): fc.Arbitrary<string | undefined> {
  if (!body) return makeRare(fc.constantFrom('{}', '{', 'x'))
  const schema = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  const { $defs, ...whole } = schema as Schema & { $defs?: Readonly<Record<string, Schema>> }
  const resolved = JSON.parse(
    JSON.stringify(whole, (_key, value) => {
      const named = /^#\/\$defs\/(\w+)$/.exec(value?.$ref ?? '')?.[1]
      return named === undefined ? value : $defs?.[named]
    }),
  ) as Schema
  const json = createFittingValues(resolved).map((value) => JSON.stringify(value) ?? 'null')
  const texts = fc.tuple(json, fc.nat(200)).map(([text, at]) => text.slice(0, at))
  const deep = fc.constantFrom('['.repeat(30_000), `{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}`)
  return fc.oneof(
    { weight: 6, arbitrary: json },
    { weight: 6, arbitrary: fc.constant(JSON.stringify(working[name] ?? {})) },
    { weight: 1, arbitrary: fc.option(texts, { nil: undefined }) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: deep },
  )
}

function createShots(operation: Operation): fc.Arbitrary<Shot> {
  const role = Object.entries(access[operation.name]).find(([, may]) => may === 'allow')?.[0] ?? ''
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const own = Object.fromEntries(
    names.map((name) => [
      name,
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(`$${name}`) },
        { weight: 1, arbitrary: words.filter(isPathWord) },
      ),
    ]),
  )
  const shape = operation.query
    ? (z.toJSONSchema(operation.query, { io: 'input' }) as Schema).properties
    : {}
  const filters = Object.keys(shape ?? {}).map((name) => [
    name,
    fc.option(fc.oneof(words, fc.integer({ min: -1, max: 600 }).map(String)), {
      nil: undefined,
      freq: 2,
    }),
  ])
  return fc.record({
    operation: fc.constant(operation),
    who: fc.oneof(
      { weight: 12, arbitrary: fc.constant(role) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', 'bursar_key_', 'payer', 'manager', 'auditor', 'a.b.c'),
      },
    ),
    path: fc.record(own),
    query: fc.record(Object.fromEntries(filters)).map(removeUndefined),
    headers: headersOf,
    token: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('$token', '$childToken') },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', 'x', `bursar_ses_${'0'.repeat(32)}_${'A'.repeat(43)}`),
      },
    ),
    body: createBodies(operation),
  }) as fc.Arbitrary<Shot>
}

/**
 * Returns true if a word can be a parameter of a path. The payer's key is excluded, because
 * revoking it would stop the fuzzer.
 */
function isPathWord(word: string): boolean {
  return word !== '' && !/^\.+$/.test(word) && word !== '$payer'
}

/**
 * Generates headers that a client can set. Their values are visible ASCII, as HTTP clients send no
 * others.
 */
const headersOf = fc
  .record({
    'idempotency-key': fc.option(fc.constantFrom('a'.repeat(20), 'b'.repeat(20), 'short'), {
      nil: undefined,
      freq: 2,
    }),
    'x-request-id': makeRare(fc.constantFrom('r-1', 'x'.repeat(65), '"')),
    'content-type': makeRare(fc.constantFrom('text/plain', 'application/json; charset=latin1')),
    'x-forwarded-for': makeRare(fc.constant('127.0.0.1')),
  })
  .map(removeUndefined)

/** Generates a value one time in ten, and undefined otherwise. */
function makeRare<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
}

function removeUndefined(one: object): Record<string, string> {
  return Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined))
}

function chooseWeight({ name }: Operation): number {
  if (heavy.has(name)) return HEAVY_WEIGHT
  return ending.has(name) ? ENDING_WEIGHT : COMMON_WEIGHT
}

const anyShot = fc.oneof(
  ...operations.map((operation) => ({
    weight: chooseWeight(operation),
    arbitrary: createShots(operation),
  })),
)

/**
 * Sends requests that nearly fit the API, and checks each response: its status is below 500, a
 * success matches its schema, and no key is revealed. Afterwards checks that the ledger is whole
 * and covers all transfers. Throws at the first failure.
 */
export async function fuzz(count: number, seed: number): Promise<FuzzReport> {
  const statuses: Record<number, number> = {}
  const done: Record<string, number> = {}
  for (let sent = 0; sent < count; sent += WORLD_REQUESTS) {
    // The clock of one ledger never advances far enough for archiving to find an ended session.
    const world = await serviceWorld({ bounds: openBounds, archives: 'unused' })
    const size = Math.min(WORLD_REQUESTS, count - sent)
    let fill: Fill = () => ''
    for (let index = 0; index < size; index += 1) {
      if (index % STEP_REQUESTS === 0) world.clock.advance(STEP_MS)
      if (index % FRESH_REQUESTS === 0) fill = await createFill(world)
      const shot = generateShot(seed, sent + index)
      const answer = await sendShot(world, shot, fill)
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
      if (answer.status < 300) done[shot.operation.name] = (done[shot.operation.name] ?? 0) + 1
      checkAnswer(world, shot, answer, `seed ${seed}, request ${sent + index}`)
    }
    await checkLedger(world)
  }
  return { requests: count, statuses, done }
}

const openBounds = {
  requestsPerMinute: Number.POSITIVE_INFINITY,
  strangersPerMinute: Number.POSITIVE_INFINITY,
}

let volley: { readonly name: string; readonly shots: readonly Shot[] } | undefined

/**
 * Returns the request with this number. Requests are generated in batches, and a seed and a number
 * always give the same request.
 */
function generateShot(seed: number, index: number): Shot {
  const number = Math.floor(index / VOLLEY)
  const name = `${seed} ${number}`
  if (volley?.name !== name) {
    volley = { name, shots: fc.sample(anyShot, { seed: seed + number, numRuns: VOLLEY }) }
  }
  return volley.shots[index % VOLLEY] as Shot
}

type Fill = (text: string) => string

/**
 * Creates a delegation, two sessions and a key that requests may revoke. Returns the function that
 * fills in placeholders.
 */
async function createFill({ bursar, keys }: ServiceWorld): Promise<Fill> {
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'a',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    limits: { currency: 'USD', total: '1.00' },
    merchants: [{ host: HOST }],
    consent: { how: 'a form' },
  })
  const limits = { currency: 'USD', total: '0.50' }
  const input = { delegation: delegation.id, expiresIn: '12h', limits, payer: keys.payer.id }
  const [first, second] = [
    await bursar.management.createSession(input),
    await bursar.management.createSession(input),
  ]
  const key = await bursar.administration.issueKey({ roles: ['auditor'], expiresIn: '1d' })
  const { cursor = '' } = await bursar.auditing.read({ limit: 1 })
  const paying = bursar.openSession(first.token, { payer: keys.payer.id })
  const paid = await paying.pay({ url: `https://${HOST}/fresh`, purpose: 'a test' })
  const payment = 'receipt' in paid ? paid.receipt.paymentId : 'pay_none'
  const names: Readonly<Record<string, string>> = {
    $session: first.id,
    $child: second.id,
    $delegation: delegation.id,
    $key: key.id,
    $payer: keys.payer.id,
    $token: first.token,
    $childToken: second.token,
    $approval: 'apr_none',
    $instrument: 'alice-wallet',
    $payment: payment,
    $cursor: cursor,
  }
  return (text) =>
    text.replace(/\$[a-zA-Z]+/g, (name) =>
      Object.hasOwn(names, name) ? (names[name] ?? '') : name,
    )
}

async function sendShot(world: ServiceWorld, shot: Shot, fill: Fill) {
  const { operation, who, query, headers, token, body } = shot
  const path = operation.path.replace(/\{(\w+)\}/g, (_all, name) =>
    encodeURIComponent(fill(shot.path[name] ?? '').toWellFormed()),
  )
  const pairs = Object.entries(query).map(([name, value]) => [name, fill(value).toWellFormed()])
  const search = new URLSearchParams(pairs).toString()
  return call(
    world.app,
    Object.hasOwn(world.keys, who) ? world.keys[who as keyof typeof world.keys].key : who,
    operation.method.toUpperCase(),
    search === '' ? path : `${path}?${search}`,
    {
      token: fill(token),
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined || operation.method === 'get' ? {} : { body: fill(body) }),
    },
  )
}

function checkAnswer(
  world: ServiceWorld,
  { operation, body }: Shot,
  answer: Awaited<ReturnType<typeof sendShot>>,
  where: string,
): void {
  const fail = (what: string): never => {
    const shown = `${operation.name} ${String(body).slice(0, 300)}`
    const log = JSON.stringify(world.log.at(-1))
    throw new Error(`${where}: ${what}: ${shown}\n${log}\n${JSON.stringify(answer.body)}`)
  }
  if (answer.status >= 500) fail(`status ${answer.status}`)
  const text = JSON.stringify(answer.body)
  if (Object.values(world.keys).some(({ key }) => text.includes(key))) fail('a key is told')
  if (answer.status >= 300) {
    if (typeof answer.body.code !== 'string') fail('a problem without a code')
    return
  }
  if (operation.mediaType !== 'application/json') return
  const parsed = operation.result.safeParse(answer.body)
  if (!parsed.success) fail(`not as described: ${parsed.error.message}`)
}

/** Checks that the ledger verifies, and that each transfer of the chain has a payment. */
async function checkLedger({ bursar, chain }: ServiceWorld): Promise<void> {
  const verified = await bursar.auditing.verify()
  if (!verified.ok) throw new Error(`The ledger is broken: ${verified.reason}`)
  const { rows } = await bursar.auditing.payments({}, { limit: 500 })
  if (rows.length < chain.transfers().length) throw new Error('A transfer has no payment.')
  await bursar.close()
}
