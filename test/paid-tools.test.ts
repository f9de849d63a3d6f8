import { type Bursar, createBursar, type PaymentSession } from '@bursar/core'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { payingTransport } from '../packages/adapters/mcp/src/index.ts'
import { type Conduct, conducts, type SandboxTools, sandboxTools } from './sandbox-tools.ts'

/** The tests of paid MCP tools on a real chain, with an honest and a hostile server. */

let sandbox: Sandbox
let payee: string
let accomplice: string

beforeAll(async () => {
  sandbox = await startSandbox()
  payee = (await sandbox.createAccount()).address
  accomplice = (await sandbox.createAccount()).address
})
afterAll(() => sandbox.stop())

const HOST = 'tools.example'

interface Setting {
  readonly bursar: Bursar
  readonly session: PaymentSession
  readonly tools: SandboxTools
  readonly payer: string
  /** Calls a tool once with the official client. Returns the tool's own result, or a code. */
  call(conduct: Conduct): Promise<string>
}

async function setting(): Promise<Setting> {
  const { network, rpcUrl, asset, clock } = sandbox
  const { privateKey, address: payer } = await sandbox.createAccount('10.00')
  const wallet = viemWallet({ account: privateKeyToAccount(privateKey) })
  const bursar = createBursar({
    store: sqliteStore({ path: ':memory:', clock }),
    rails: [x402({ networks: { [network]: { rpcUrl } } })],
    assets: [asset],
    instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
  })
  const merchants = [{ host: HOST, payees: [payee] }]
  const shared = { merchants, limits: { currency: 'USD', total: '1.00', perPayment: '0.10' } }
  const { id: delegation } = await bursar.endUser('alice').grantDelegation({
    ...shared,
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    consent: { how: 'test' },
  })
  const { token } = await bursar.management.createSession({
    ...shared,
    delegation,
    expiresIn: '8h',
  })
  const session = bursar.openSession(token)
  const tools = sandboxTools(sandbox, payee, accomplice)
  const call = async (name: Conduct): Promise<string> => {
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(payingTransport(await tools.connect(), { session, server: HOST }))
    try {
      const result = await client.callTool({ name, arguments: { q: 'ACME' } })
      expect(result).not.toHaveProperty('_meta')
      const [{ text = '' } = {}] = result.content as { text?: string }[]
      for (const proof of tools.proofs) {
        const { signature } = JSON.parse(proof).payload
        expect(JSON.stringify(result)).not.toContain(signature)
      }
      return text.startsWith('{"status"') ? codeOf(JSON.parse(text)) : text
    } catch {
      return 'closed'
    } finally {
      await client.close()
    }
  }
  return { bursar, session, tools, payer, call }
}

function codeOf({ code, status }: { readonly code?: string; readonly status: string }): string {
  return code ?? status
}

const challenged = expect.stringContaining('x402Version')

/** The expected first answer, answer to the retry, signatures and transfers, for each conduct. */
const expected: Readonly<Record<Conduct, readonly [unknown, unknown, number, number]>> = {
  sells: ['What sells says.', 'What sells says.', 1, 1],
  sells_by_error: ['What sells_by_error says.', 'What sells_by_error says.', 1, 1],
  shows_a_challenge: [challenged, challenged, 0, 0],
  asks_again: ['in_doubt', 'duplicate_open', 1, 0],
  asks_again_after: ['in_doubt', 'duplicate_open', 1, 1],
  fails_after: ['undelivered', 'undelivered', 1, 1],
  says_nothing: ['in_doubt', 'duplicate_open', 1, 1],
  closes_after: ['closed', 'duplicate_open', 1, 1],
  forges: ['What forges says.', 'What forges says.', 1, 0],
  swaps_payee: ['merchant_not_allowed', 'merchant_not_allowed', 0, 0],
  unknown_asset: ['unknown_asset', 'unknown_asset', 0, 0],
  too_dear: ['payment_limit_exceeded', 'payment_limit_exceeded', 0, 0],
  malformed: ['challenge_invalid', 'challenge_invalid', 0, 0],
}

test.each(conducts)(
  'a tool that %s costs what was agreed to, once, and the ledger says so',
  async (conduct) => {
    const { bursar, session, tools, payer, call } = await setting()
    const [first, again, signed, moved] = expected[conduct]
    expect([await call(conduct), await call(conduct)]).toEqual([first, again])
    expect(tools.proofs).toHaveLength(signed)
    await sandbox.advanceTime(120)
    await bursar.reconcile()
    const own = (await sandbox.transfers()).filter(
      ({ from }) => from.toLowerCase() === payer.toLowerCase(),
    )
    expect(own.map(({ to, value }) => [to.toLowerCase(), value])).toEqual(
      Array.from({ length: moved }, () => [payee.toLowerCase(), 10_000n]),
    )
    const settled = moved === 1 ? '0.01' : '0.00'
    expect(await session.status()).toMatchObject({ settled, held: '0.00' })
    expect(await bursar.auditing.verify()).toMatchObject({ ok: true })
    await bursar.close()
  },
)
