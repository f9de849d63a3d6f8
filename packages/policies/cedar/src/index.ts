export { type CedarPolicy, cedarPolicy } from './cedar-policy.ts'
export type { CedarSource } from './cedar-source.ts'
export { paymentSchema } from './payment-schema.ts'
