import { inspect } from 'node:util'
import type { ModelResult, ToolCallsOptions } from '@bursar/core/session'
import type { AgentRun, AgentTurn, ScriptedAgent } from '@bursar/core/testing'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { endedSpans, exported } from '../../../../test/adapters/spans.ts'
import type { PaymentServerOptions } from '../src/index.ts'
import { createQuestions, type Questions } from './questions.ts'

/** The surroundings of a client: the person at it, and a record of its connection. */
export interface Room {
  readonly questions: Questions
  readonly wire: unknown[]
}

/** A client of MCP that makes the calls of a script. */
export interface ClientRun {
  /** Resolves when the script has ended and the client is closed. */
  readonly ended: Promise<unknown>
  offered(): AgentRun['offered']
  told(): ModelResult[]
  /** Returns all that the client keeps besides its connection's messages. */
  heard(): unknown
}

/**
 * Makes an agent from a client of MCP. If a payment needs a human's approval, the client is asked
 * by elicitation, and the turn stops until the client answers.
 */
export function agentOf(start: (turn: AgentTurn, room: Room) => Promise<ClientRun>): ScriptedAgent {
  const run = async (turn: AgentTurn): Promise<AgentRun> => {
    const spansBefore = endedSpans().length
    const room = { questions: createQuestions(), wire: [] }
    const { questions, wire } = room
    const { ended, offered, told, heard } = await start(turn, room)
    ended.catch(() => undefined)
    const untilStopped = async (): Promise<AgentRun> => {
      await Promise.race([ended, questions.stopped()])
      return {
        offered: offered(),
        told: told(),
        waiting: questions.waiting(),
        everything: async () =>
          [
            JSON.stringify([wire, heard()]),
            JSON.stringify(endedSpans().slice(spansBefore).map(exported)),
            inspect([wire, heard()], { depth: 12, showHidden: true }),
          ].join('\n'),
        resume: (answer) => {
          questions.answer(answer === 'yes' ? 'accept' : 'decline')
          return untilStopped()
        },
        replay: () => run(turn),
      }
    }
    return untilStopped()
  }
  return { run }
}

/** The options of a turn's server, and the `authInfo` of each request. */
export function serverOf({ options, context }: AgentTurn): {
  readonly options: PaymentServerOptions
  readonly authInfo: AuthInfo
} {
  return {
    options: optionsOf(options),
    authInfo: { token: 'none', clientId: 'test', scopes: [], extra: { turn: context } },
  }
}

/** Adapts the suite's functions, which take the turn's context. */
function optionsOf({ session, conversation, onContent }: ToolCallsOptions): PaymentServerOptions {
  const turnOf = (auth: AuthInfo | undefined) => auth?.extra?.turn
  return {
    session: typeof session === 'function' ? (auth) => session(turnOf(auth)) : session,
    conversation:
      typeof conversation === 'function' ? (auth) => conversation(turnOf(auth)) : conversation,
    onContent: onContent && ((content, auth) => onContent(content, turnOf(auth))),
  }
}
