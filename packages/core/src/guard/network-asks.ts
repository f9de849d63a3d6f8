import { BursarError } from '../primitives/errors.ts'

/** The questions that one network is asked at the same time, for all callers. */
const MAX_ASKS = 50

/** The questions at the same time for one caller: a fifth, so that nobody takes the network from the others. */
const MAX_ASKS_OF_CALLER = MAX_ASKS / 5

/**
 * Bounds how much payment networks are asked by calls: a merchant decides how many offers it makes, and an agent
 * how often it calls. What proves payments asks apart from it.
 */
export interface NetworkAsks {
  /** Runs a question. Throws `network_busy` if too many are under way, for the caller or in all. */
  run<Answer>(network: string, caller: string, ask: () => Promise<Answer>): Promise<Answer>
}

export function createNetworkAsks(): NetworkAsks {
  const running = new Map<string, number>()
  const countOf = (name: string): number => running.get(name) ?? 0
  const add = (name: string, change: 1 | -1): void => {
    const count = countOf(name) + change
    if (count > 0) running.set(name, count)
    else running.delete(name)
  }
  return {
    run: async (network, caller, ask) => {
      const own = JSON.stringify([network, caller])
      if (countOf(network) >= MAX_ASKS || countOf(own) >= MAX_ASKS_OF_CALLER) {
        throw new BursarError('network_busy', `${network}: too many questions are under way.`)
      }
      add(network, 1)
      add(own, 1)
      try {
        return await ask()
      } finally {
        add(network, -1)
        add(own, -1)
      }
    },
  }
}
