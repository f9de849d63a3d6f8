import { BursarError, guardedHttp } from '@bursar/core'
import { SHUTDOWN_GRACE_MS } from '../api/service-limits.ts'
import { identityProvider } from '../auth/identity-provider.ts'
import { type BursarConfig, type Environment, readSettings } from '../config/config.ts'
import { findUnsafeLedgerState, findUnsafeSettings } from '../config/unsafe-settings.ts'
import { ledgerVerifier } from '../ledger/ledger-verifier.ts'
import { openGuard } from '../ledger/open-guard.ts'
import { createApp } from './app.ts'
import { type Listener, openListener } from './listener.ts'
import { type RequestLog, writeJsonLog } from './request-log.ts'

/** A running service. */
export interface Service {
  /** The address of the service, such as `http://127.0.0.1:8402`. */
  readonly url: string
  /**
   * Closes the service without loss: refuses new requests, answers those in flight (for at most 90
   * seconds), waits for every payment that has begun, and closes the ledger. Further calls return
   * the same promise.
   */
  close(): Promise<void>
}

/** The options of `serve`. */
export interface ServeOptions {
  /**
   * The environment variables that override the configuration.
   *
   * @default process.env
   */
  readonly environment?: Environment | undefined
  /**
   * The function that gets an entry for each request.
   *
   * @default one line of JSON on the standard output
   */
  readonly log?: RequestLog | undefined
}

/**
 * Starts the guard as a service.
 *
 * Throws `invalid_input` with the name of a field that is not valid, `unsafe_configuration` with every
 * reason not to start, the codes of the store if the ledger cannot be reached, and the system's code
 * (such as `EADDRINUSE`) if the address cannot be used.
 *
 * @example
 * ```ts
 * import { type BursarConfig, serve } from 'bursar'
 *
 * declare const config: BursarConfig
 * const service = await serve(config)
 * console.log(`listening on ${service.url}`)
 * process.once('SIGTERM', () => void service.close())
 * ```
 */
export async function serve(config: BursarConfig, options: ServeOptions = {}): Promise<Service> {
  const settings = readSettings(config, options.environment ?? process.env)
  assertSafeService(findUnsafeSettings(settings))
  const bursar = await openGuard(settings)
  const { development } = settings.guard
  const identityHttp = guardedHttp(development ? { development } : {})
  const closeParts = async (): Promise<void> => {
    await identityHttp.close()
    await bursar.close()
  }
  try {
    assertSafeService(await findUnsafeLedgerState(bursar, settings))
    const { identity } = settings
    const app = createApp({
      bursar,
      archives: settings.archives,
      verify: ledgerVerifier(settings.database, bursar),
      identity: identity && identityProvider(identity, identityHttp),
      log: options.log ?? writeJsonLog,
    })
    const listener = await openListener(app.fetch, settings)
    return { url: listener.url, close: createServiceClose(app.drain, listener, closeParts) }
  } catch (error) {
    await closeParts()
    throw error
  }
}

function createServiceClose(
  drain: () => void,
  listener: Listener,
  closeParts: () => Promise<void>,
): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= (async () => {
      drain()
      await listener.closeServer(SHUTDOWN_GRACE_MS)
      // Closing the guard waits for payments whose callers have hung up.
      await closeParts()
    })()
    return closing
  }
}

/** Throws `unsafe_configuration` with all reasons at once, so that one attempt shows every one. */
function assertSafeService(reasons: readonly string[]): void {
  if (reasons.length === 0) return
  const message = `The service does not start with this configuration:\n${reasons.map((one) => `- ${one}`).join('\n')}`
  throw new BursarError('unsafe_configuration', message)
}
