import { type PaymentSession, payingFetch } from '@bursar/core/session'
import { Agent } from '@mastra/core/agent'
import { Mastra } from '@mastra/core/mastra'
import { RequestContext } from '@mastra/core/request-context'
import { createTool } from '@mastra/core/tools'
import createClient from 'openapi-fetch'
import { z } from 'zod'
import type { paths } from '../../../../test/adapters/shop-api.ts'
import { paymentTools } from '../src/index.ts'
import type { ScriptedModel } from './scripted-model.ts'

/** The model of an application with Mastra. The docs show this file, and a test runs it. */
type Model = ScriptedModel['model']

const named = { id: 'buyer', name: 'Buyer', instructions: 'Buy it.' }

/** Serves all users with one agent. */
export async function manyUsers(model: Model, payer: PaymentSession): Promise<void> {
  // #region many-users
  const tools = paymentTools({
    session: (context: RequestContext<{ payer: PaymentSession }>) => context.get('payer'),
  })
  const agent = new Agent({ ...named, model, tools })

  const requestContext = new RequestContext([['payer', payer]])
  await agent.generate('Buy it.', { requestContext })
  // #endregion
}

/** Makes a tool around an existing client. */
export async function existingCode(model: Model, session: PaymentSession): Promise<void> {
  // #region existing-code
  const shop = createClient<paths>({ baseUrl: 'https://shop.example', fetch: payingFetch(session) })
  const price = createTool({
    id: 'price',
    description: 'The price of ACME.',
    inputSchema: z.object({}),
    execute: async () => {
      const { data, error } = await shop.GET('/quote')
      return data ?? { refused: error.code } // for example payment_limit_exceeded
    },
  })
  const agent = new Agent({ ...named, model, tools: { price } })
  // #endregion
  await new Mastra({ agents: { agent }, logger: false }).getAgent('agent').generate('Buy it.')
}
