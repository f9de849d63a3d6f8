type Action = 'accept' | 'decline'

/** The person at a client: a turn has stopped when all calls that are under way wait for them. */
export interface Questions {
  /** Counts a call as under way until it has ended. */
  during<Result>(call: () => PromiseLike<Result>): Promise<Result>
  /** Asks, and resolves when they answer. */
  ask(): Promise<{ action: Action }>
  /** Answers everything that waits. */
  answer(action: Action): void
  waiting(): number
  /** Resolves when every call that is under way waits for an answer. */
  stopped(): Promise<void>
}

export function createQuestions(): Questions {
  let underWay = 0
  let waiting: ((answer: { action: Action }) => void)[] = []
  let stop = (): void => {}
  const look = (): void => {
    if (waiting.length > 0 && waiting.length === underWay) stop()
  }
  return {
    during: async (call) => {
      underWay += 1
      try {
        return await call()
      } finally {
        underWay -= 1
        look()
      }
    },
    ask: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        look()
      }),
    answer: (action) => {
      const asked = waiting
      waiting = []
      for (const resolve of asked) resolve({ action })
    },
    waiting: () => waiting.length,
    stopped: () =>
      new Promise((resolve) => {
        stop = resolve
        look()
      }),
  }
}
