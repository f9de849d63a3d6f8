type Action = 'accept' | 'decline'

/** The person at a client. A turn has stopped when every call in flight waits for the person. */
export interface Questions {
  /** Counts a call as in flight until it has ended. */
  during<Result>(call: () => PromiseLike<Result>): Promise<Result>
  /** Asks the person. Resolves with the answer. */
  ask(): Promise<{ action: Action }>
  /** Answers every waiting question. */
  answer(action: Action): void
  waiting(): number
  /** Resolves when every call in flight waits for an answer. */
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
