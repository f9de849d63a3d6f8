export type { PaymentQuestion } from './payment-question.ts'
export {
  type PaymentProgress,
  type PaymentTools,
  type PaymentToolsOptions,
  paymentTools,
} from './payment-tools.ts'
