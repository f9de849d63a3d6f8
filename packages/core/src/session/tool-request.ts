import { readModelArguments } from './model-arguments.ts'
import type { PayRequest } from './pay-result.ts'
import { payTool } from './tool.ts'

/** A model's arguments as a request, and the names of the arguments that the tool does not take. */
export interface ToolRequest {
  readonly request: PayRequest
  /**
   * The names of unknown arguments, for `ignored` of the call: they are recorded without effect.
   */
  readonly ignored: readonly string[]
}

/**
 * Takes the arguments that the tool's schema names from a model's input: a model cannot set headers, or
 * options of the caller. Leaves out empty optional arguments, and reads arguments that came as one JSON text.
 * The guard checks their values.
 *
 * @example
 * ```ts
 * const { request, ignored } = toolRequest({ url: 'https://api.example.com/report', purpose: 'a report' })
 * await session.pay(request, { ignored })
 * ```
 */
export function toolRequest(input: unknown): ToolRequest {
  const read = readModelArguments(input)
  const given = typeof read === 'object' && read !== null ? Object.entries(read) : []
  const known = given.filter(([name]) => Object.hasOwn(payTool.inputSchema.properties, name))
  const ignored = given.map(([name]) => name).filter((name) => !known.some(([own]) => own === name))
  return { request: Object.fromEntries(known) as unknown as PayRequest, ignored }
}
