import { BursarError, type SecretUse } from '@bursar/core'
import type { OpenedSecret } from './opened-secret.ts'
import { NotOpened, openSourceVersions, type SecretSource } from './secret-source.ts'

/**
 * The longest time for opening the secret. A permission has to take effect within two minutes of its
 * delegation, and the request to the provider takes a part of that time.
 */
const OPENING_MS = 15_000

/**
 * Sends a repeatable request to a provider with the newest version of a secret. If the provider
 * refuses that version, sends the request with the version before it, while that one is valid.
 *
 * Throws `credential_expired` if the provider refuses every version, `timed_out` after `OPENING_MS`,
 * the code that kept the secret from being opened, or the code of the provider's package.
 */
export async function requestWithSecret<Answer>(
  source: SecretSource,
  name: string,
  purpose: SecretUse['purpose'],
  sendRequest: (secret: OpenedSecret) => Promise<Answer>,
): Promise<Answer> {
  const until = Date.now() + OPENING_MS
  let refusal = secretExpiredError(name, 'has no valid version')
  try {
    for await (const { secret, version, isInvalid } of openSourceVersions(source, name, [
      purpose,
    ])) {
      if (Date.now() >= until) {
        throw new BursarError(
          'timed_out',
          `vault: ${name} was not opened within ${OPENING_MS / 1_000} s. Try again.`,
        )
      }
      try {
        return await sendRequest(secret)
      } catch (error) {
        const failure = toSecretRequestError(error, name)
        if (!isInvalid() && failure.code !== 'credential_expired') throw failure
        refusal = isInvalid()
          ? secretExpiredError(name, `lacks a field in version ${version}`)
          : failure
      }
    }
  } catch (error) {
    if (!(error instanceof NotOpened)) throw error
    throw new BursarError(error.code, `vault: ${error.message}`)
  }
  throw refusal
}

/** Returns an error of ours as it is, and replaces every other: its message may quote the secret. */
function toSecretRequestError(error: unknown, name: string): BursarError {
  if (BursarError.isInstance(error)) return error
  return new BursarError('wallet_unavailable', `vault: the request that used ${name} failed.`)
}

function secretExpiredError(name: string, why: string): BursarError {
  return new BursarError('credential_expired', `vault: ${name} ${why}.`)
}
