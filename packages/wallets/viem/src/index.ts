export { type TypedDataAccount, type ViemWalletOptions, viemWallet } from './viem-wallet.ts'
