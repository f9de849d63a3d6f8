import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import type { Network, PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import { Hono } from 'hono'
import type { VerifyTypedDataParameters } from 'viem'
import type { Chain } from './chain.ts'
import { deriveNamedAddress } from './named-address.ts'
import type { SandboxAsset } from './test-dollar.ts'

/**
 * Makes the official x402 facilitator for the sandbox's chain, for merchants in this process.
 *
 * The facilitator settles each payment in a transaction of its own, and answers once that is mined.
 */
export function createFacilitator(chain: Chain, asset: SandboxAsset): FacilitatorClient {
  const { client } = chain
  const signer = toFacilitatorEvmSigner({
    address: deriveNamedAddress('facilitator'),
    readContract: (call) => client.readContract(call),
    verifyTypedData: (call) => client.verifyTypedData(call as VerifyTypedDataParameters),
    writeContract: (call) => chain.writeContract(call),
    sendTransaction: () => Promise.reject(new Error('The facilitator deploys no smart wallets.')),
    // `writeContract` resolves once the transaction is mined, so its receipt is there.
    waitForTransactionReceipt: ({ hash }) => client.getTransactionReceipt({ hash }),
    getCode: (call) => client.getCode(call),
  })
  const facilitator = new x402Facilitator().register(asset.network, new ExactEvmScheme(signer))
  return {
    verify: (payment, requirements) => facilitator.verify(payment, requirements),
    settle: (payment, requirements) => facilitator.settle(payment, requirements),
    async getSupported() {
      const supported = facilitator.getSupported()
      const kinds = supported.kinds.map((kind) => ({ ...kind, network: kind.network as Network }))
      return { ...supported, kinds }
    },
  }
}

/** Makes an HTTP app for a facilitator, for merchants in other processes. */
export function createFacilitatorApp(facilitator: FacilitatorClient): Hono {
  const app = new Hono()
  app.get('/supported', async (context) => context.json(await facilitator.getSupported()))
  app.post('/verify', async (context) => {
    const { paymentPayload, paymentRequirements } = await context.req.json<FacilitatorRequest>()
    return context.json(await facilitator.verify(paymentPayload, paymentRequirements))
  })
  app.post('/settle', async (context) => {
    const { paymentPayload, paymentRequirements } = await context.req.json<FacilitatorRequest>()
    return context.json(await facilitator.settle(paymentPayload, paymentRequirements))
  })
  return app
}

interface FacilitatorRequest {
  readonly paymentPayload: PaymentPayload
  readonly paymentRequirements: PaymentRequirements
}
