import type { CdpAnswer } from './cdp-api.ts'

export const SERVICE_URL = 'https://api.cdp.coinbase.com/platform'

/** Only the kind of error is repeated: its text is the provider's. */
export function typeOf(answer: CdpAnswer): string {
  const type = textIn(answer, 'errorType') ?? ''
  return /^[a-z_]{1,60}$/.test(type) ? type : 'without a known type'
}

/** A text among the fields of an answer. */
export function textIn({ body }: CdpAnswer, field: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const value = (body as Readonly<Record<string, unknown>>)[field]
  return typeof value === 'string' ? value : undefined
}
