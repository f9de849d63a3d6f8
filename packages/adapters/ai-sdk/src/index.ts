export type { PayArguments } from './input-schema.ts'
export {
  type PaymentApproval,
  type PaymentApprovalStatus,
  paymentApproval,
} from './payment-approval.ts'
export type { PaymentProgress } from './payment-progress.ts'
export type { PaymentTool, PaymentToolExecution, PaymentTools } from './payment-tool.ts'
export { type PaymentToolsOptions, paymentTools } from './payment-tools.ts'
