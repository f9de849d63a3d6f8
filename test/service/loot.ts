/** The secrets and addresses that the hostile agent was given, has learnt or has stolen. */
export interface Loot {
  readonly url: string
  /** Its own. */
  readonly key: string
  readonly token: string
  /** Of another session, which is bound to another key. */
  readonly stolenToken: string
  /** Its own, other agents' and other end users', for whatever stands in a path. */
  readonly ids: Readonly<
    Record<'sessions' | 'keys' | 'delegations' | 'approvals', readonly string[]>
  >
  /** Where it may pay: a resource with a number is a new one, and costs 0.01. */
  readonly market: string
  /** Where it may not. */
  readonly elsewhere: readonly string[]
}

/** The hostile agent's own report. The checks use only its count of attempts. */
export interface Deeds {
  /** Requests, by the status of their answers; 0 is no answer. */
  readonly requests: Readonly<Record<string, number>>
  /** `METHOD /path` of everything that was tried, as the description names the path. */
  readonly routes: readonly string[]
}
