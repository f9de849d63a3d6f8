import type { z } from 'zod'
import { endedForField } from '../archive/archive-sessions.ts'
import { keyInput, rotationInput } from '../ledger/credential.ts'
import { delegationInput } from '../ledger/delegation.ts'
import { childInput, sessionInput } from '../ledger/session.ts'
import { limitsInput } from '../money/limits.ts'
import { toolChallengeInput } from '../pay/parsed-tool-challenge.ts'
import { payRequestInput } from '../pay/request.ts'
import { reasonInput } from '../primitives/fields.ts'
import { sessionChangeInput } from '../rules/session-change.ts'
import { cancelOptionsInput, cancelTargetInput } from '../settlement/cancellation.ts'

/**
 * The zod 4 schemas that parse the inputs of facets and sessions. Use them to describe or check these inputs
 * elsewhere, such as in an HTTP API.
 */
export const inputs: {
  readonly grantDelegation: z.ZodType
  readonly createSession: z.ZodType
  readonly changeSession: z.ZodType
  readonly openChild: z.ZodType
  readonly issueKey: z.ZodType
  readonly rotateKey: z.ZodType
  readonly reason: z.ZodType
  readonly payRequest: z.ZodType
  readonly toolChallenge: z.ZodType
  readonly limits: z.ZodType
  readonly cancelTarget: z.ZodType
  readonly cancelOptions: z.ZodType
  /** The field `endedFor` of `archive`. */
  readonly endedFor: z.ZodType
} = {
  grantDelegation: delegationInput,
  createSession: sessionInput,
  changeSession: sessionChangeInput,
  openChild: childInput,
  issueKey: keyInput,
  rotateKey: rotationInput,
  reason: reasonInput,
  payRequest: payRequestInput,
  toolChallenge: toolChallengeInput,
  limits: limitsInput,
  cancelTarget: cancelTargetInput,
  cancelOptions: cancelOptionsInput,
  endedFor: endedForField,
}
