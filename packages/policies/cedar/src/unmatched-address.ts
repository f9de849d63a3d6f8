/**
 * A text that an expression, in Cedar's JSON, compares with an address of the payment, and that none
 * has: they are in lower case there, so that a `forbid` of what an explorer shows would never match.
 */
export function unmatchedAddress(expression: unknown): string | undefined {
  if (typeof expression !== 'object' || expression === null) return undefined
  const operands: readonly unknown[] = Object.values(expression)
  if (operands.some(isAddress)) {
    const [, found] = upperCase.exec(JSON.stringify(operands)) ?? []
    if (found !== undefined) return found
  }
  for (const operand of operands) {
    const found = unmatchedAddress(operand)
    if (found !== undefined) return found
  }
  return undefined
}

const upperCase = /"Value":"(0[xX][0-9a-f]*[A-F][0-9a-fA-F]*)"/

/** `context.payee` or `context.asset`. */
function isAddress(operand: unknown): boolean {
  const text = JSON.stringify(operand)
  return ['payee', 'asset'].some((attr) => text === attributeOf(attr))
}

function attributeOf(attr: string): string {
  return JSON.stringify({ '.': { left: { Var: 'context' }, attr } })
}
