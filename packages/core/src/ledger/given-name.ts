import { hashOf } from '../primitives/hash.ts'
import type { Operation } from './operation.ts'

/** The end user and the agent for whom a name is unique. */
export interface NameOwner {
  readonly endUser: string
  readonly agent: string
}

/** Returns the id of the operation that stands for a name of a delegation, or of a session. */
export function nameId(
  kind: 'delegation' | 'session',
  { endUser, agent }: NameOwner,
  name: string,
): string {
  return hashOf('name', [kind, endUser, agent, name])
}

/** Returns the operation that gives a name to a row. An empty subject makes the name free again. */
export function givenName(id: string, subject: string, inputHash: string, at: number): Operation {
  return { id, inputHash, subject, salt: '', at }
}
