import type { PaymentRequiredV1 } from '@x402/core/types/v1'
import { authorizationTypes } from '@x402/evm'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, type SandboxAccount, startSandbox } from '../sandbox.ts'

let sandbox: Sandbox
let url: string

beforeAll(async () => {
  sandbox = await startSandbox()
  url = `${sandbox.merchants.legacy.address}/forecast`
})

afterAll(() => sandbox.stop())

test('the challenge is one of version 1, in the body', async () => {
  const response = await fetch(url)
  expect(response.status).toBe(402)
  expect(response.headers.has('payment-required')).toBe(false)
  expect(await response.json()).toEqual({
    x402Version: 1,
    error: 'X-PAYMENT header is required',
    accepts: [
      {
        scheme: 'exact',
        network: 'eip155:31337',
        maxAmountRequired: '10000',
        resource: url,
        description: 'The weather of tomorrow.',
        mimeType: 'application/json',
        outputSchema: {},
        payTo: sandbox.merchants.legacy.payee,
        maxTimeoutSeconds: 60,
        asset: sandbox.asset.address,
        extra: { name: 'Test USD', version: '1' },
      },
    ],
  })
})

test('a payment in X-PAYMENT is settled on the chain and answered with X-PAYMENT-RESPONSE', async () => {
  const account = await sandbox.createAccount('1.00')
  const response = await fetch(url, { headers: { 'x-payment': await pay(account, '10000') } })
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ forecast: 'sunny' })
  const receipt = JSON.parse(atob(response.headers.get('x-payment-response') ?? ''))
  const transfer = (await sandbox.transfers()).at(-1)
  expect(receipt).toMatchObject({ success: true, transaction: transfer?.transaction })
  expect(transfer).toMatchObject({ from: account.address, value: 10_000n })
})

test('a payment of too little is refused', async () => {
  const account = await sandbox.createAccount('1.00')
  const response = await fetch(url, { headers: { 'x-payment': await pay(account, '9999') } })
  expect(response.status).toBe(402)
  expect(await sandbox.balanceOf(account.address)).toBe(1_000_000n)
})

test.each(['nonsense', btoa('{"x402Version":1}'), btoa('{"x402Version":2,"payload":{}}')])(
  'the header %j is refused',
  async (header) => {
    const response = await fetch(url, { headers: { 'x-payment': header } })
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({ error: 'Invalid payment' })
  },
)

async function pay(account: SandboxAccount, value: string): Promise<string> {
  const { accepts } = (await (await fetch(url)).json()) as PaymentRequiredV1
  const [offer] = accepts
  if (offer === undefined) throw new Error('There is no offer.')
  const authorization = {
    from: account.address,
    to: offer.payTo as `0x${string}`,
    value,
    validAfter: '0',
    validBefore: String(Math.floor(sandbox.clock() / 1000) + offer.maxTimeoutSeconds),
    nonce: `0x${'01'.repeat(32)}`,
  } as const
  const signature = await privateKeyToAccount(account.privateKey).signTypedData({
    domain: {
      name: 'Test USD',
      version: '1',
      chainId: 31337,
      verifyingContract: sandbox.asset.address,
    },
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message: {
      ...authorization,
      value: BigInt(value),
      validAfter: 0n,
      validBefore: BigInt(authorization.validBefore),
    },
  })
  const { scheme, network } = offer
  return btoa(
    JSON.stringify({ x402Version: 1, scheme, network, payload: { authorization, signature } }),
  )
}
