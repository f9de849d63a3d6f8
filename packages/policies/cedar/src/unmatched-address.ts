/**
 * Finds a text with upper-case digits that an expression, in Cedar's JSON, compares with an address
 * of the payment. Returns undefined if there is none.
 *
 * A payment has its addresses in lower case. A `forbid` of an address as block explorers show it
 * would never match.
 */
export function findUnmatchedAddress(expression: unknown): string | undefined {
  if (typeof expression !== 'object' || expression === null) return undefined
  const operands: readonly unknown[] = Object.values(expression)
  if (operands.some(isAddress)) {
    const [, found] = upperCasePattern.exec(JSON.stringify(operands)) ?? []
    if (found !== undefined) return found
  }
  for (const operand of operands) {
    const found = findUnmatchedAddress(operand)
    if (found !== undefined) return found
  }
  return undefined
}

const upperCasePattern = /"Value":"(0[xX][0-9a-f]*[A-F][0-9a-fA-F]*)"/

/** Checks whether an operand is `context.payee` or `context.asset`. */
function isAddress(operand: unknown): boolean {
  const text = JSON.stringify(operand)
  return ['payee', 'asset'].some((attr) => text === writeAddressAttribute(attr))
}

function writeAddressAttribute(attr: string): string {
  return JSON.stringify({ '.': { left: { Var: 'context' }, attr } })
}
