/** A goal that a measured value must reach. */
export interface Target {
  readonly name: string
  readonly goal: number
  readonly direction: 'atLeast' | 'atMost'
}

/** How much is measured. */
export interface Plan {
  /** Of which the median is taken. */
  readonly rounds: number
  /** Sizes that only show that everything runs. */
  readonly quick: boolean
  /** A folder on the disk that is measured; it is removed in the end. */
  readonly folder: string
}

/** The figures of one round. */
export interface Round {
  /** By the names of the targets. */
  readonly values: Readonly<Record<string, number>>
  /** The reference measurements of this round, each with its unit in its name. */
  readonly yardsticks: Readonly<Record<string, number>>
}

/** A measurement that is set up. */
export interface Running {
  /** Measures everything once, each line right beside its yardstick. */
  round(): Promise<Round>
  close(): Promise<void>
}

/** Targets that are measured together. */
export interface Bench {
  readonly name: string
  readonly targets: readonly Target[]
  open(plan: Plan): Promise<Running>
}

/** At least so much. */
export function atLeast(name: string, goal: number): Target {
  return { name, goal, direction: 'atLeast' }
}

/** At most so much. */
export function atMost(name: string, goal: number): Target {
  return { name, goal, direction: 'atMost' }
}
