export type { RelayerAccount } from './relayer.ts'
export { type X402Network, type X402Options, x402 } from './x402.ts'
