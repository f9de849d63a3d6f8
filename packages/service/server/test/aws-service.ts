import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A fault of the AWS server: an HTTP error, a request without a response, or a dropped connection.
 */
export type AwsFault = { readonly status: number; readonly type: string } | 'hang' | 'drop'

/** A local server for the parts of AWS KMS and Secrets Manager that the vault uses. */
export interface AwsService {
  readonly url: string
  readonly keyArn: string
  /** The environment variables that hold the credentials for the AWS SDK. */
  readonly environment: Readonly<Record<string, string>>
  /** The log of all requests, each as its operation and its status. */
  readonly log: readonly string[]
  readonly contexts: readonly unknown[]
  /** The secrets by name, each with its versions and their stages. */
  readonly secrets: Map<string, { id: string; value: string; stages: string[] }[]>
  /** The fault of every request from now on. Undefined lets requests succeed. */
  fault: AwsFault | undefined
  /** The ARN of the key that KMS reports in the response to an encryption. */
  encryptsWith: string
  close(): Promise<void>
}

const REGION = 'eu-central-1'
const ACCOUNT = '111122223333'
const ACCESS_KEY = 'AKIACANARYACCESSKEY0'

/**
 * Starts the server on the loopback interface. It verifies the signature (SigV4) of each request.
 */
export async function startAwsService(): Promise<AwsService> {
  const secretKey = randomBytes(20).toString('hex')
  const key = randomBytes(32)
  const log: string[] = []
  const contexts: unknown[] = []
  const secrets: AwsService['secrets'] = new Map()
  const keyArn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
  const service = { fault: undefined as AwsFault | undefined, encryptsWith: keyArn }
  const operations: Readonly<Record<string, (body: Body) => unknown>> = {
    'TrentService.Encrypt'({ KeyId, Plaintext, EncryptionContext }) {
      contexts.push(EncryptionContext)
      if (KeyId !== keyArn) throw createRefusal('NotFoundException')
      const CiphertextBlob = encryptValue(key, EncryptionContext, `${Plaintext}`)
      return { KeyId: service.encryptsWith, CiphertextBlob }
    },
    'TrentService.Decrypt'({ KeyId, CiphertextBlob, EncryptionContext }) {
      contexts.push(EncryptionContext)
      if (KeyId !== keyArn) throw createRefusal('IncorrectKeyException')
      const opened = decryptValue(key, EncryptionContext, `${CiphertextBlob}`)
      return { KeyId, Plaintext: opened, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
    },
    'secretsmanager.DescribeSecret'({ SecretId }) {
      const versions = findVersions(secrets, SecretId)
      const stages = versions.map(({ id, stages }) => [id, stages])
      return { Name: SecretId, VersionIdsToStages: Object.fromEntries(stages) }
    },
    'secretsmanager.GetSecretValue'({ SecretId, VersionId }) {
      const version = findVersions(secrets, SecretId).find(({ id }) => id === VersionId)
      if (!version) throw createRefusal('ResourceNotFoundException')
      return { Name: SecretId, VersionId, SecretString: version.value }
    },
  }
  const answer = (request: IncomingMessage, text: string): { status: number; body: unknown } => {
    const operation = `${request.headers['x-amz-target']}`
    const { fault } = service
    if (typeof fault === 'object') return { status: fault.status, body: { __type: fault.type } }
    if (!isSigned(request, text, secretKey)) {
      return { status: 400, body: { __type: 'InvalidSignatureException' } }
    }
    try {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined
      if (!run) throw createRefusal('UnknownOperationException')
      return { status: 200, body: run(JSON.parse(text)) }
    } catch (error) {
      return { status: 400, body: { __type: (error as Error).message, message: text } }
    }
  }
  const server = createServer((request, response) => {
    void (async () => {
      const text = await readText(request)
      if (service.fault === 'hang') return
      if (service.fault === 'drop') return void response.destroy()
      const { status, body } = answer(request, text)
      log.push(`${`${request.headers['x-amz-target']}`.split('.')[1]} ${status}`)
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(body))
    })()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keyArn,
    environment: { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: secretKey },
    log,
    contexts,
    secrets,
    get fault() {
      return service.fault
    },
    set fault(fault) {
      service.fault = fault
    },
    get encryptsWith() {
      return service.encryptsWith
    },
    set encryptsWith(keyArn) {
      service.encryptsWith = keyArn
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

type Body = Readonly<Record<string, unknown>>

function createRefusal(type: string): Error {
  return new Error(type)
}

function findVersions(secrets: AwsService['secrets'], name: unknown) {
  const versions = secrets.get(`${name}`)
  if (versions) return versions
  throw createRefusal('ResourceNotFoundException')
}

/**
 * Encodes an encryption context as KMS authenticates it: the order of its members makes no
 * difference.
 */
function encodeContext(context: unknown): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context ?? {}).sort()))
}

function encryptValue(key: Buffer, context: unknown, plaintext: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(encodeContext(context))
  const sealed = [cipher.update(Buffer.from(plaintext, 'base64')), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString('base64')
}

function decryptValue(key: Buffer, context: unknown, blob: string): string {
  const bytes = Buffer.from(blob, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), {
      authTagLength: 16,
    })
    decipher.setAAD(encodeContext(context)).setAuthTag(bytes.subarray(12, 28))
    const opened = [decipher.update(bytes.subarray(28)), decipher.final()]
    return Buffer.concat(opened).toString('base64')
  } catch {
    throw createRefusal('InvalidCiphertextException')
  }
}

const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/(\d{8})\/([a-z0-9-]+)\/(kms|secretsmanager)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/

/** Returns true if the request has a valid AWS signature, version 4. */
function isSigned(
  { headers, method, url }: IncomingMessage,
  text: string,
  secret: string,
): boolean {
  const [, id, day = '', region = '', service = '', signed = '', signature] =
    authorizationPattern.exec(headers.authorization ?? '') ?? []
  if (id !== ACCESS_KEY || region !== REGION || url !== '/') return false
  const names = signed.split(';')
  if (!['host', 'x-amz-date', 'x-amz-target'].every((name) => names.includes(name))) return false
  const time = `${headers['x-amz-date']}`
  const canonical = [
    method,
    '/',
    '',
    ...names.map((name) => `${name}:${`${headers[name]}`.trim()}`),
    '',
    signed,
    createHash('sha256').update(text).digest('hex'),
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash].join('\n')
  const signingKey = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  )
  return createHmac('sha256', signingKey).update(toSign).digest('hex') === signature
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
