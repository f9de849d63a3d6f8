import type { FakeConduct } from '@bursar/core/testing'
import type { Random } from './random.ts'
import type { WriteFate } from './simulated-store.ts'

/** The faults of a simulated world and how often each happens. */
export interface Faults {
  /** Whether faults are off, so that open work can end. */
  isCalm: boolean
  write(): WriteFate
  /** Draws the fate of a request on its way, and of the answer on the way back. */
  delivery(): 'delivered' | 'lost' | 'answer lost' | 'delivered twice'
  conduct(): FakeConduct
  /** Draws a merchant's answer to a request without a payload. */
  shop():
    | 'asks'
    | 'fails'
    | 'is free'
    | 'talks nonsense'
    | 'asks another price'
    | 'asks for another payee'
  signer(): 'signs' | 'refuses' | 'throws' | 'signs and throws' | 'hangs' | 'signs and hangs'
  /** Draws the way in which a rail breaks its promises. */
  prover(): 'is right' | 'asks twice' | 'asks for more' | 'throws after signing'
  chain(): 'answers' | 'throws' | 'hangs'
}

/** The frequency of each fault in percent. */
const weathers = [0, 3, 10, 30] as const

const conducts: readonly FakeConduct[] = [
  'settles_then_drops',
  'settles_then_fails',
  'settles_undelivered',
  'settles_broken_body',
  'settles_then_asks_again',
  'settles_silently',
  'drops',
  'asks_again',
  'refuses',
  'delivers_free',
  'forges_claim',
  'forges_claim',
  'redirects',
]

export function seededFaults(random: Random): Faults {
  const weather = (): number => random.pick(weathers) / 100
  const rates = {
    write: weather(),
    delivery: weather(),
    // Merchants misbehave most of all, and in every world.
    conduct: 0.15 + weather() * 2,
    shop: weather(),
    signer: weather(),
    prover: weather(),
    chain: weather(),
  }
  const fault = <Usual, Fault>(rate: number, usual: Usual, faults: readonly Fault[]) =>
    !faultsOf.isCalm && random.chance(rate) ? random.pick(faults) : usual
  const faultsOf: Faults = {
    isCalm: true,
    write: () => fault(rates.write / 2, 'written', ['unwritten', 'unheard', 'late'] as const),
    delivery: () =>
      fault(rates.delivery, 'delivered', ['lost', 'answer lost', 'delivered twice'] as const),
    conduct: () => fault(rates.conduct, 'honest', conducts),
    shop: () =>
      fault(rates.shop, 'asks', [
        'fails',
        'is free',
        'talks nonsense',
        'asks another price',
        'asks for another payee',
      ] as const),
    signer: () =>
      fault(rates.signer, 'signs', [
        'refuses',
        'throws',
        'signs and throws',
        'hangs',
        'signs and hangs',
      ] as const),
    prover: () =>
      fault(rates.prover, 'is right', [
        'asks twice',
        'asks for more',
        'throws after signing',
      ] as const),
    chain: () => fault(rates.chain, 'answers', ['throws', 'hangs'] as const),
  }
  return faultsOf
}
