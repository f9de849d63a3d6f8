import type { ModelResult } from '../session/tool.ts'
import type { ToolCallsOptions } from '../session/tool-calls.ts'

/** An agent of a framework, made of its own loop, its own mock model and the adapter's tools. */
export interface ScriptedAgent {
  /**
   * Runs one turn, and resolves when the agent has said its last word, or has stopped to ask a human.
   * Rejects as the framework does where the turn is aborted.
   */
  run(turn: AgentTurn): Promise<AgentRun>
}

/** One turn of an agent. */
export interface AgentTurn {
  /** What `paymentTools` is given, as it is. */
  readonly options: ToolCallsOptions
  /** What the framework hands to the tool from the server's side, by its own means. */
  readonly context?: unknown
  /** What the model does: the calls of each step, which come in parallel. Then it says `Done.` */
  readonly script: readonly (readonly ScriptedCall[])[]
  /** Whether the framework is to stop and ask where a human has to agree. */
  readonly stops?: boolean
  readonly signal?: AbortSignal
}

/** A call of the payment tool by the model. */
export interface ScriptedCall {
  readonly id: string
  /** The arguments; sent as JSON. */
  readonly input: unknown
}

/** What a turn has come to. */
export interface AgentRun {
  /** The tools as the model was offered them. */
  readonly offered: readonly OfferedTool[]
  /** What the model was told of its calls in all, parsed, in the order of the calls. */
  readonly told: readonly ModelResult[]
  /** How many calls wait for a human, as the framework sees it. */
  readonly waiting: number
  /**
   * Everything that the framework showed, streamed, kept or traced of this turn, as one text: model
   * messages, results, checkpoints, snapshots, stream parts, spans.
   */
  everything(): Promise<string>
  /** Answers every call that waits with the framework's own yes or no, and goes on. */
  resume(answer: 'yes' | 'no'): Promise<AgentRun>
  /**
   * Has the framework carry out the calls of this run once more, as it would by mistake: the same
   * history sent again, the same checkpoint resumed again.
   */
  replay(): Promise<AgentRun>
}

/** A tool as a provider's API is given it. */
export interface OfferedTool {
  readonly name: string
  readonly description: string
  /** JSON Schema. */
  readonly inputSchema: unknown
}
