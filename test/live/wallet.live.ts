import { typedDataOf } from '@bursar/core'
import { testWallet } from '@bursar/core/testing'
import { recoverTypedDataAddress } from 'viem'
import { describe, expect, test } from 'vitest'
import { liveWallets, valuesOf } from './live-wallet.ts'

const name = `${process.env.BURSAR_LIVE_WALLET}`
const live = liveWallets[name]
if (!live) throw new Error('pnpm test:live --wallet names the wallet.')
const { values } = valuesOf(live)

testWallet(
  `the wallet at ${name}`,
  async () => ({
    wallet: live.open(values, process.env[live.urlVariable]),
    async verify(address, request, signature) {
      const signer = await recoverTypedDataAddress({ ...typedDataOf(request), signature })
      return signer.toLowerCase() === address.toLowerCase()
    },
    secrets: values.slice(1),
  }),
  { describe, test, expect },
)
