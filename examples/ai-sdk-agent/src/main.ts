/**
 * An agent that pays, with everything in one process: the guard, its ledger, and the agent.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself. For real
 * money change the one line that says so.
 */

// #region import
import { paymentTools } from '@bursar/ai-sdk'
// #endregion
import { openWallet } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { generateText, stepCountIs } from 'ai'
import { checkItself } from './check.ts'
// For real money this line names './base.ts'.
import { account, assets, development, model, networks, path, resource } from './sandbox.ts'

// #region setup
const store = sqliteStore({ path })

const session = await openWallet({
  store,
  rail: x402({ networks }),
  wallet: viemWallet({ account }),
  name: 'market-data',
  agent: 'researcher',
  limits: { currency: 'USD', total: '5.00', perPayment: '0.10' },
  merchants: [{ host: new URL(resource).host }],
  assets, // besides USDC, which is known
  development, // hosts that may be http and local
})
// #endregion

// #region agent
const result = await generateText({
  model,
  prompt: `What does ACME cost now? Ask ${resource}`,
  tools: paymentTools({ session, conversation: 'chat-1' }),
  stopWhen: stepCountIs(8),
})
// #endregion

await checkItself(store, result.text)
