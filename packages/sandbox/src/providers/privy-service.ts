import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { type Hex, isHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { isAllowedByPrivyPolicy, type PrivyRequest, type PrivyRule } from './privy-policy.ts'
import { findPrivyAppRefusal, findPrivySignatureRefusal, type PrivyApp } from './privy-request.ts'
import {
  answerAsProvider,
  type ProviderAnswer,
  type ProviderFault,
  type ProviderRequest,
  serveProvider,
} from './provider-server.ts'

/** The credentials of an app at the service, with one of its authorization keys. */
export interface PrivyAppCredentials {
  readonly appId: string
  readonly appSecret: string
  /** The authorization key: base64 of a P-256 key in PKCS#8. */
  readonly authorizationKey: string
}

/**
 * A stand-in for the part of Privy's API that wallets use, with its checks, on the loopback
 * interface.
 */
export interface PrivyService {
  /** The address of the service. */
  readonly url: string
  /** The key quorum that owns the policy. Let it own your test wallets as well. */
  readonly ownerQuorum: string
  /** The key quorum of the agents' guard, which signs only as the policy allows. */
  readonly signerQuorum: string
  /** The id of the owner's policy. It has no rule at first, and so denies every request. */
  readonly policy: string
  /** Returns the newest credentials, with the key of the signer (default) or of the owner. */
  credentials(who?: 'signer' | 'owner'): PrivyAppCredentials
  /** Makes a new app secret and new keys. The old ones stay valid until `expire`. */
  rotate(): void
  /** Ends all credentials but the newest. */
  expire(): void
  /** Sets a fault for the next request that needs an authorization signature. */
  failNext(fault: ProviderFault): void
  /** Returns the names of the policy's rules. */
  rules(): readonly string[]
  /** Every signature so far, delivered or not. */
  readonly signed: readonly Hex[]
  /** Every request so far, as `METHOD path status`. */
  readonly log: readonly string[]
  /** Stops the service and its open connections. */
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
  /** The answer to each request with an idempotency key. */
  readonly answers: Map<string, { readonly text: string; readonly answer: ProviderAnswer }>
  readonly faults: ProviderFault[]
  readonly signed: Hex[]
}

/**
 * Starts a stand-in for Privy's API. It checks the app's id and secret, and for a request that an
 * owner or a signer must authorize, the signatures and the expiry. It has idempotency keys, wallets
 * by external id and policies of signers, and it signs typed data.
 *
 * @example
 * ```ts
 * import { startPrivyService } from '@bursar/sandbox'
 *
 * const privy = await startPrivyService()
 * const options = { baseUrl: privy.url, credentials: async () => privy.credentials('owner') }
 * await privy.close()
 * ```
 */
export async function startPrivyService(): Promise<PrivyService> {
  const [ownerQuorum, signerQuorum, policy] = [makePrivyId(), makePrivyId(), makePrivyId()]
  const app: PrivyApp = {
    id: makePrivyId(),
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
    answers: new Map(),
    faults: [],
    signed: [],
  }
  const log: string[] = []
  let newest = makePrivyCredentials(app, ownerQuorum, signerQuorum)
  const server = await serveProvider(async (request) => {
    const answer = await answerPrivyOnce(world, request, server.url)
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
      newest = makePrivyCredentials(app, ownerQuorum, signerQuorum)
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

function makePrivyCredentials(
  app: PrivyApp,
  ownerQuorum: string,
  signerQuorum: string,
): Readonly<Record<'owner' | 'signer', PrivyAppCredentials>> {
  const appSecret = randomBytes(32).toString('base64url')
  app.secrets.push(appSecret)
  const addKey = (quorum: string): PrivyAppCredentials => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    app.quorums.get(quorum)?.push(publicKey)
    const authorizationKey = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
    return { appId: app.id, appSecret, authorizationKey }
  }
  return { owner: addKey(ownerQuorum), signer: addKey(signerQuorum) }
}

/**
 * Answers a request. A repeated idempotency key gets its first answer, or a refusal if the request
 * differs.
 */
async function answerPrivyOnce(
  world: World,
  request: ProviderRequest,
  baseUrl: string,
): Promise<ProviderAnswer> {
  const refusal = findPrivyAppRefusal(world.app, request)
  if (refusal) return refusal
  const key = request.headers['privy-idempotency-key']
  const text = `${request.method} ${request.path} ${request.text}`
  const earlier = key === undefined ? undefined : world.answers.get(key)
  if (earlier?.text === text) return earlier.answer
  if (earlier)
    return makePrivyProblem(400, 'invalid_data', 'The idempotency key is of another request.')
  const answer = await routePrivyRequest(world, request, baseUrl)
  if (key !== undefined && typeof answer.status === 'number' && answer.status < 300) {
    world.answers.set(key, { text, answer })
  }
  return answer
}

async function routePrivyRequest(
  world: World,
  request: ProviderRequest,
  baseUrl: string,
): Promise<ProviderAnswer> {
  const { method, path } = request
  const url = new URL(path, baseUrl)
  if (method === 'POST' && path === '/v1/wallets') return createPrivyWallet(world, request.text)
  if (method === 'GET' && url.pathname === '/v1/wallets') return listPrivyWallets(world, url)
  const [, kind, id = '', below, rule] =
    /^\/v1\/(wallets|policies)\/([^/]+)(?:\/(rpc|rules))?(?:\/([^/]+))?$/.exec(url.pathname) ?? []
  if (kind === 'wallets' && method === 'POST' && below === 'rpc') {
    return answerAsProvider(world.faults.shift(), () => signAtPrivy(world, id, request, url))
  }
  if (kind === 'policies' && method === 'GET' && below === undefined) {
    const policy = world.policies.get(id)
    return policy
      ? { status: 200, body: showPrivyPolicy(id, policy) }
      : unknownPrivyProblem('policy')
  }
  if (kind === 'policies' && below === 'rules' && method !== 'GET') {
    return answerAsProvider(world.faults.shift(), async () =>
      changePrivyRules(world, id, rule, request, url),
    )
  }
  return makePrivyProblem(404, 'not_found', 'There is no such path.')
}

function createPrivyWallet(world: World, text: string): ProviderAnswer {
  const body = JSON.parse(text)
  if (body.chain_type !== 'ethereum') return makePrivyProblem(400, 'invalid_data', 'No such chain.')
  const ownerId = body.owner_id ?? `quorum of ${body.owner?.user_id}`
  const wallet: PrivyWallet = {
    id: makePrivyId(),
    account: privateKeyToAccount(generatePrivateKey()),
    externalId: body.external_id,
    ownerId,
    signers: body.additional_signers ?? [],
    createdAt: Date.now(),
  }
  world.wallets.push(wallet)
  return { status: 200, body: showPrivyWallet(wallet) }
}

function listPrivyWallets({ wallets }: World, { searchParams }: URL): ProviderAnswer {
  const externalIdFilter = searchParams.get('external_id')
  const found = wallets.filter(
    ({ externalId }) => externalIdFilter === null || externalId === externalIdFilter,
  )
  return { status: 200, body: { data: found.map(showPrivyWallet), next_cursor: null } }
}

/** Signs for the owner without conditions, and for an additional signer as its policy allows. */
async function signAtPrivy(
  world: World,
  id: string,
  request: ProviderRequest,
  url: URL,
): Promise<ProviderAnswer> {
  const wallet = world.wallets.find((one) => one.id === id)
  if (!wallet) return unknownPrivyProblem('wallet')
  const body = JSON.parse(request.text) as PrivyRequest
  const ownerRefusal = findPrivySignatureRefusal(world.app, request, url, [wallet.ownerId])
  if (ownerRefusal) {
    const ids = wallet.signers.map(({ signer_id }) => signer_id)
    const signer = ids.find((one) => !findPrivySignatureRefusal(world.app, request, url, [one]))
    if (signer === undefined) return ownerRefusal
    const [policy = ''] =
      wallet.signers.find((one) => one.signer_id === signer)?.override_policy_ids ?? []
    if (!isAllowedByPrivyPolicy(world.policies.get(policy)?.rules ?? [], body, Date.now())) {
      return makePrivyProblem(400, 'policy_violation', 'RPC request denied due to policy violation')
    }
  }
  if (body.method !== 'eth_signTypedData_v4')
    return makePrivyProblem(400, 'invalid_data', 'No such method.')
  const { domain, types, primary_type: primaryType, message } = body.params.typed_data
  const signature = await wallet.account.signTypedData({ domain, types, primaryType, message })
  if (!isHex(signature)) return makePrivyProblem(500, 'internal', 'No signature.')
  world.signed.push(signature)
  return { status: 200, body: { method: body.method, data: { signature, encoding: 'hex' } } }
}

function changePrivyRules(
  { app, policies }: World,
  id: string,
  rule: string | undefined,
  request: ProviderRequest,
  url: URL,
): ProviderAnswer {
  const policy = policies.get(id)
  if (!policy) return unknownPrivyProblem('policy')
  const refusal = findPrivySignatureRefusal(app, request, url, [policy.ownerId])
  if (refusal) return refusal
  if (request.method === 'POST' && rule === undefined) {
    const added: PrivyRule = { ...JSON.parse(request.text), id: makePrivyId() }
    policy.rules.push(added)
    return { status: 200, body: added }
  }
  const position = policy.rules.findIndex((one) => one.id === rule)
  if (request.method !== 'DELETE' || position === -1) return unknownPrivyProblem('rule')
  policy.rules.splice(position, 1)
  return { status: 200, body: { success: true } }
}

function showPrivyWallet(wallet: PrivyWallet): Readonly<Record<string, unknown>> {
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

function showPrivyPolicy(
  id: string,
  { ownerId, rules }: { readonly ownerId: string; readonly rules: readonly PrivyRule[] },
): Readonly<Record<string, unknown>> {
  return { id, owner_id: ownerId, rules, name: 'agents', chain_type: 'ethereum', version: '1.0' }
}

function unknownPrivyProblem(noun: string): ProviderAnswer {
  return makePrivyProblem(404, 'not_found', `There is no such ${noun}.`)
}

function makePrivyProblem(status: number, code: string, error: string): ProviderAnswer {
  return { status, body: { error, code } }
}

/** Makes an id of 24 letters and digits, as the service does. */
function makePrivyId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 24)
}
