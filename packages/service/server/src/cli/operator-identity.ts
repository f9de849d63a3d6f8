import { userInfo } from 'node:os'
import type { Bursar, RecordedCaller } from '@bursar/core'

/** The guard as whoever runs a command: its records name them as the system does. */
export function asOperator(bursar: Bursar): Bursar {
  const caller: RecordedCaller = { id: `operator:${userName()}`, roles: ['operator'] }
  return { ...bursar, ...bursar.as(caller) }
}

/** A system may have no name for a user. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
