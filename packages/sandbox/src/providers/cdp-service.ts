import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { jwtVerify } from 'jose'
import { type Hex, isHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { canonicalJson } from './canonical-json.ts'
import { type CdpSpendPermission, spendPermission } from './cdp-spend-permission.ts'
import {
  answerWith,
  type ProviderAnswer,
  type ProviderFault,
  type ProviderRequest,
  serveProvider,
} from './provider-server.ts'

/** What a project at the service is reached with. */
export interface CdpProjectCredentials {
  readonly apiKeyId: string
  readonly apiKeySecret: string
  readonly walletSecret: string
}

/** The part of Coinbase CDP's API that wallets use, with what it checks, on the loopback interface. */
export interface CdpService {
  readonly url: string
  /** The newest credentials. */
  credentials(): CdpProjectCredentials
  /** Makes new credentials. The old ones go on until `expire`. */
  rotate(): void
  /** From now on only the newest credentials are good. */
  expire(): void
  /** What goes wrong with the next request for a signature. */
  failNext(fault: ProviderFault): void
  /** Signatures that were made, whether or not they were delivered. */
  readonly signed: readonly Hex[]
  /** Every request so far, as `METHOD path status`. */
  readonly log: readonly string[]
  close(): Promise<void>
}

/** Credentials as the service keeps them: what checks, not what signs. */
interface Known {
  readonly apiKey: KeyObject
  readonly walletKey: KeyObject
}

/** How far clocks may differ, and how old a token of a wallet may be. */
const CLOCK_TOLERANCE_SECONDS = 5
const WALLET_TOKEN_SECONDS = 60

const BASE_PATH = '/platform'

/**
 * Starts the service. It checks the token of the API key and that of the wallet secret (keys, times,
 * method, host and path, the hash of the body), keeps accounts by name,
 * signs typed data, and keeps spend permissions.
 */
export async function startCdpService(): Promise<CdpService> {
  const known = new Map<string, Known>()
  const accounts = new Map<string, PrivateKeyAccount>()
  const signed: Hex[] = []
  const log: string[] = []
  const faults: ProviderFault[] = []
  const permissions: CdpSpendPermission[] = []
  let newest = newCredentials(known)
  const handle = async (request: ProviderRequest): Promise<ProviderAnswer> => {
    const refused = await refusalOf(request, known)
    if (refused) return refused
    return route(request, { accounts, signed, faults, permissions })
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
      newest = newCredentials(known)
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

function newCredentials(known: Map<string, Known>): CdpProjectCredentials {
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

/** Who may ask, and for exactly this request. */
async function refusalOf(
  request: ProviderRequest,
  known: ReadonlyMap<string, Known>,
): Promise<ProviderAnswer | undefined> {
  const { method, path, headers, text } = request
  const uri = `${method} ${headers.host}${path.split('?')[0]}`
  const bearer = headers.authorization?.replace(/^Bearer /, '') ?? ''
  try {
    const { payload } = await jwtVerify(bearer, ({ kid }) => keyOf(known, kid).apiKey, {
      algorithms: ['EdDSA'],
      issuer: 'cdp',
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['exp', 'nbf', 'sub'],
    })
    assertUri(payload.uris, uri)
    if (method === 'GET' || path.includes('/v2/onramp/')) return undefined
    const wallet = headers['x-wallet-auth'] ?? ''
    const checked = await jwtVerify(wallet, keyOf(known, payload.sub).walletKey, {
      algorithms: ['ES256'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: WALLET_TOKEN_SECONDS,
      requiredClaims: ['jti', 'nbf'],
    })
    assertUri(checked.payload.uris, uri)
    const bodyHash = createHash('sha256')
      .update(canonicalJson(JSON.parse(text)))
      .digest('hex')
    if (checked.payload.reqHash !== bodyHash) throw new Error('another body')
    return undefined
  } catch {
    return error(401, 'unauthorized', 'The token is not accepted.')
  }
}

function keyOf(known: ReadonlyMap<string, Known>, id: string | undefined): Known {
  const found = known.get(id ?? '')
  if (!found) throw new Error('unknown key')
  return found
}

function assertUri(uris: unknown, uri: string): void {
  if (!Array.isArray(uris) || uris.length !== 1 || uris[0] !== uri) throw new Error('another URI')
}

interface Project {
  readonly accounts: Map<string, PrivateKeyAccount>
  readonly signed: Hex[]
  readonly faults: ProviderFault[]
  readonly permissions: CdpSpendPermission[]
}

async function route(request: ProviderRequest, project: Project): Promise<ProviderAnswer> {
  const { method, text } = request
  const path = request.path.replace(BASE_PATH, '')
  const named = /^\/v2\/evm\/accounts\/by-name\/([^/]+)$/.exec(path)?.[1]
  if (method === 'GET' && named !== undefined) {
    const account = project.accounts.get(decodeURIComponent(named))
    return account ? shown(200, named, account) : error(404, 'not_found', 'No such account.')
  }
  if (method === 'POST' && path === '/v2/evm/accounts') return created(project, text)
  if (method === 'POST' && path === '/v2/onramp/sessions') return onramp(text)
  const permitting = /^\/v2\/evm\/smart-accounts\/(0x[0-9a-fA-F]{40})\/spend-permissions(.*)$/.exec(
    path,
  )
  if (permitting) {
    const [, account = '', below = ''] = permitting
    return answerWith(method === 'POST' ? project.faults.shift() : undefined, async () =>
      spendPermission(project.permissions, { method, below, account, text }),
    )
  }
  const signing = /^\/v2\/evm\/accounts\/(0x[0-9a-fA-F]{40})\/sign\/typed-data$/.exec(path)?.[1]
  if (method === 'POST' && signing !== undefined) {
    return answerWith(project.faults.shift(), () => sign(project, signing, text))
  }
  return error(404, 'not_found', 'API not found.')
}

function created({ accounts }: Project, text: string): ProviderAnswer {
  const { name } = JSON.parse(text) as { readonly name: string }
  if (accounts.has(name)) return error(409, 'already_exists', 'The account exists.')
  const account = privateKeyToAccount(generatePrivateKey())
  accounts.set(name, account)
  return shown(201, name, account)
}

function onramp(text: string): ProviderAnswer {
  const { purchaseCurrency, destinationNetwork, destinationAddress } = JSON.parse(text)
  if (!purchaseCurrency || !destinationNetwork || !isHex(destinationAddress)) {
    return error(400, 'invalid_request', 'The destination is missing.')
  }
  const onrampUrl = `https://pay.coinbase.com/buy?sessionToken=${randomUUID()}`
  return { status: 201, body: { session: { onrampUrl } } }
}

async function sign(project: Project, address: string, text: string): Promise<ProviderAnswer> {
  const account = [...project.accounts.values()].find((one) => one.address === address)
  if (!account) return error(404, 'not_found', 'No such account.')
  const { types, ...data } = JSON.parse(text)
  if (!types?.EIP712Domain) return error(400, 'invalid_request', 'types.EIP712Domain is missing.')
  const signature = await account.signTypedData({ ...data, types })
  if (!isHex(signature)) return error(500, 'internal_server_error', 'No signature.')
  project.signed.push(signature)
  return { status: 200, body: { signature } }
}

function shown(status: number, name: string, { address }: PrivateKeyAccount): ProviderAnswer {
  const at = new Date().toISOString()
  return { status, body: { address, name, createdAt: at, updatedAt: at } }
}

function error(status: number, errorType: string, errorMessage: string): ProviderAnswer {
  return { status, body: { errorType, errorMessage, correlationId: randomUUID() } }
}
