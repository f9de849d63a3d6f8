import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { jwtVerify } from 'jose'
import { type Hex, isHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { writeCanonicalJson } from './canonical-json.ts'
import { type CdpSpendPermission, handleSpendPermission } from './cdp-spend-permission.ts'
import {
  answerAsProvider,
  type ProviderAnswer,
  type ProviderFault,
  type ProviderRequest,
  serveProvider,
} from './provider-server.ts'

/** The credentials of a project at the service. */
export interface CdpProjectCredentials {
  readonly apiKeyId: string
  readonly apiKeySecret: string
  readonly walletSecret: string
}

/**
 * A stand-in for the part of Coinbase CDP's API that wallets use, with its checks, on the loopback
 * interface.
 */
export interface CdpService {
  /** The address of the service, with its base path. */
  readonly url: string
  /** Returns the newest credentials. */
  credentials(): CdpProjectCredentials
  /** Makes new credentials. The old ones stay valid until `expire`. */
  rotate(): void
  /** Ends all credentials but the newest. */
  expire(): void
  /** Sets a fault for the next request for a signature or about a permission. */
  failNext(fault: ProviderFault): void
  /** Every signature so far, delivered or not. */
  readonly signed: readonly Hex[]
  /** Every request so far, as `METHOD path status`. */
  readonly log: readonly string[]
  /** Stops the service and its open connections. */
  close(): Promise<void>
}

/** The public keys of one credential. */
interface KnownKeys {
  readonly apiKey: KeyObject
  readonly walletKey: KeyObject
}

/** The longest time by which a client's clock may differ from the service's. */
const CLOCK_TOLERANCE_SECONDS = 5

/** The longest age of a wallet token. */
const WALLET_TOKEN_SECONDS = 60

const BASE_PATH = '/platform'

/**
 * Starts a stand-in for Coinbase CDP's API. It checks the tokens of the API key and of the wallet
 * secret: keys, times, method, host, path and the hash of the body. It has accounts by name, signs
 * typed data, and has spend permissions and the onramp.
 *
 * @example
 * ```ts
 * import { startCdpService } from '@bursar/sandbox'
 *
 * const cdp = await startCdpService()
 * const options = { baseUrl: cdp.url, credentials: async () => cdp.credentials() }
 * await cdp.close()
 * ```
 */
export async function startCdpService(): Promise<CdpService> {
  const known = new Map<string, KnownKeys>()
  const accounts = new Map<string, PrivateKeyAccount>()
  const signed: Hex[] = []
  const log: string[] = []
  const faults: ProviderFault[] = []
  const permissions: CdpSpendPermission[] = []
  let newest = makeCdpCredentials(known)
  const handle = async (request: ProviderRequest): Promise<ProviderAnswer> => {
    const refusal = await findCdpRefusal(request, known)
    if (refusal) return refusal
    return routeCdpRequest(request, { accounts, signed, faults, permissions })
  }
  const server = await serveProvider(async (request) => {
    const answer = await handle(request)
    log.push(`${request.method} ${request.path.replace(BASE_PATH, '')} ${answer.status}`)
    return answer
  })
  return {
    url: `${server.url}${BASE_PATH}`,
    credentials: () => newest,
    rotate: () => {
      newest = makeCdpCredentials(known)
    },
    expire: () => {
      for (const id of known.keys()) if (id !== newest.apiKeyId) known.delete(id)
    },
    failNext: (fault) => {
      faults.push(fault)
    },
    signed,
    log,
    close: () => server.close(),
  }
}

function makeCdpCredentials(known: Map<string, KnownKeys>): CdpProjectCredentials {
  const api = generateKeyPairSync('ed25519')
  const wallet = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const apiKeyId = randomUUID()
  known.set(apiKeyId, { apiKey: api.publicKey, walletKey: wallet.publicKey })
  const { d = '', x = '' } = api.privateKey.export({ format: 'jwk' })
  const seedAndKey = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]
  return {
    apiKeyId,
    apiKeySecret: Buffer.concat(seedAndKey).toString('base64'),
    walletSecret: wallet.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  }
}

/**
 * Returns the refusal of a request that its tokens do not authorize. Returns undefined if they do.
 */
async function findCdpRefusal(
  request: ProviderRequest,
  known: ReadonlyMap<string, KnownKeys>,
): Promise<ProviderAnswer | undefined> {
  const { method, path, headers, text } = request
  const uri = `${method} ${headers.host}${path.split('?')[0]}`
  const bearer = headers.authorization?.replace(/^Bearer /, '') ?? ''
  try {
    const { payload } = await jwtVerify(bearer, ({ kid }) => findCdpKeys(known, kid).apiKey, {
      algorithms: ['EdDSA'],
      issuer: 'cdp',
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'nbf', 'sub'],
    })
    assertCdpUri(payload.uris, uri)
    if (method === 'GET' || path.includes('/v2/onramp/')) return undefined
    const wallet = headers['x-wallet-auth'] ?? ''
    const checked = await jwtVerify(wallet, findCdpKeys(known, payload.sub).walletKey, {
      algorithms: ['ES256'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: WALLET_TOKEN_SECONDS,
      requiredClaims: ['jti', 'nbf'],
    })
    assertCdpUri(checked.payload.uris, uri)
    const bodyHash = createHash('sha256')
      .update(writeCanonicalJson(JSON.parse(text)))
      .digest('hex')
    if (checked.payload.reqHash !== bodyHash) throw new Error('another body')
    return undefined
  } catch {
    return makeCdpError(401, 'unauthorized', 'The token is not accepted.')
  }
}

function findCdpKeys(known: ReadonlyMap<string, KnownKeys>, id: string | undefined): KnownKeys {
  const found = known.get(id ?? '')
  if (!found) throw new Error('unknown key')
  return found
}

function assertCdpUri(uris: unknown, uri: string): void {
  if (!Array.isArray(uris) || uris.length !== 1 || uris[0] !== uri) throw new Error('another URI')
}

interface Project {
  readonly accounts: Map<string, PrivateKeyAccount>
  readonly signed: Hex[]
  readonly faults: ProviderFault[]
  readonly permissions: CdpSpendPermission[]
}

async function routeCdpRequest(
  request: ProviderRequest,
  project: Project,
): Promise<ProviderAnswer> {
  const { method, text } = request
  const path = request.path.replace(BASE_PATH, '')
  const accountName = /^\/v2\/evm\/accounts\/by-name\/([^/]+)$/.exec(path)?.[1]
  if (method === 'GET' && accountName !== undefined) {
    const account = project.accounts.get(decodeURIComponent(accountName))
    return account
      ? showCdpAccount(200, accountName, account)
      : makeCdpError(404, 'not_found', 'No such account.')
  }
  if (method === 'POST' && path === '/v2/evm/accounts') return createCdpAccount(project, text)
  if (method === 'POST' && path === '/v2/onramp/sessions') return startCdpOnramp(text)
  const permissionPath =
    /^\/v2\/evm\/smart-accounts\/(0x[0-9a-fA-F]{40})\/spend-permissions(.*)$/.exec(path)
  if (permissionPath) {
    const [, account = '', below = ''] = permissionPath
    return answerAsProvider(method === 'POST' ? project.faults.shift() : undefined, async () =>
      handleSpendPermission(project.permissions, { method, below, account, text }),
    )
  }
  const signer = /^\/v2\/evm\/accounts\/(0x[0-9a-fA-F]{40})\/sign\/typed-data$/.exec(path)?.[1]
  if (method === 'POST' && signer !== undefined) {
    return answerAsProvider(project.faults.shift(), () => signAtCdp(project, signer, text))
  }
  return makeCdpError(404, 'not_found', 'API not found.')
}

function createCdpAccount({ accounts }: Project, text: string): ProviderAnswer {
  const { name } = JSON.parse(text) as { readonly name: string }
  if (accounts.has(name)) return makeCdpError(409, 'already_exists', 'The account exists.')
  const account = privateKeyToAccount(generatePrivateKey())
  accounts.set(name, account)
  return showCdpAccount(201, name, account)
}

function startCdpOnramp(text: string): ProviderAnswer {
  const { purchaseCurrency, destinationNetwork, destinationAddress } = JSON.parse(text)
  if (!purchaseCurrency || !destinationNetwork || !isHex(destinationAddress)) {
    return makeCdpError(400, 'invalid_request', 'The destination is missing.')
  }
  const onrampUrl = `https://pay.coinbase.com/buy?sessionToken=${randomUUID()}`
  return { status: 201, body: { session: { onrampUrl } } }
}

async function signAtCdp(project: Project, address: string, text: string): Promise<ProviderAnswer> {
  const account = [...project.accounts.values()].find((one) => one.address === address)
  if (!account) return makeCdpError(404, 'not_found', 'No such account.')
  const { types, ...data } = JSON.parse(text)
  if (!types?.EIP712Domain)
    return makeCdpError(400, 'invalid_request', 'types.EIP712Domain is missing.')
  const signature = await account.signTypedData({ ...data, types })
  if (!isHex(signature)) return makeCdpError(500, 'internal_server_error', 'No signature.')
  project.signed.push(signature)
  return { status: 200, body: { signature } }
}

function showCdpAccount(
  status: number,
  name: string,
  { address }: PrivateKeyAccount,
): ProviderAnswer {
  const at = new Date().toISOString()
  return { status, body: { address, name, createdAt: at, updatedAt: at } }
}

function makeCdpError(status: number, errorType: string, errorMessage: string): ProviderAnswer {
  return { status, body: { errorType, errorMessage, correlationId: randomUUID() } }
}
