import type { AddCommand } from './command.ts'
import { addAudit } from './commands/audit.ts'
import { addKeys } from './commands/keys.ts'
import { addServe } from './commands/serve.ts'

/** Every command, in the order of the help. */
export const commands: readonly AddCommand[] = [addServe, addKeys, addAudit]
