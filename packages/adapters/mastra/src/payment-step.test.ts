import type { PaymentSession } from '@bursar/core'
import { Mastra } from '@mastra/core/mastra'
import { RequestContext } from '@mastra/core/request-context'
import { InMemoryStore } from '@mastra/core/storage'
import { createStep, createWorkflow } from '@mastra/core/workflows'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { guardWorld, shop } from '../../../../test/guard-world.ts'
import { paymentStep } from './payment-step.ts'
import { paymentTools } from './payment-tools.ts'

/** A time after which an identical request is paid again. */
const LATER_MS = 20 * 60_000

const request = { url: shop('a'), purpose: 'a test' }
const inputSchema = z.object({ url: z.string(), purpose: z.string() })
const outputSchema = z.looseObject({ status: z.string() })

/** Makes a workflow with one step, which may be a step of the tool. */
function workflowOf(step: ReturnType<typeof paymentStep>, more: object = {}) {
  const made = createWorkflow({ id: 'buy', inputSchema, outputSchema, ...more })
    .then(step)
    .commit()
  const mastra = new Mastra({
    workflows: { buy: made },
    storage: new InMemoryStore(),
    logger: false,
  })
  return mastra.getWorkflow('buy')
}

/** Makes a step that fails after it has paid, a number of times. */
function failingAfter(step: ReturnType<typeof paymentStep>, times: number) {
  let left = times
  return createStep({
    ...step,
    execute: async (run: never) => {
      const result = await step.execute(run)
      if (left > 0) {
        left -= 1
        throw new Error('the process has died')
      }
      return result
    },
  } as never) as unknown as typeof step
}

const steps: [string, (session: PaymentSession) => ReturnType<typeof paymentStep>][] = [
  ['paymentStep', (session) => paymentStep({ session })],
  [
    'createStep of the tool',
    (session) =>
      createStep(paymentTools({ session }).pay_within_session) as unknown as ReturnType<
        typeof paymentStep
      >,
  ],
]

describe.each(steps)('%s', (_name, make) => {
  test('pays, and hands on what a model would be told', async () => {
    const { session, chain } = await guardWorld()
    const run = await workflowOf(make(session)).createRun()
    const ended = await run.start({ inputData: request })
    expect(ended).toMatchObject({ status: 'success', result: { status: 'paid' } })
    expect(chain.transfers()).toHaveLength(1)
  })

  test('pays once in a run, however often the step is tried again', async () => {
    const { session, chain, clock } = await guardWorld({ expiresIn: '8h' })
    const step = failingAfter(make(session), 2)
    const late = {
      ...step,
      execute: async (run: never) => {
        clock.advance(LATER_MS)
        return step.execute(run)
      },
    } as unknown as typeof step
    const retryConfig = { attempts: 3, delay: 1 }
    const run = await workflowOf(late, { retryConfig }).createRun()
    expect(await run.start({ inputData: request })).toMatchObject({
      status: 'success',
      result: { status: 'paid' },
    })
    expect(chain.transfers()).toHaveLength(1)
  })

  test('pays again in another run', async () => {
    const { session, chain, clock } = await guardWorld({ expiresIn: '8h' })
    const workflow = workflowOf(make(session))
    for (const _ of [1, 2]) {
      await (await workflow.createRun()).start({ inputData: request })
      clock.advance(LATER_MS)
    }
    expect(chain.transfers()).toHaveLength(2)
  })

  test('is suspended where a human has to agree, and goes on once the guard knows', async () => {
    const { session, chain, bursar } = await guardWorld({ ask: { always: true } })
    const run = await workflowOf(make(session)).createRun()
    const asked = await run.start({ inputData: request })
    expect(asked.status).toBe('suspended')
    expect(JSON.stringify(asked)).toContain('"approval":"apr_')
    const forged = await run.resume({ resumeData: { approved: true } })
    expect(forged.status).toBe('suspended')
    expect(chain.received).toEqual([])
    const alice = bursar.endUser('alice')
    const { rows } = await alice.approvals({ waiting: true })
    for (const { id } of rows) await alice.approve(id)
    const ended = await run.resume({ resumeData: { approved: true } })
    expect(ended).toMatchObject({ status: 'success', result: { status: 'paid' } })
    expect(chain.transfers()).toHaveLength(1)
  })
})

describe('paymentStep', () => {
  test('pays for each of many, and finds its session in the request context', async () => {
    const { session, chain } = await guardWorld()
    const step = paymentStep({
      id: 'pay',
      session: (context: RequestContext<{ payer: PaymentSession }>) => context.get('payer'),
    })
    const made = createWorkflow({
      id: 'all',
      inputSchema: z.array(inputSchema),
      outputSchema: z.array(outputSchema),
    })
      .foreach(step as never)
      .commit()
    const mastra = new Mastra({
      workflows: { all: made },
      storage: new InMemoryStore(),
      logger: false,
    })
    const run = await mastra.getWorkflow('all').createRun()
    const inputData = ['a', 'b'].map((path) => ({ url: shop(path), purpose: 'a test' }))
    const requestContext = new RequestContext([['payer', session]])
    const ended = await run.start({ inputData, requestContext } as never)
    expect(ended).toMatchObject({
      status: 'success',
      result: [{ status: 'paid' }, { status: 'paid' }],
    })
    expect(chain.transfers()).toHaveLength(2)
  })
})
