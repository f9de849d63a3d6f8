import type { Money, PayResult } from './pay-result.ts'

/** The tool that a model sees: name, description and arguments, equal in every framework. */
export const payTool: PayTool = {
  name: 'pay_within_session',
  description: [
    'Fetch a URL, and pay for it if it asks for payment (HTTP 402), within the limits of the',
    'current payment session. Use it for resources that may cost money. Do not use it for pages',
    'that are known to be free, and do not call it again for the same thing after an answer that',
    'says not to. Limits are set by the user and cannot be changed from here.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: {
      url: { type: 'string', description: 'Absolute URL of the resource.' },
      method: {
        type: 'string',
        description: 'HTTP method: GET, HEAD, POST, PUT, PATCH or DELETE. Empty for GET.',
      },
      body: { type: 'string', description: 'Request body: text or JSON. Empty for none.' },
      purpose: { type: 'string', description: 'What this is needed for, in a few words.' },
      maxAmount: {
        type: 'string',
        description: 'The most that it may cost, such as "0.05". Empty for no limit of its own.',
      },
    },
    required: ['url', 'method', 'body', 'purpose', 'maxAmount'],
    additionalProperties: false,
  },
}

/** The type of `payTool`. */
export interface PayTool {
  readonly name: 'pay_within_session'
  readonly description: string
  /**
   * JSON Schema (draft 7) in the subset that every provider takes, strict modes included: all arguments are
   * required strings, and an empty one counts as not given. The guard accepts more than the schema says: it
   * ignores and records unknown arguments, and takes optional ones that are missing, null or JSON values.
   */
  readonly inputSchema: {
    readonly type: 'object'
    readonly properties: Readonly<Record<string, JsonSchemaProperty>>
    readonly required: string[]
    readonly additionalProperties: false
  }
}

/** The schema of one argument of `payTool`. */
export interface JsonSchemaProperty {
  readonly type: 'string'
  readonly description: string
}

/** The result for a model: without address, key, token, policy text or stack. */
export interface ModelResult {
  readonly status: PayResult['status']
  readonly content?: string
  readonly receipt?: ModelReceipt
  readonly remaining?: Money
  readonly code?: string
  readonly message: string
}

/** A receipt for a model: the guard makes all of its fields. */
export interface ModelReceipt {
  readonly id: string
  readonly amount: string
  readonly currency: string
  readonly merchant: string
  readonly at: string
  readonly settlement: 'claimed' | 'settled'
}

/** The most characters of a resource's content that a model gets. */
export const MAX_MODEL_CONTENT_CHARACTERS = 20_000

/** The content types that count as text for a model. */
const textType = /^(text\/|application\/([a-z0-9.+-]*\+)?(json|xml|yaml|x-ndjson|javascript)\b)/i

/**
 * Turns a result into the result for a model. Only here is content fenced and cut. Merchant text is in
 * `content` alone, between marks that the text cannot contain.
 *
 * @example
 * ```ts
 * const result = await session.pay({ url: 'https://api.example.com/report', purpose: 'a report' })
 * const { status, message, content } = toModelResult(result)
 * ```
 */
export function toModelResult(result: PayResult): ModelResult {
  const response = 'response' in result ? result.response : undefined
  return {
    status: result.status,
    message: result.message,
    ...('code' in result && result.code !== undefined ? { code: result.code } : {}),
    ...(response ? { content: fenceToolContent(response) } : {}),
    ...('receipt' in result
      ? {
          receipt: {
            id: result.receipt.paymentId,
            amount: result.receipt.amount,
            currency: result.receipt.currency,
            merchant: result.receipt.merchant,
            at: result.receipt.at,
            settlement: result.receipt.settlement,
          },
        }
      : {}),
    ...('remaining' in result && result.remaining ? { remaining: result.remaining } : {}),
  }
}

/**
 * Returns the result for a model whose call found no session. The operator hears the reason elsewhere.
 *
 * @example
 * ```ts
 * const result = withoutSession()
 * console.log(result.code) // 'session_unknown'
 * ```
 */
export function withoutSession(): ModelResult {
  return {
    status: 'denied',
    code: 'session_unknown',
    message: 'There is no payment session for this call. Do not try again. Tell the user.',
  }
}

/**
 * Returns the result for a model whose call made the guard fail. The operator hears the cause elsewhere.
 *
 * @example
 * ```ts
 * const result = withoutGuard()
 * console.log(result.status) // 'failed'
 * ```
 */
export function withoutGuard(): ModelResult {
  return {
    status: 'failed',
    message:
      'The payment guard failed, and whether anything was paid is not known here. Do not try again. Tell the user.',
  }
}

const opening = '<untrusted-content>'
const closing = '</untrusted-content>'

function fenceToolContent(response: {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly truncated: boolean
}): string {
  const type = response.headers['content-type'] ?? ''
  const { location } = response.headers
  if (response.status >= 300 && response.status < 400 && location !== undefined) {
    return `${opening}\nredirect to: ${removeToolFenceMarks(location)}\n${closing}`
  }
  if (response.body.byteLength === 0) return `${opening}(empty)${closing}`
  if (!textType.test(type)) {
    return `${opening}(binary content, ${removeToolFenceMarks(printableToolType(type))}, ${response.body.byteLength} bytes)${closing}`
  }
  const text = new TextDecoder().decode(response.body)
  // The cut may leave half of a character, which providers' APIs refuse.
  const shown = removeToolFenceMarks(text.slice(0, MAX_MODEL_CONTENT_CHARACTERS).toWellFormed())
  const cut = response.truncated || text.length > MAX_MODEL_CONTENT_CHARACTERS
  return `${opening}\n${shown}\n${closing}${cut ? '\n(cut: the content is not whole)' : ''}`
}

/** Removes marks and control characters, so that content cannot end the fence, or look like its end. */
function removeToolFenceMarks(text: string): string {
  return text.replace(lookAlike, '[mark removed]').replace(controls, '\ufffd')
}

/**
 * Invisible characters between two letters; UTF-16 text has NUL there. White space is left out, so that
 * the expression matches every run of characters in one way only, in linear time.
 */
const unseen = '[[\\p{Default_Ignorable_Code_Point}\\p{M}\\p{Cc}\\p{Cf}]--\\s]'

/** Characters that look like a hyphen. */
const hyphen = '\\p{Pd}\\p{Pc}\\u2212\\u00b7\\u02d7'

/** Letters of other scripts that look like ours. Full-width letters are added to them. */
const twins: Readonly<Record<string, string>> = {
  c: 'сϲ',
  d: 'ԁ',
  e: 'е',
  n: 'ո',
  o: 'оο',
  s: 'ѕ',
  u: 'ս',
}

/**
 * The word of the marks in any case, with invisible characters between its letters, and any kind of
 * hyphen. Prose with a blank instead of the hyphen is left as it is.
 */
const lookAlike: RegExp = new RegExp(
  `${spreadToolMarkLetters('untrusted')}\\s*[${hyphen}${unseen}][\\s${hyphen}${unseen}]*${spreadToolMarkLetters('content')}`,
  'giv',
)

/** Controls that are not white space: databases and providers' APIs refuse some of them. */
const controls = /(?!\s)\p{Cc}/gu

function spreadToolMarkLetters(word: string): string {
  const wide = (letter: string): string => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)
  return [...word]
    .map((letter) => `[${letter}${wide(letter)}${twins[letter] ?? ''}]`)
    .join(`[\\s${unseen}]*`)
}

function printableToolType(type: string): string {
  return /^[a-z0-9]+\/[a-z0-9.+-]+/i.exec(type)?.[0].slice(0, 60) ?? 'unknown type'
}
