import type { Random } from './random.ts'

/** One simulated process. Everything it waits for dies with it. */
export interface Process {
  readonly name: string
  alive: boolean
}

/** The scheduler of a simulated world, which decides the order of all events. */
export interface Scheduler {
  /**
   * Resolves with the result of `work` when the scheduler picks it. Never resolves if its process
   * is dead by then. Work of the world itself has no process.
   */
  later<Result>(
    process: Process | undefined,
    label: string,
    work: () => Result | Promise<Result>,
  ): Promise<Result>
  /** Runs code as a process, with everything that follows from it at once. */
  enter(process: Process | undefined, work: () => void): Promise<void>
  /** Picks one piece of work at random and runs it. Returns false if there is none. */
  runOne(): Promise<boolean>
  /** Kills a process: its waiting work never resolves. */
  kill(process: Process): void
  /** Returns the true time in milliseconds since the simulation began, which no process sees. */
  elapsed(): number
  /** Advances time. Timers that are due can then be picked. */
  advance(ms: number): void
  /** Returns the time of the next timer. */
  nextTimer(): number | undefined
  /** Replaces the real timers with simulated ones. Returns a function that restores them. */
  install(): () => void
}

interface Task {
  readonly process: Process | undefined
  readonly label: string
  run(): void
}

interface Timer extends Task {
  readonly everyMs: number | undefined
  at: number
  ended: boolean
}

/** A listener to the scheduler's actions, as text. */
type Tell = (process: Process | undefined, label: string) => void

const nextTurn = globalThis.setImmediate

export function createScheduler(random: Random, tell: Tell): Scheduler {
  let tasks: Task[] = []
  let timers: Timer[] = []
  let elapsedMs = 0
  let current: Process | undefined

  const enter = async (process: Process | undefined, work: () => void): Promise<void> => {
    current = process
    work()
    // A turn of the event loop comes after every promise that can go on by itself.
    await new Promise<void>((resolve) => nextTurn(resolve))
    current = undefined
  }
  const wakeTimers = (): void => {
    for (const timer of timers.filter(({ at }) => at <= elapsedMs)) {
      tasks.push(timer)
      if (timer.everyMs === undefined) timers = timers.filter((one) => one !== timer)
      else timer.at += timer.everyMs * Math.ceil((elapsedMs + 1 - timer.at) / timer.everyMs)
    }
  }
  const startTimer = (work: () => void, ms: number, everyMs: number | undefined): FakeTimeout => {
    const timer: Timer = {
      process: current,
      label: 'timer',
      everyMs,
      at: elapsedMs + Math.max(1, ms),
      ended: false,
      run: () => {
        if (!timer.ended) work()
      },
    }
    timers.push(timer)
    return Object.assign(timer, { unref: () => timer as FakeTimeout })
  }
  const stopTimer = (timer: FakeTimeout | undefined): void => {
    if (!timer) return
    timer.ended = true
    timers = timers.filter((one) => one !== timer)
    tasks = tasks.filter((one) => one !== timer)
  }
  return {
    later: (process, label, work) =>
      new Promise((resolve, reject) => {
        if (process && !process.alive) return
        const run = (): void => {
          try {
            resolve(work())
          } catch (error) {
            reject(error)
          }
        }
        tasks.push({ process, label, run })
      }),
    enter,
    async runOne() {
      if (tasks.length === 0) return false
      const task = random.pick(tasks)
      tasks = tasks.filter((one) => one !== task)
      tell(task.process, task.label)
      await enter(task.process, task.run)
      return true
    },
    kill(process) {
      process.alive = false
      tasks = tasks.filter((one) => one.process !== process)
      timers = timers.filter((one) => one.process !== process)
    },
    elapsed: () => elapsedMs,
    advance(ms) {
      elapsedMs += ms
      wakeTimers()
    },
    nextTimer: () =>
      timers.reduce<number | undefined>((least, { at }) => Math.min(least ?? at, at), undefined),
    install: () => install({ startTimer, stopTimer, elapsed: () => elapsedMs }),
  }
}

type FakeTimeout = Timer & { unref(): FakeTimeout }

/** Replaces the timers and the monotonic clock that the guard uses. */
function install(simulated: {
  startTimer(work: () => void, ms: number, everyMs: number | undefined): FakeTimeout
  stopTimer(timer: FakeTimeout | undefined): void
  elapsed(): number
}): () => void {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
  const { startTimer, stopTimer, elapsed } = simulated
  const { emitWarning } = process
  Object.assign(globalThis, {
    setTimeout: (work: () => void, ms = 0) => startTimer(work, ms, undefined),
    clearTimeout: stopTimer,
    setInterval: (work: () => void, ms = 0) => startTimer(work, ms, ms),
    clearInterval: stopTimer,
  })
  Object.defineProperty(performance, 'now', { value: elapsed, configurable: true })
  // A failing store warns the operator, here thousands of times.
  process.emitWarning = () => {}
  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval })
    Reflect.deleteProperty(performance, 'now')
    process.emitWarning = emitWarning
  }
}
