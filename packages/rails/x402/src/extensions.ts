import { z } from 'zod'

/** The extension that names a payment, so that a server recognises it when it comes again. */
const PAYMENT_IDENTIFIER = 'payment-identifier'

/** The longest JSON of all extensions together that is sent back, in characters. */
const MAX_EXTENSIONS_LENGTH = 8_192

const extensionsSchema = z.record(z.string(), z.unknown())

const infoSchema = z.looseObject({ required: z.boolean() })

const identifierSchema = z.looseObject({ info: infoSchema })

/** The extensions of a challenge as `prove` sends them back. */
export type Extensions = Readonly<Record<string, unknown>>

/**
 * Reads the extensions of a challenge of version 2. A payer sends them back as they came; the
 * extension `payment-identifier` is answered with the payment's id.
 *
 * Returns `problem` if nothing can be paid: an extension that says `required` and is not known, or
 * one that is required and too long to be sent back. Extensions that are not required and too long
 * are left out.
 */
export function readExtensions(
  given: unknown,
): { readonly extensions?: Extensions } | { readonly problem: string } {
  if (given === undefined || given === null) return {}
  const parsed = extensionsSchema.safeParse(given)
  if (!parsed.success) return { problem: 'its extensions are no object' }
  const extensions = parsed.data
  const required = Object.keys(extensions).filter((name) => isRequiredExtension(extensions[name]))
  const unknown = required.find((name) => name !== PAYMENT_IDENTIFIER)
  if (unknown !== undefined) {
    return {
      problem: `it requires the extension ${toPrintableExtension(unknown)}, which is not known`,
    }
  }
  if (JSON.stringify(extensions).length <= MAX_EXTENSIONS_LENGTH) return { extensions }
  return required.length > 0
    ? { problem: `its extensions are longer than ${MAX_EXTENSIONS_LENGTH} characters` }
    : {}
}

/** Returns the extensions as a payment with this id sends them. */
export function answerExtensions(extensions: Extensions, paymentId: string): Extensions {
  const identifier = identifierSchema.safeParse(extensions[PAYMENT_IDENTIFIER])
  if (!identifier.success) return extensions
  const { info, ...rest } = identifier.data
  return { ...extensions, [PAYMENT_IDENTIFIER]: { ...rest, info: { ...info, id: paymentId } } }
}

function isRequiredExtension(extension: unknown): boolean {
  const parsed = z
    .looseObject({ info: z.looseObject({ required: z.unknown().optional() }) })
    .safeParse(extension)
  return parsed.success && parsed.data.info.required === true
}

/** Returns the name of an unknown extension as a record may hold it: printable, at most 40 characters. */
function toPrintableExtension(name: string): string {
  return name.replace(/[^\x21-\x7e]/g, '?').slice(0, 40)
}
