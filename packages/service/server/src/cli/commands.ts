import type { AddCommand } from './command.ts'
import { addApprovals } from './commands/approvals.ts'
import { addArchive } from './commands/archive.ts'
import { addAudit } from './commands/audit.ts'
import { addDelegations } from './commands/delegations.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExposure } from './commands/exposure.ts'
import { addInit } from './commands/init.ts'
import { addInstruments } from './commands/instruments.ts'
import { addKeys } from './commands/keys.ts'
import { addLimits } from './commands/limits.ts'
import { addPayments } from './commands/payments.ts'
import { addSandbox } from './commands/sandbox.ts'
import { addServe } from './commands/serve.ts'
import { addSessions } from './commands/sessions.ts'
import { addVault } from './commands/vault.ts'

/** All commands, in the order of the help. */
export const commands: readonly AddCommand[] = [
  addInit,
  addServe,
  addDoctor,
  addKeys,
  addInstruments,
  addDelegations,
  addLimits,
  addSessions,
  addApprovals,
  addPayments,
  addExposure,
  addAudit,
  addArchive,
  addVault,
  addSandbox,
]
