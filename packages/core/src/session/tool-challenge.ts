/** A tool call that its caller has sent, and the server's answer that asks for payment. */
export interface ToolChallenge {
  /**
   * The server's host, named by the application and never by the server: for example
   * `tools.example.com`. The session's merchants have to list the host with its payees.
   */
  readonly server: string
  /** The tool's name: visible ASCII. */
  readonly tool: string
  /**
   * The call's arguments, plain JSON.
   *
   * @default {}
   */
  readonly arguments?: unknown
  /** The `result` or the `error` of the JSON-RPC response, as `{ result }` or `{ error }`. */
  readonly message: unknown
  /** The agent's purpose, in its own words: recorded, and shown to people as the agent's words. */
  readonly purpose?: string | undefined
  /** The most to pay, a decimal string in the session's currency. It can only narrow the limits. */
  readonly maxAmount?: string | undefined
}
