import type { PayRequest } from './pay-result.ts'
import { payTool } from './tool.ts'

/**
 * A request made of a model's arguments, and the names of the arguments that the tool does not
 * take.
 */
export interface ToolRequest {
  readonly request: PayRequest
  /** The names to pass on as `ignored`: recorded, without effect. */
  readonly ignored: readonly string[]
}

/**
 * Takes the arguments that the tool's schema names, and no others, so that a model can set no
 * header and no option of a caller. The guard reports what is wrong with the values.
 */
export function toolRequest(input: unknown): ToolRequest {
  const given = typeof input === 'object' && input !== null ? Object.entries(input) : []
  const known = given.filter(([name]) => Object.hasOwn(payTool.inputSchema.properties, name))
  const ignored = given.map(([name]) => name).filter((name) => !known.some(([own]) => own === name))
  return { request: Object.fromEntries(known) as unknown as PayRequest, ignored }
}
