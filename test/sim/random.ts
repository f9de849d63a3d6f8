/** A source of random numbers that depend on a seed alone. */
export interface Random {
  /** Draws a whole number from `least` to `most`. */
  between(least: number, most: number): number
  /** Draws true with this probability. */
  chance(probability: number): boolean
  pick<Choice>(choices: readonly Choice[]): Choice
}

/** Creates a SplitMix32 generator: it scrambles a counter, so that neighbouring seeds differ. */
export function seeded(seed: number): Random {
  let counter = seed | 0
  const next = (): number => {
    counter = (counter + 0x9e3779b9) | 0
    let bits = counter ^ (counter >>> 16)
    bits = Math.imul(bits, 0x21f0aaad)
    bits ^= bits >>> 15
    bits = Math.imul(bits, 0x735a2d97)
    bits ^= bits >>> 15
    return (bits >>> 0) / 2 ** 32
  }
  return {
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (choices) => {
      const choice = choices[Math.floor(next() * choices.length)]
      if (choice === undefined) throw new RangeError('There is nothing to pick from.')
      return choice
    },
  }
}
