import { isIP } from 'node:net'
import { BursarError, type BursarOptions } from '@bursar/core'
import { z } from 'zod'
import { type IdentityOptions, identityInput } from '../auth/identity-provider.ts'
import type { SealedVault } from '../vault/sealed-vault.ts'

/** What `bursar.config.ts` says: the guard's parts, and how the service is reached. */
export interface BursarConfig extends Omit<BursarOptions, 'store'> {
  /**
   * A SQLite file, or the `postgres://` URL of a database that any number of servers share. The file
   * `bursar.db` if left out. `BURSAR_DATABASE` says otherwise.
   */
  readonly database?: string | undefined
  readonly listen?: ListenOptions | undefined
  /** Where the secrets of wallets are sealed: what `bursar vault` works on. */
  readonly vault?: SealedVault | undefined
  /** The folder that archives are written into, over HTTP and by `bursar archive`. None without it. */
  readonly archives?: string | undefined
  /** Whose tokens (JWT) are accepted besides the keys of the ledger. */
  readonly identity?: IdentityOptions | undefined
}

/** How the service is reached. */
export interface ListenOptions {
  /** `127.0.0.1` if left out: this machine alone. `BURSAR_HOST` says otherwise. */
  readonly host?: string | undefined
  /** 8402 if left out; 0 takes a free one. `BURSAR_PORT` says otherwise. */
  readonly port?: number | undefined
  /** PEM files. `BURSAR_TLS_CERT` and `BURSAR_TLS_KEY` say otherwise. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined
  /**
   * True where a proxy ends TLS, and nobody else can reach the address. `BURSAR_BEHIND_PROXY=1` says
   * so as well. Nothing that a proxy adds to a request is believed.
   */
  readonly behindProxy?: boolean | undefined
}

/** A configuration with its types: `export default defineConfig({ … })`. */
export function defineConfig(config: BursarConfig): BursarConfig {
  return config
}

/** The configuration and the environment together, checked. */
export interface Settings {
  readonly database: string
  readonly host: string
  readonly port: number
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly behindProxy: boolean
  readonly archives: string | undefined
  readonly identity: IdentityOptions | undefined
  readonly guard: Omit<BursarOptions, 'store'>
}

const DEFAULT_DATABASE = 'bursar.db'
const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 8402

const hostField = z
  .string()
  .refine((text) => isIP(text) !== 0 || text === 'localhost', 'must be an IP address or localhost')

const portField = z.number().int().min(0).max(65_535)

const tlsField = z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) })

const configInput = z.looseObject({
  database: z.string().min(1).optional(),
  archives: z.string().min(1).optional(),
  listen: z
    .strictObject({
      host: hostField.optional(),
      port: portField.optional(),
      tls: tlsField.optional(),
      behindProxy: z.boolean().optional(),
    })
    .optional(),
  identity: identityInput.optional(),
  vault: z.custom<SealedVault>(isVault, 'must be a sealedVault').optional(),
})

const environmentInput = z.object({
  BURSAR_DATABASE: z.string().min(1).optional(),
  BURSAR_HOST: hostField.optional(),
  BURSAR_PORT: z
    .string()
    .regex(/^[0-9]{1,5}$/, 'must be a port')
    .transform(Number)
    .pipe(portField)
    .optional(),
  BURSAR_TLS_CERT: z.string().min(1).optional(),
  BURSAR_TLS_KEY: z.string().min(1).optional(),
  BURSAR_BEHIND_PROXY: z.enum(['0', '1']).optional(),
})

/** The environment of a process, or what stands for it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Reads configuration and environment. Throws `invalid_input` with the field or the variable. */
export function readSettings(config: BursarConfig, environment: Environment): Settings {
  const {
    listen = {},
    database,
    archives,
    identity,
  } = parseInput(configInput, config, 'bursar.config')
  const variables = parseInput(environmentInput, environment, 'environment')
  const {
    database: _database,
    listen: _listen,
    archives: _archives,
    identity: _identity,
    vault: _vault,
    ...guard
  } = config
  const { BURSAR_TLS_CERT: certFile, BURSAR_TLS_KEY: keyFile } = variables
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const message = 'environment: BURSAR_TLS_CERT and BURSAR_TLS_KEY: go together.'
    throw new BursarError('invalid_input', message)
  }
  const proxied = variables.BURSAR_BEHIND_PROXY
  return {
    database: variables.BURSAR_DATABASE ?? database ?? DEFAULT_DATABASE,
    host: variables.BURSAR_HOST ?? listen.host ?? DEFAULT_HOST,
    port: variables.BURSAR_PORT ?? listen.port ?? DEFAULT_PORT,
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : listen.tls,
    behindProxy: proxied === undefined ? (listen.behindProxy ?? false) : proxied === '1',
    archives,
    identity,
    guard,
  }
}

function isVault(value: unknown): boolean {
  return typeof (value as Partial<SealedVault> | null)?.recordedBy === 'function'
}

function parseInput<Output>(
  schema: z.ZodType<Output, unknown>,
  input: unknown,
  what: string,
): Output {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'all of it'
  throw new BursarError('invalid_input', `${what}: ${field}: ${issue?.message ?? 'is not valid'}.`)
}
