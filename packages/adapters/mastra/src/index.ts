export type { PaymentProgress } from './payment-progress.ts'
export type { PaymentAnswer, PaymentQuestion } from './payment-question.ts'
export type { PayArguments } from './payment-schemas.ts'
export { type PaymentStep, type PaymentStepOptions, paymentStep } from './payment-step.ts'
export {
  type PaymentTool,
  type PaymentTools,
  type PaymentToolsOptions,
  paymentTools,
} from './payment-tools.ts'
