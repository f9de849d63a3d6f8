import type { PayRequest } from './pay-result.ts'
import { payTool } from './tool.ts'

/** A model's arguments as a request, and the names of what the tool does not take. */
export interface ToolRequest {
  readonly request: PayRequest
  /** Goes along as `ignored`: it is recorded, and changes nothing. */
  readonly ignored: readonly string[]
}

/**
 * Takes from a model's arguments what the tool's schema names, and nothing else: a model can set no
 * header, and no option that a caller has. What is wrong with the rest, the guard says.
 */
export function toolRequest(input: unknown): ToolRequest {
  const given = typeof input === 'object' && input !== null ? Object.entries(input) : []
  const known = given.filter(([name]) => Object.hasOwn(payTool.inputSchema.properties, name))
  const ignored = given.map(([name]) => name).filter((name) => !known.some(([own]) => own === name))
  return { request: Object.fromEntries(known) as unknown as PayRequest, ignored }
}
