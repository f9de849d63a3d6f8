import { BursarError, type SecretUse } from '@bursar/core'
import type { OpenedSecret } from './opened-secret.ts'
import { NotOpened, openVersions, type SecretSource } from './secret-source.ts'

/**
 * A permission has to take effect within two minutes of its delegation, and its provider's package takes a
 * while as well: it is asked within this time of the call, or not at all.
 */
const OPENING_MS = 15_000

/**
 * Asks a provider for what may be asked again, with the newest version of a secret; where that is
 * refused, with the one before while it is good. Throws the codes of the provider's package, what keeps
 * the secret from being opened, `timed_out`, or `credential_expired`.
 */
export async function askWithSecret<Answer>(
  source: SecretSource,
  name: string,
  purpose: SecretUse['purpose'],
  ask: (secret: OpenedSecret) => Promise<Answer>,
): Promise<Answer> {
  const until = Date.now() + OPENING_MS
  let refusal = expired(name, 'has no version that is good now')
  try {
    for await (const { secret, version, isInvalid } of openVersions(source, name, [purpose])) {
      if (Date.now() >= until) {
        throw new BursarError('timed_out', `vault: it took too long to open ${name}.`)
      }
      try {
        return await ask(secret)
      } catch (error) {
        const told = toldOf(error, name)
        if (!isInvalid() && told.code !== 'credential_expired') throw told
        refusal = isInvalid() ? expired(name, `has not the fields in version ${version}`) : told
      }
    }
  } catch (error) {
    if (!(error instanceof NotOpened)) throw error
    throw new BursarError(error.code, `vault: ${error.message}`)
  }
  throw refusal
}

/** Ours quote nothing. What others throw may quote what they were given. */
function toldOf(error: unknown, name: string): BursarError {
  if (BursarError.isInstance(error)) return error
  return new BursarError('wallet_unavailable', `vault: what was asked for with ${name} failed.`)
}

function expired(name: string, why: string): BursarError {
  return new BursarError('credential_expired', `vault: ${name} ${why}.`)
}
