/** Arguments that a call need not have. Providers' strict schemas make a model send them all the same. */
const optionalArguments: readonly string[] = ['method', 'headers', 'body', 'purpose', 'maxAmount']

/** A number that is an amount in its own text: a decimal of at most six places, without an exponent. */
const amountText = /^\d+(\.\d{1,6})?$/

/**
 * Reads the arguments of a call as models send them. Leaves out optional ones that are null or an empty
 * string, writes a number in `maxAmount` as a decimal string, and reads arguments that came as one JSON text.
 * Returns any other input as it is: the guard's parser refuses it.
 */
export function readModelArguments(input: unknown): unknown {
  const given = typeof input === 'string' ? readArgumentObject(input) : input
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const entries = Object.entries(given).filter(([name, value]) => !isArgumentMissing(name, value))
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      name === 'maxAmount' ? writeAmountArgument(value) : value,
    ]),
  )
}

/** Reads an object from JSON text, once. Returns the text if it holds no object. */
function readArgumentObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : text
  } catch {
    return text
  }
}

function isArgumentMissing(name: string, value: unknown): boolean {
  return optionalArguments.includes(name) && (value === null || value === '')
}

function writeAmountArgument(value: unknown): unknown {
  return typeof value === 'number' && amountText.test(String(value)) ? String(value) : value
}
