/** The secrets and addresses that the hostile agent was given, has learnt or has stolen. */
export interface Loot {
  readonly url: string
  /** The agent's own key. */
  readonly key: string
  readonly token: string
  /** The token of another session, which is bound to another key. */
  readonly stolenToken: string
  /** The ids of its own objects, of other agents and of other end users, to try in paths. */
  readonly ids: Readonly<
    Record<'sessions' | 'keys' | 'delegations' | 'approvals', readonly string[]>
  >
  /** The URL where the agent may pay. Each number is a new resource that costs 0.01. */
  readonly market: string
  /** The URL where the agent must not pay. */
  readonly elsewhere: readonly string[]
}

/** The hostile agent's own report. The checks use only its count of attempts. */
export interface Deeds {
  /** The number of requests by the status of their answers; 0 counts those without an answer. */
  readonly requests: Readonly<Record<string, number>>
  /** The `METHOD /path` of every attempt, with the path as the API's description names it. */
  readonly routes: readonly string[]
}
