import { type Bursar, createBursar, type Role, roles, type Store } from '@bursar/core'
import {
  type FakeChain,
  type FakeMerchant,
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  type ManualClock,
  manualClock,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import type { AppOptions } from '../src/http/app.ts'
import { type App, createApp } from '../src/http/app.ts'
import type { RequestLogEntry } from '../src/http/request-log.ts'
import { ledgerVerifier } from '../src/ledger/ledger-verifier.ts'

/** The host of the merchant. */
export const HOST = 'shop.example'

/** A key of one role, with its secret. */
export interface WorldKey {
  readonly id: string
  readonly key: string
}

/** The body, headers and session token of a request. */
export interface CallOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The session token, for a payer. */
  readonly token?: string
}

/** The response to a request. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any
}

/**
 * The HTTP API on a real store with a fake chain and merchant, a key for each role, a delegation
 * and a session.
 */
export interface ServiceWorld {
  readonly app: App
  readonly bursar: Bursar
  readonly clock: ManualClock
  readonly chain: FakeChain
  readonly merchant: FakeMerchant
  readonly keys: Readonly<Record<Role, WorldKey>>
  readonly delegation: string
  /** A session that is bound to the payer's key. */
  readonly session: { readonly id: string; readonly token: string }
  readonly log: readonly RequestLogEntry[]
  /** Sends a request with the key of a role, with another text as the key, or without a key. */
  call(
    who: Role | string | undefined,
    method: string,
    path: string,
    options?: CallOptions,
  ): Promise<Answer>
  /** Creates another server on the same ledger. */
  another(options?: Partial<AppOptions>): { readonly app: App; readonly bursar: Bursar }
}

/** The options of `serviceWorld`. */
export interface WorldOptions
  extends Partial<Pick<AppOptions, 'bounds' | 'identity' | 'archives' | 'verify'>> {
  readonly store?: (clock: ManualClock) => Store
  readonly merchant?: Parameters<typeof fakeMerchant>[0] extends infer Options
    ? Omit<Options, 'chain'>
    : never
}

/** Creates the HTTP API on a real store with a fake chain and a fake merchant. */
export async function serviceWorld(options: WorldOptions = {}): Promise<ServiceWorld> {
  const clock = manualClock()
  const chain = fakeChain({ clock })
  const wallet = fakeWallet()
  chain.mint(fakeAsset, await wallet.address('evm'), 1_000_000_000n)
  const merchant = fakeMerchant({ chain, ...options.merchant })
  const path = ':memory:'
  const memory = options.store ? undefined : sqliteStore({ path, clock })
  const open = (): Bursar =>
    createBursar({
      store: options.store?.(clock) ?? (memory as Store),
      rails: [fakeRail({ chain })],
      http: merchant,
      assets: [fakeAsset],
      instruments: {
        'alice-wallet': { endUser: 'alice', wallet },
        'bob-wallet': { endUser: 'bob', wallet },
      },
    })
  const bursar = open()
  const keys = await issueKeys(bursar)
  const delegation = await bursar.endUser('alice').grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    limits: { currency: 'USD', total: '100.00' },
    merchants: [{ host: HOST }],
    consent: { how: 'test' },
  })
  const session = await bursar.management.createSession({
    delegation: delegation.id,
    expiresIn: '30m',
    limits: { currency: 'USD', total: '1.00' },
    payer: keys.payer.id,
  })
  const log: RequestLogEntry[] = []
  const { bounds, identity } = options
  const parts = {
    log: (entry: RequestLogEntry) => void log.push(entry),
    clock,
    archives: options.archives,
  }
  const verify = options.verify ?? ledgerVerifier(':memory:', bursar)
  const app = createApp({ ...parts, bursar, bounds, identity, verify })
  return {
    app,
    bursar,
    clock,
    chain,
    merchant,
    keys,
    delegation: delegation.id,
    session,
    log,
    call: (who, method, path, some = {}) => call(app, findKey(keys, who), method, path, some),
    another(some = {}) {
      const other = open()
      return {
        bursar: other,
        app: createApp({ ...parts, bursar: other, bounds, identity, verify, ...some }),
      }
    },
  }
}

async function issueKeys({ administration }: Bursar): Promise<ServiceWorld['keys']> {
  const issued: Partial<Record<Role, WorldKey>> = {}
  await Promise.all(
    roles.map(async (role) => {
      const endUser = role === 'end_user' ? { endUser: 'alice' } : {}
      const input = { roles: [role], expiresIn: '30d', label: `the ${role}`, ...endUser }
      issued[role] = await administration.issueKey(input)
    }),
  )
  return issued as ServiceWorld['keys']
}

function findKey(
  keys: Readonly<Record<Role, WorldKey>>,
  who: string | undefined,
): string | undefined {
  return who !== undefined && Object.hasOwn(keys, who) ? keys[who as Role].key : who
}

/** Sends one request to an app, and returns its response. */
export async function call(
  app: Pick<App, 'fetch'>,
  key: string | undefined,
  method: string,
  path: string,
  { body, headers = {}, token }: CallOptions = {},
): Promise<Answer> {
  const response = await app.fetch(
    new Request(`http://bursar.test${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(token === undefined ? {} : { 'bursar-session': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  )
  const text = await response.text()
  const isJson = /json$/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  }
}

/** Builds the body of a payment request for a path of the merchant. */
export function payBody(path: string, id?: string): unknown {
  return {
    request: { url: `https://${HOST}/${path}`, purpose: 'a test' },
    ...(id === undefined ? {} : { call: { conversation: 'thread', id } }),
  }
}
