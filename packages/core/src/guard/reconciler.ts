/** The counts of one run of reconciling. */
export interface Reconciliation {
  /** The number of payments that were proved settled. */
  readonly settled: number
  /** The number of payments that were proved unable to settle. */
  readonly released: number
  /** The number of payments whose outcome cannot be proved yet. */
  readonly open: number
  /** The number of payments whose rail could not be reached. Their holds stay. */
  readonly unreachable: number
}

/** The part that turns claims and doubts into proof. Only here does a signed payment's hold end. */
export interface Reconciler {
  /** Asks the rails about unproven payments. Concurrent runs are harmless. */
  run(): Promise<Reconciliation>
  /** Runs for one delegation. Calls within a moment share one run, so that rails are not flooded. */
  soon(delegation: string): Promise<Reconciliation>
}
