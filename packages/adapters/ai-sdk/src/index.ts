export {
  type PayArguments,
  type PaymentApproval,
  type PaymentApprovalStatus,
  type PaymentProgress,
  type PaymentTool,
  type PaymentToolExecution,
  type PaymentTools,
  type PaymentToolsOptions,
  paymentApproval,
  paymentTools,
} from './payment-tools.ts'
