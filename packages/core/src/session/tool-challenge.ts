/** A tool call that its caller has sent itself, and the server's answer that asks for payment. */
export interface ToolChallenge {
  /**
   * The server as the application names it, never as it names itself: a host such as
   * `tools.example.com`, which the session's merchants list with its payees.
   */
  readonly server: string
  /** The tool's name: visible ASCII. */
  readonly tool: string
  /** The call's arguments, plain JSON: `{}` unless given. */
  readonly arguments?: unknown
  /** The `result` or the `error` of the JSON-RPC response, as `{ result }` or `{ error }`. */
  readonly message: unknown
  /** The agent's own words for what it pays for: recorded, and shown to people as such. */
  readonly purpose?: string | undefined
  /**
   * The most to pay, a decimal string in the session's currency. It only narrows the session's
   * limits.
   */
  readonly maxAmount?: string | undefined
}
