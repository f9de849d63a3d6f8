import type { ModelResult } from '../session/tool.ts'
import type { ToolCallsOptions } from '../session/tool-calls.ts'

/** An agent of a framework, made of its own loop, its own mock model and the adapter's tools. */
export interface ScriptedAgent {
  /**
   * Runs one turn. Resolves when the agent has finished or has stopped for a human. Rejects as the framework
   * does if the turn is aborted.
   */
  run(turn: AgentTurn): Promise<AgentRun>
}

/** One turn of an agent. */
export interface AgentTurn {
  /** The options for `paymentTools`, passed on unchanged. */
  readonly options: ToolCallsOptions
  /** The context that the framework hands to the tool from the server's side. */
  readonly context?: unknown
  /** The model's calls of each step, made in parallel. After the last step the model answers `Done.` */
  readonly script: readonly (readonly ScriptedCall[])[]
  /**
   * Whether the framework stops a call that a human has to approve.
   * @default false
   */
  readonly stops?: boolean
  readonly signal?: AbortSignal
}

/** A call of the payment tool by the model. */
export interface ScriptedCall {
  readonly id: string
  /** The arguments, sent as JSON. */
  readonly input: unknown
}

/** The outcome of a turn. */
export interface AgentRun {
  /** The tools as the model was offered them. */
  readonly offered: readonly OfferedTool[]
  /** The parsed results that the model got so far, in the order of its calls. */
  readonly told: readonly ModelResult[]
  /** The number of calls that the framework holds for a human. */
  readonly waiting: number
  /**
   * Returns all output of the framework for this turn as one text: model messages, results, checkpoints,
   * snapshots, stream parts, spans.
   */
  everything(): Promise<string>
  /** Answers every held call with the framework's own yes or no, and goes on. */
  resume(answer: 'yes' | 'no'): Promise<AgentRun>
  /**
   * Makes the framework run this turn's calls once more, as after a retry: sends the history again, or resumes
   * the checkpoint again.
   */
  replay(): Promise<AgentRun>
}

/** A tool as the provider's API gets it. */
export interface OfferedTool {
  readonly name: string
  readonly description: string
  /** The tool's input as JSON Schema. */
  readonly inputSchema: unknown
}
