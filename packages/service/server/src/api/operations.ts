import type { Operation } from './operation.ts'
import { administrationOperations } from './operations/administration.ts'
import { auditingOperations, callerOperations } from './operations/auditing.ts'
import { endUserOperations } from './operations/end-user.ts'
import { managementOperations } from './operations/management.ts'
import { payerOperations } from './operations/payer.ts'

/** Everything that the service does. Each of them has its row in the table of `auth/access.ts`. */
export const operations: readonly Operation[] = [
  ...callerOperations,
  ...payerOperations,
  ...managementOperations,
  ...endUserOperations,
  ...administrationOperations,
  ...auditingOperations,
]
