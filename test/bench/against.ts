/** A candidate of a comparison, measured as a rate. */
export interface Measured {
  readonly name: string
  measure(): Promise<number>
}

/** The measured values, each relative to the yardstick taken right before and right after it. */
export interface Comparison {
  readonly ratios: Readonly<Record<string, number>>
  readonly rates: Readonly<Record<string, number>>
  /** The mean of the yardstick's measurements in this round. */
  readonly yardstick: number
}

/** Measures candidates one after the other, with the yardstick before, between and after them. */
export async function against(
  yardstick: () => Promise<number>,
  things: readonly Measured[],
): Promise<Comparison> {
  const ratios: Record<string, number> = {}
  const rates: Record<string, number> = {}
  const marks = [await yardstick()]
  for (const { name, measure } of things) {
    const before = marks.at(-1) ?? Number.NaN
    const rate = await measure()
    const after = await yardstick()
    marks.push(after)
    rates[name] = rate
    ratios[name] = rate / ((before + after) / 2)
  }
  const sum = marks.reduce((total, mark) => total + mark, 0)
  return { ratios, rates, yardstick: sum / marks.length }
}
