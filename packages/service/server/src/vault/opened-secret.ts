import { BursarError } from '@bursar/core'

/**
 * A secret that is open for one request, such as one signature. Printing or serialising it reveals
 * nothing. After the request both methods throw `secret_forgotten`.
 */
export interface OpenedSecret {
  /** Returns the whole value as text. */
  text(): string
  /**
   * Returns members of a value that is a JSON object, such as the credentials of a provider. Throws
   * `secret_invalid` if a member is missing or not a string.
   */
  fields<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, string>>
}

/** An opened secret with the means to close it. */
export interface OpenSecret {
  readonly secret: OpenedSecret
  /** Returns true if a member was asked for that the value lacks: it suits another kind of wallet. */
  isInvalid(): boolean
  /** Overwrites the value. Strings made of it are left to the garbage collector. */
  forget(): void
}

/** Opens a secret over the buffer of its value. The buffer belongs to the opened secret from then on. */
export function openSecret(name: string, value: Buffer): OpenSecret {
  let isForgotten = false
  let isInvalid = false
  const readText = (): string => {
    if (!isForgotten) return value.toString('utf8')
    const message = `vault: ${name} was opened for one request, which has ended. Read it within the request.`
    throw new BursarError('secret_forgotten', message)
  }
  return {
    secret: {
      text: readText,
      fields<Name extends string>(...names: readonly Name[]) {
        const members = readSecretMembers(readText())
        const fields: Partial<Record<Name, string>> = {}
        for (const one of names) {
          const member = members?.[one]
          // The error must not quote the member's value, which may be the secret itself.
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

function readSecretMembers(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(text)
    const isObject = typeof read === 'object' && read !== null && !Array.isArray(read)
    return isObject ? { __proto__: null, ...read } : undefined
  } catch {
    // The parser's error is dropped: it quotes the text.
    return undefined
  }
}

function secretInvalidError(name: string, field: string): BursarError {
  const message = `vault: ${name} has no text called ${field}. Put it as a JSON object of strings.`
  return new BursarError('secret_invalid', message)
}
