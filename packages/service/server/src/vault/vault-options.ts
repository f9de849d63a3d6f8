import { BursarError } from '@bursar/core'

/** Throws `invalid_input` for what names no secret, in the name of the call that was given it. */
export function assertSecretName(secret: unknown, call: string): void {
  if (typeof secret === 'string' && secret !== '') return
  throw new BursarError('invalid_input', `${call}: secret: must be its name.`)
}

/** Throws `invalid_input` for what makes nothing of a secret. */
export function assertMaker(maker: unknown, field: string): void {
  if (typeof maker === 'function') return
  throw new BursarError('invalid_input', `${field}: must be a function.`)
}
