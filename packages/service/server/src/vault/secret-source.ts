import { BursarError, currentSecretUse, type SecretUse } from '@bursar/core'
import { type OpenSecret, openSecret } from './opened-secret.ts'

/** A place that a vault takes secrets from. It hands out values version by version, when asked. */
export interface SecretSource {
  /**
   * Returns the versions of a secret that are valid now, newest first. Throws `secret_unknown`, or
   * the code of what keeps the source from answering.
   */
  versions(secret: string): Promise<readonly SecretVersion[]>
}

/** One version of a secret that is valid now. */
export interface SecretVersion {
  readonly version: string
  /** Reads the value into a buffer that the caller owns, and overwrites after use. */
  open(): Promise<Buffer>
}

/** A version of a secret while it is open. */
export interface OpenedVersion extends Pick<OpenSecret, 'secret' | 'isInvalid'> {
  readonly version: string
}

/** The reason why a secret was not opened, before a provider was asked for anything. Quotes no value. */
export class NotOpened extends Error {
  readonly code: string

  constructor(secret: string, cause: unknown) {
    // The message of a foreign error may quote the value; those of our own errors never do.
    const isOurs = BursarError.isInstance(cause)
    const reason = isOurs ? `${cause.code}: ${cause.message}` : 'it failed'
    super(`${secret} could not be opened: ${reason}`)
    this.code = isOurs ? cause.code : 'secret_source_unavailable'
  }
}

/**
 * Opens the versions of a secret that are valid now, one after the other, newest first. Each opening
 * is recorded before it happens. A version is overwritten when the next one is asked for, when the
 * loop ends, and when the guard stops waiting. Throws `NotOpened` if a version cannot be opened, or
 * if the guard is not using secrets for one of the purposes now.
 */
export async function* openSourceVersions(
  source: SecretSource,
  name: string,
  purposes: readonly SecretUse['purpose'][],
): AsyncGenerator<OpenedVersion> {
  const throwNotOpened = (cause: unknown): never => {
    throw new NotOpened(name, cause)
  }
  const use = currentSecretUse()
  if (!use || !purposes.includes(use.purpose)) {
    const text = `vault: it opens only while the guard handles a ${purposes.join(' or ')}.`
    throw new NotOpened(name, new BursarError('secret_not_needed', text))
  }
  for (const { version, open } of await source.versions(name).catch(throwNotOpened)) {
    const recorded = use.recordOpening({ secret: name, version })
    const value = await recorded.then(open).catch(throwNotOpened)
    const { secret, isInvalid, forget } = openSecret(name, value)
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
