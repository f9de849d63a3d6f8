import { isIP } from 'node:net'
import { BursarError, type BursarOptions } from '@bursar/core'
import { z } from 'zod'
import { type IdentityOptions, identityInput } from '../auth/identity-provider.ts'
import type { SealedVault } from '../vault/sealed-vault.ts'

/** The configuration of the service: the parts of the guard, and the address to listen on. */
export interface BursarConfig extends Omit<BursarOptions, 'store'> {
  /**
   * The ledger: a SQLite file, or the `postgres://` URL of a database that any number of servers
   * share. The environment variable `BURSAR_DATABASE` wins.
   *
   * @default 'bursar.db'
   */
  readonly database?: string | undefined
  /** The address to listen on, and its protection. */
  readonly listen?: ListenOptions | undefined
  /** The vault of the wallets' secrets, which the command `bursar vault` changes. */
  readonly vault?: SealedVault | undefined
  /**
   * The folder for archives, both of the HTTP API and of `bursar archive`. Without it archiving is
   * refused.
   */
  readonly archives?: string | undefined
  /** The identity provider whose tokens (JWT) are accepted besides the keys of the ledger. */
  readonly identity?: IdentityOptions | undefined
}

/** The address that the service listens on, and its protection. */
export interface ListenOptions {
  /**
   * The IP address, or `localhost`. The environment variable `BURSAR_HOST` wins.
   *
   * @default '127.0.0.1'
   */
  readonly host?: string | undefined
  /**
   * The port; 0 takes a free one. The environment variable `BURSAR_PORT` wins.
   *
   * @default 8402
   */
  readonly port?: number | undefined
  /**
   * The PEM files of the certificate and its key. The environment variables `BURSAR_TLS_CERT` and
   * `BURSAR_TLS_KEY` win. Without them the service speaks plain http.
   */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined
  /**
   * Lets the service speak plain http on an address that other machines reach, because a proxy ends
   * TLS in front of it. The network has to keep everyone but the proxy from that address. Headers
   * that a proxy adds are ignored. The environment variable `BURSAR_BEHIND_PROXY` (`1` or `0`) wins.
   *
   * @default false
   */
  readonly behindProxy?: boolean | undefined
}

/**
 * Returns the configuration as it is, with its type checked.
 *
 * @example
 * ```ts
 * import { x402 } from '@bursar/x402'
 * import { defineConfig } from 'bursar'
 *
 * export default defineConfig({
 *   database: 'bursar.db',
 *   rails: [x402({ networks: { 'eip155:84532': { rpcUrl: 'https://sepolia.base.org' } } })],
 *   instruments: {},
 * })
 * ```
 */
export function defineConfig(config: BursarConfig): BursarConfig {
  return config
}

/** The checked settings of a service: the configuration with the environment applied. */
export interface Settings {
  /** The SQLite file or the `postgres://` URL of the ledger. */
  readonly database: string
  /** The IP address to listen on, or `localhost`. */
  readonly host: string
  /** The port to listen on; 0 takes a free one. */
  readonly port: number
  /** The PEM files for TLS; undefined for plain http. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined
  /** True if a proxy ends TLS in front of the service. */
  readonly behindProxy: boolean
  /** The folder for archives; undefined if archiving is not configured. */
  readonly archives: string | undefined
  /** The identity provider; undefined if only keys of the ledger are accepted. */
  readonly identity: IdentityOptions | undefined
  /** The options of the guard, which `openGuard` completes with the store. */
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
  vault: z.custom<SealedVault>(isConfigVault, 'must be a sealedVault').optional(),
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

/** The environment variables of a process, or a replacement for them. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Checks a configuration and applies the environment variables to it. Throws `invalid_input` with the
 * name of the field or the variable.
 *
 * @example
 * ```ts
 * import { type BursarConfig, readSettings } from 'bursar'
 *
 * declare const config: BursarConfig
 * const settings = readSettings(config, { BURSAR_PORT: '8403' })
 * console.log(settings.port) // 8403
 * ```
 */
export function readSettings(config: BursarConfig, environment: Environment): Settings {
  const {
    listen = {},
    database,
    archives,
    identity,
  } = parseConfigInput(configInput, config, 'bursar.config')
  const variables = parseConfigInput(environmentInput, environment, 'environment')
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
    const message = 'environment: BURSAR_TLS_CERT and BURSAR_TLS_KEY: set both, or neither.'
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

function isConfigVault(value: unknown): boolean {
  return typeof (value as Partial<SealedVault> | null)?.recordedBy === 'function'
}

function parseConfigInput<Output>(
  schema: z.ZodType<Output, unknown>,
  input: unknown,
  what: string,
): Output {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'the whole'
  throw new BursarError('invalid_input', `${what}: ${field}: ${issue?.message ?? 'is not valid'}.`)
}
