/** A goal that a measured value must reach. */
export interface Target {
  readonly name: string
  readonly goal: number
  readonly direction: 'atLeast' | 'atMost'
}

/** The sizes of a measurement. */
export interface Plan {
  /** The number of rounds. A result is their median. */
  readonly rounds: number
  /** Whether the sizes are small, to show only that everything runs. */
  readonly quick: boolean
  /** The folder on the measured disk. It is removed at the end. */
  readonly folder: string
}

/** The measured values of one round. */
export interface Round {
  /** The values by the names of their targets. */
  readonly values: Readonly<Record<string, number>>
  /** The reference measurements of this round, each with its unit in its name. */
  readonly yardsticks: Readonly<Record<string, number>>
}

/** A measurement that is ready to run. */
export interface Running {
  /** Measures all values once, each right beside its yardstick. */
  round(): Promise<Round>
  close(): Promise<void>
}

/** A benchmark: targets that are measured together. */
export interface Bench {
  readonly name: string
  readonly targets: readonly Target[]
  open(plan: Plan): Promise<Running>
}

/** Creates a target with a lower bound. */
export function atLeast(name: string, goal: number): Target {
  return { name, goal, direction: 'atLeast' }
}

/** Creates a target with an upper bound. */
export function atMost(name: string, goal: number): Target {
  return { name, goal, direction: 'atMost' }
}
