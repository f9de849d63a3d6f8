import { BursarError } from '@bursar/core'

/**
 * A secret that is open while one signature is made. Nothing of it is shown when it is printed or
 * serialised. Afterwards both calls throw `secret_forgotten`.
 */
export interface OpenedSecret {
  /** The whole value, as text. */
  text(): string
  /**
   * Members of a value that is a JSON object, such as the credentials of a provider. Throws
   * `secret_invalid` where one is not there, or is no text.
   */
  fields<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, string>>
}

/** An opened secret, and the end of it. */
export interface OpenSecret {
  readonly secret: OpenedSecret
  /** Whether a member was asked for that is not there: then it is no credential of what reads it. */
  isInvalid(): boolean
  /** Overwrites the value. Texts that were made of it are left to the garbage collector. */
  forget(): void
}

/** Takes over the buffer of a value. */
export function openSecret(name: string, value: Buffer): OpenSecret {
  let isForgotten = false
  let isInvalid = false
  const readText = (): string => {
    if (!isForgotten) return value.toString('utf8')
    const message = `vault: ${name} was opened for one signature, which is over.`
    throw new BursarError('secret_forgotten', message)
  }
  return {
    secret: {
      text: readText,
      fields<Name extends string>(...names: readonly Name[]) {
        const members = readMembers(readText())
        const fields: Partial<Record<Name, string>> = {}
        for (const one of names) {
          const member = members?.[one]
          // What it is instead is not told: it may be the secret.
          if (typeof member !== 'string') {
            isInvalid = true
            throw secretInvalidError(name, one)
          }
          fields[one] = member
        }
        return fields as Record<Name, string>
      },
    },
    isInvalid: () => isInvalid,
    forget() {
      isForgotten = true
      value.fill(0)
    },
  }
}

function readMembers(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(text)
    const isObject = typeof read === 'object' && read !== null && !Array.isArray(read)
    return isObject ? { __proto__: null, ...read } : undefined
  } catch {
    // The parser's message quotes what it was given.
    return undefined
  }
}

function secretInvalidError(name: string, field: string): BursarError {
  const message = `vault: ${name} has no text called ${field}. Put it as a JSON object of texts.`
  return new BursarError('secret_invalid', message)
}
