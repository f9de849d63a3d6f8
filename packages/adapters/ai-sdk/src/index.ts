export {
  type PayArguments,
  type PaymentProgress,
  type PaymentTool,
  type PaymentToolExecution,
  type PaymentTools,
  type PaymentToolsOptions,
  paymentTools,
} from './payment-tools.ts'
