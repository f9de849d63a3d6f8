/**
 * A server of MCP sells its tools (x402 over MCP), and agents of three frameworks pay for them, each
 * with its own client, all within one session.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself.
 */
import { deepStrictEqual } from 'node:assert/strict'
import { close, payments, session, transfers } from './sandbox.ts'
import { askAiSdk } from './with-ai-sdk.ts'
import { askLangChain } from './with-langchain.ts'
import { askMastra } from './with-mastra.ts'

try {
  const said = [await askAiSdk(), await askLangChain(), await askMastra()]
  for (const answer of said) console.log(answer)
  deepStrictEqual(said, [
    'The AI SDK bought: ACME costs 103.40 USD.',
    'LangChain bought: In French that is "bonjour".',
    'Mastra was told: payment_limit_exceeded',
  ])
  const paid = (await payments()).map(({ amount, merchant, path }) => [amount, merchant, path])
  deepStrictEqual(paid.toSorted(), [
    ['0.01', 'tools.example', '/quote'],
    ['0.03', 'tools.example', '/translate'],
  ])
  deepStrictEqual(await transfers(), ['0.01', '0.03'])
  deepStrictEqual((await session.status()).remaining, '0.96')
} finally {
  await close()
}
