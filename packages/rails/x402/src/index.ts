export { type X402Options, x402 } from './x402.ts'
