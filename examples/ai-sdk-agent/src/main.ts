/**
 * An agent that pays, with everything in one process: the guard, its ledger, and the agent.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself. For real
 * money change the one line that says so.
 */

// #region import
import { paymentTools } from '@bursar/ai-sdk'
// #endregion
import { createBursar } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { generateText, stepCountIs } from 'ai'
import { checkItself } from './check.ts'
// For real money this line names './base.ts'.
import { account, assets, development, model, networks, path, resource } from './sandbox.ts'

// #region setup
// #region guard
const bursar = createBursar({
  store: sqliteStore({ path }),
  rails: [x402({ networks })],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
  assets, // besides USDC, which is known
  development, // hosts that may be http and local
})
// #endregion

// #region delegation
const delegation = await bursar.endUser('alice').grantDelegation({
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: new URL(resource).host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '100.00', windows: [{ per: 'utc-day', amount: '20.00' }] },
})
// #endregion

// #region session
const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
})
const session = bursar.openSession(token)
// #endregion
// #endregion

// #region agent
const result = await generateText({
  model,
  prompt: `What does ACME cost now? Ask ${resource}`,
  tools: paymentTools({ session, conversation: 'chat-1' }),
  stopWhen: stepCountIs(8),
})
// #endregion

await checkItself(bursar, result.text)
