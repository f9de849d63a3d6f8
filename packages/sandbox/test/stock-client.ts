import type { ClientEvmSigner } from '@x402/evm'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'
import type { Sandbox } from '../src/sandbox.ts'

/** The official paying client in a setup without a guard. */
export interface StockClient {
  readonly address: `0x${string}`
  readonly fetch: typeof fetch
  /** The client in a setup that trusts every asset. */
  readonly fetchWithAnyAsset: typeof fetch
}

/**
 * Makes a client with a funded account, which pays up to 10 test dollars a time to whoever asks.
 */
export async function createStockClient(sandbox: Sandbox, balance: string): Promise<StockClient> {
  const { privateKey } = await sandbox.createAccount(balance)
  const account = privateKeyToAccount(privateKey)
  const signer: ClientEvmSigner = {
    address: account.address,
    signTypedData: (message) => account.signTypedData(message),
  }
  const { network, asset } = sandbox
  const careful = { network, asset: asset.address, maxAmountPerPayment: '10000000' }
  const paying = (allowedAssets: true | (typeof careful)[]): typeof fetch =>
    wrapFetchWithPayment(
      fetch,
      new x402Client()
        .register('eip155:*', new ExactEvmScheme(signer))
        .setSpendControls({ allowedAssets }),
    )
  return {
    address: account.address,
    fetch: paying([careful]),
    fetchWithAnyAsset: paying(true),
  }
}
