/** What one run of reconciling found. */
export interface Reconciliation {
  readonly settled: number
  readonly released: number
  /** Payments whose outcome cannot be proved yet. */
  readonly open: number
  /** Payments whose rail could not be asked; their holds stay. */
  readonly unreachable: number
}

/** Turns claims and doubts into proof. Only here does a signed payment's hold end. */
export interface Reconciler {
  /** Asks the rails about what is unproven. Runs at the same time are harmless. */
  run(): Promise<Reconciliation>
  /** A run for one delegation that every caller within a moment shares: rails are not flooded. */
  soon(delegation: string): Promise<Reconciliation>
}
