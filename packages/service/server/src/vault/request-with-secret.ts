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
export async function requestWithSecret<Answer>(
  source: SecretSource,
  name: string,
  purpose: SecretUse['purpose'],
  sendRequest: (secret: OpenedSecret) => Promise<Answer>,
): Promise<Answer> {
  const until = Date.now() + OPENING_MS
  let refusal = credentialExpiredError(name, 'has no version that is good now')
  try {
    for await (const { secret, version, isInvalid } of openVersions(source, name, [purpose])) {
      if (Date.now() >= until) {
        throw new BursarError('timed_out', `vault: it took too long to open ${name}.`)
      }
      try {
        return await sendRequest(secret)
      } catch (error) {
        const failure = toBursarError(error, name)
        if (!isInvalid() && failure.code !== 'credential_expired') throw failure
        refusal = isInvalid()
          ? credentialExpiredError(name, `has not the fields in version ${version}`)
          : failure
      }
    }
  } catch (error) {
    if (!(error instanceof NotOpened)) throw error
    throw new BursarError(error.code, `vault: ${error.message}`)
  }
  throw refusal
}

/** Ours quote nothing. What others throw may quote what they were given. */
function toBursarError(error: unknown, name: string): BursarError {
  if (BursarError.isInstance(error)) return error
  return new BursarError('wallet_unavailable', `vault: what was asked for with ${name} failed.`)
}

function credentialExpiredError(name: string, why: string): BursarError {
  return new BursarError('credential_expired', `vault: ${name} ${why}.`)
}
