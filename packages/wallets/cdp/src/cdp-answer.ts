import type { CdpAnswer } from './cdp-api.ts'

/** The address of CDP's API. */
export const SERVICE_URL = 'https://api.cdp.coinbase.com/platform'

/** Returns the type of an answer's error. The error's text is the provider's and left out. */
export function readCdpErrorType(answer: CdpAnswer): string {
  const type = readCdpText(answer, 'errorType') ?? ''
  return /^[a-z_]{1,60}$/.test(type) ? type : 'without a known type'
}

/**
 * Returns a text field of an answer. Returns undefined if the answer has no such field, or no text
 * in it.
 */
export function readCdpText({ body }: CdpAnswer, field: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const value = (body as Readonly<Record<string, unknown>>)[field]
  return typeof value === 'string' ? value : undefined
}
