import { BursarError, currentSecretUse, type SecretUse } from '@bursar/core'
import { type OpenSecret, openedSecret } from './opened-secret.ts'
import type { SecretSource } from './secret-source.ts'

/** A version of a secret that is open while it is looked at. */
export interface OpenedVersion extends Pick<OpenSecret, 'secret' | 'isInvalid'> {
  readonly version: string
}

/** Why a secret was not opened; nothing was asked of a provider with it. Quotes nothing. */
export class NotOpened extends Error {
  readonly code: string

  constructor(secret: string, cause: unknown) {
    // Ours say what is wrong, and quote nothing. What others throw may.
    const isOurs = BursarError.isInstance(cause)
    const told = isOurs ? `${cause.code}: ${cause.message}` : 'it failed'
    super(`${secret} could not be opened: ${told}`)
    this.code = isOurs ? cause.code : 'secret_source_unavailable'
  }
}

/**
 * Opens the versions of a secret that are good now, newest first, one after the other: each is recorded
 * before it is opened, and forgotten when the next one is asked for, or none, or when the guard waits no
 * longer. Only for uses of the guard with one of these purposes. Throws `NotOpened`.
 */
export async function* openedVersions(
  source: SecretSource,
  name: string,
  purposes: readonly SecretUse['purpose'][],
): AsyncGenerator<OpenedVersion> {
  const orNotOpened = (cause: unknown): never => {
    throw new NotOpened(name, cause)
  }
  const use = currentSecretUse()
  if (!use || !purposes.includes(use.purpose)) {
    const text = `vault: it is opened for the guard's own ${purposes.join(' or ')} alone.`
    throw new NotOpened(name, new BursarError('secret_not_needed', text))
  }
  for (const { version, open } of await source.versions(name).catch(orNotOpened)) {
    const recorded = use.recordOpening({ secret: name, version })
    const value = await recorded.then(open).catch(orNotOpened)
    const { secret, isInvalid, forget } = openedSecret(name, value)
    use.over.addEventListener('abort', forget)
    if (use.over.aborted) forget()
    try {
      yield { version, secret, isInvalid }
    } finally {
      use.over.removeEventListener('abort', forget)
      forget()
    }
  }
}
