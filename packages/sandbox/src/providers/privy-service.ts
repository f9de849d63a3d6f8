import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { type Hex, isHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { isAllowed, type PrivyRequest, type PrivyRule } from './privy-policy.ts'
import { appRefusal, type PrivyApp, signatureRefusal } from './privy-request.ts'
import {
  answerWith,
  type ProviderAnswer,
  type ProviderFault,
  type ProviderRequest,
  serveProvider,
} from './provider-server.ts'

/** What an app at the service, and one of its authorization keys, are reached with. */
export interface PrivyAppCredentials {
  readonly appId: string
  readonly appSecret: string
  /** Base64 of a P-256 key in PKCS#8. */
  readonly authorizationKey: string
}

/** The part of Privy's API that wallets use, with what it checks, on the loopback interface. */
export interface PrivyService {
  readonly url: string
  /** The key quorum that owns the policy, and in these tests the wallets. */
  readonly ownerQuorum: string
  /** The key quorum of the agents' guard: it signs what the policy allows, and nothing else. */
  readonly signerQuorum: string
  /** A policy of the owner without a rule: it allows nothing. */
  readonly policy: string
  /** The newest credentials, with a key of the signer or of the owner. */
  credentials(who?: 'signer' | 'owner'): PrivyAppCredentials
  /** Makes a new app secret and new keys. The old ones go on until `expire`. */
  rotate(): void
  /** From now on only the newest credentials are good. */
  expire(): void
  /** What goes wrong with the next request that needs an authorization signature. */
  failNext(fault: ProviderFault): void
  /** The rules of the policy, by their names. */
  rules(): readonly string[]
  /** Signatures that were made, whether or not they were delivered. */
  readonly signed: readonly Hex[]
  /** Every request so far, as `METHOD path status`. */
  readonly log: readonly string[]
  close(): Promise<void>
}

interface PrivyWallet {
  readonly id: string
  readonly account: PrivateKeyAccount
  readonly externalId: string | undefined
  readonly ownerId: string
  readonly signers: readonly {
    readonly signer_id: string
    readonly override_policy_ids?: readonly string[]
  }[]
  readonly createdAt: number
}

interface World {
  readonly app: PrivyApp
  readonly wallets: PrivyWallet[]
  readonly policies: Map<string, { readonly ownerId: string; readonly rules: PrivyRule[] }>
  /** What was answered to a request with an idempotency key. */
  readonly answered: Map<string, { readonly text: string; readonly answer: ProviderAnswer }>
  readonly faults: ProviderFault[]
  readonly signed: Hex[]
}

/**
 * Starts the service. It checks the secret of the app, its id in the header, and, where an owner or a
 * signer has to agree, the signatures over the request and how long it may take; it answers an
 * idempotency key once, evaluates the policies of signers, keeps wallets by external id, and signs
 * typed data.
 */
export async function startPrivyService(): Promise<PrivyService> {
  const [ownerQuorum, signerQuorum, policy] = [randomId(), randomId(), randomId()]
  const app: PrivyApp = {
    id: randomId(),
    secrets: [],
    quorums: new Map([
      [ownerQuorum, []],
      [signerQuorum, []],
    ]),
  }
  const world: World = {
    app,
    wallets: [],
    policies: new Map([[policy, { ownerId: ownerQuorum, rules: [] }]]),
    answered: new Map(),
    faults: [],
    signed: [],
  }
  const log: string[] = []
  let newest = newCredentials(app, ownerQuorum, signerQuorum)
  const server = await serveProvider(async (request) => {
    const answer = await answerOnce(world, request, server.url)
    log.push(`${request.method} ${request.path} ${answer.status}`)
    return answer
  })
  return {
    url: server.url,
    ownerQuorum,
    signerQuorum,
    policy,
    credentials: (who = 'signer') => newest[who],
    rotate: () => {
      newest = newCredentials(app, ownerQuorum, signerQuorum)
    },
    expire: () => {
      for (const list of [app.secrets, ...app.quorums.values()]) list.splice(0, list.length - 1)
    },
    failNext: (fault) => {
      world.faults.push(fault)
    },
    rules: () => world.policies.get(policy)?.rules.map(({ name }) => name) ?? [],
    signed: world.signed,
    log,
    close: () => server.close(),
  }
}

function newCredentials(
  app: PrivyApp,
  ownerQuorum: string,
  signerQuorum: string,
): Readonly<Record<'owner' | 'signer', PrivyAppCredentials>> {
  const appSecret = randomBytes(32).toString('base64url')
  app.secrets.push(appSecret)
  const keyOf = (quorum: string): PrivyAppCredentials => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    app.quorums.get(quorum)?.push(publicKey)
    const authorizationKey = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
    return { appId: app.id, appSecret, authorizationKey }
  }
  return { owner: keyOf(ownerQuorum), signer: keyOf(signerQuorum) }
}

/** The same key and the same request get the same answer; another request is refused. */
async function answerOnce(
  world: World,
  request: ProviderRequest,
  baseUrl: string,
): Promise<ProviderAnswer> {
  const refused = appRefusal(world.app, request)
  if (refused) return refused
  const key = request.headers['privy-idempotency-key']
  const text = `${request.method} ${request.path} ${request.text}`
  const before = key === undefined ? undefined : world.answered.get(key)
  if (before?.text === text) return before.answer
  if (before) return problem(400, 'invalid_data', 'The idempotency key is of another request.')
  const answer = await route(world, request, baseUrl)
  if (key !== undefined && typeof answer.status === 'number' && answer.status < 300) {
    world.answered.set(key, { text, answer })
  }
  return answer
}

async function route(
  world: World,
  request: ProviderRequest,
  baseUrl: string,
): Promise<ProviderAnswer> {
  const { method, path } = request
  const url = new URL(path, baseUrl)
  if (method === 'POST' && path === '/v1/wallets') return createWallet(world, request.text)
  if (method === 'GET' && url.pathname === '/v1/wallets') return listWallets(world, url)
  const [, kind, id = '', below, rule] =
    /^\/v1\/(wallets|policies)\/([^/]+)(?:\/(rpc|rules))?(?:\/([^/]+))?$/.exec(url.pathname) ?? []
  if (kind === 'wallets' && method === 'POST' && below === 'rpc') {
    return answerWith(world.faults.shift(), () => rpc(world, id, request, url))
  }
  if (kind === 'policies' && method === 'GET' && below === undefined) {
    const policy = world.policies.get(id)
    return policy ? { status: 200, body: shownPolicy(id, policy) } : unknown('policy')
  }
  if (kind === 'policies' && below === 'rules' && method !== 'GET') {
    return answerWith(world.faults.shift(), async () => changeRules(world, id, rule, request, url))
  }
  return problem(404, 'not_found', 'There is nothing here.')
}

function createWallet(world: World, text: string): ProviderAnswer {
  const body = JSON.parse(text)
  if (body.chain_type !== 'ethereum') return problem(400, 'invalid_data', 'No such chain.')
  const ownerId = body.owner_id ?? `quorum of ${body.owner?.user_id}`
  const wallet: PrivyWallet = {
    id: randomId(),
    account: privateKeyToAccount(generatePrivateKey()),
    externalId: body.external_id,
    ownerId,
    signers: body.additional_signers ?? [],
    createdAt: Date.now(),
  }
  world.wallets.push(wallet)
  return { status: 200, body: shownWallet(wallet) }
}

function listWallets({ wallets }: World, { searchParams }: URL): ProviderAnswer {
  const wanted = searchParams.get('external_id')
  const found = wallets.filter(({ externalId }) => wanted === null || externalId === wanted)
  return { status: 200, body: { data: found.map(shownWallet), next_cursor: null } }
}

/** The owner may sign anything; an additional signer what its own policy allows. */
async function rpc(
  world: World,
  id: string,
  request: ProviderRequest,
  url: URL,
): Promise<ProviderAnswer> {
  const wallet = world.wallets.find((one) => one.id === id)
  if (!wallet) return unknown('wallet')
  const body = JSON.parse(request.text) as PrivyRequest
  const asOwner = signatureRefusal(world.app, request, url, [wallet.ownerId])
  if (asOwner) {
    const ids = wallet.signers.map(({ signer_id }) => signer_id)
    const signing = ids.find((one) => !signatureRefusal(world.app, request, url, [one]))
    if (signing === undefined) return asOwner
    const [policy = ''] =
      wallet.signers.find((one) => one.signer_id === signing)?.override_policy_ids ?? []
    if (!isAllowed(world.policies.get(policy)?.rules ?? [], body, Date.now())) {
      return problem(400, 'policy_violation', 'RPC request denied due to policy violation')
    }
  }
  if (body.method !== 'eth_signTypedData_v4') return problem(400, 'invalid_data', 'No such method.')
  const { domain, types, primary_type: primaryType, message } = body.params.typed_data
  const signature = await wallet.account.signTypedData({ domain, types, primaryType, message })
  if (!isHex(signature)) return problem(500, 'internal', 'No signature.')
  world.signed.push(signature)
  return { status: 200, body: { method: body.method, data: { signature, encoding: 'hex' } } }
}

function changeRules(
  { app, policies }: World,
  id: string,
  rule: string | undefined,
  request: ProviderRequest,
  url: URL,
): ProviderAnswer {
  const policy = policies.get(id)
  if (!policy) return unknown('policy')
  const refused = signatureRefusal(app, request, url, [policy.ownerId])
  if (refused) return refused
  if (request.method === 'POST' && rule === undefined) {
    const made: PrivyRule = { ...JSON.parse(request.text), id: randomId() }
    policy.rules.push(made)
    return { status: 200, body: made }
  }
  const position = policy.rules.findIndex((one) => one.id === rule)
  if (request.method !== 'DELETE' || position === -1) return unknown('rule')
  policy.rules.splice(position, 1)
  return { status: 200, body: { success: true } }
}

function shownWallet(wallet: PrivyWallet): Readonly<Record<string, unknown>> {
  return {
    id: wallet.id,
    address: wallet.account.address,
    chain_type: 'ethereum',
    external_id: wallet.externalId,
    owner_id: wallet.ownerId,
    additional_signers: wallet.signers,
    policy_ids: [],
    created_at: wallet.createdAt,
    exported_at: null,
    imported_at: null,
  }
}

function shownPolicy(
  id: string,
  { ownerId, rules }: { readonly ownerId: string; readonly rules: readonly PrivyRule[] },
): Readonly<Record<string, unknown>> {
  return { id, owner_id: ownerId, rules, name: 'agents', chain_type: 'ethereum', version: '1.0' }
}

function unknown(what: string): ProviderAnswer {
  return problem(404, 'not_found', `There is no such ${what}.`)
}

function problem(status: number, code: string, error: string): ProviderAnswer {
  return { status, body: { error, code } }
}

/** Ids of the service are 24 letters and digits. */
function randomId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 24)
}
