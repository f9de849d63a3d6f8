import { createBursar } from '@bursar/core'
import { startSandbox } from '@bursar/sandbox'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { serve } from '@hono/node-server'
import { privateKeyToAccount } from 'viem/accounts'
import { createAllowance } from './allowance.ts'
import { chatApp } from './chat-app.ts'
import { builtPage } from './page.ts'
import { scriptedModel } from './scripted-model.ts'

/** The chat, up and running. */
export interface Chat {
  readonly url: string
  close(): Promise<void>
}

/** Starts a paid world, a guard, and the chat in front of them. Port 0 is any free one. */
export async function startChat(port: number): Promise<Chat> {
  await using stack = new AsyncDisposableStack()
  const sandbox = stack.use(await startSandbox())
  const alice = await sandbox.createAccount('10.00')
  const bursar = createBursar({
    store: sqliteStore({ path: ':memory:' }),
    rails: [x402({ networks: { [sandbox.network]: { rpcUrl: sandbox.rpcUrl } } })],
    instruments: {
      'alice-wallet': {
        endUser: 'alice',
        wallet: viemWallet({ account: privateKeyToAccount(alice.privateKey) }),
      },
    },
    assets: [sandbox.asset],
    development: { hosts: sandbox.hosts },
  })
  stack.defer(() => bursar.close())
  const { honest } = sandbox.merchants
  const allowance = createAllowance(bursar, honest.host)
  // For a real one: import { anthropic } from '@ai-sdk/anthropic', and anthropic('<name>') here.
  const model = scriptedModel(honest.url)
  const app = chatApp({ allowance, model, page: await builtPage() })
  const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
  stack.defer(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  )
  await new Promise<void>((resolve) => server.once('listening', resolve))
  const address = server.address()
  const open = stack.move()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`,
    close: () => open.disposeAsync(),
  }
}
