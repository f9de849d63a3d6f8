import Anthropic from '@anthropic-ai/sdk'
import { payingFetch } from '@bursar/core'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { HOST } from './guard-world.ts'
import { opened } from './open-world.ts'

/** The headers with which a merchant asks an SDK to send its request again. */
const asksAgain = { 'x-should-retry': 'true', 'retry-after-ms': '1', location: '/v1/again' }

const statuses = [302, 408, 409, 429, 500]

describe.each([
  ['settles and claims it', 'honest'],
  ['settles without a claim', 'settles_silently'],
] as const)('a merchant that %s, and asks to be paid again', (_what, conduct) => {
  const world = (status: number) =>
    opened({
      resource: () => ({ conduct, content: { status, headers: asksAgain } }),
    })

  test.each(statuses)('with status %i is paid once by the OpenAI SDK', async (status) => {
    await using all = await world(status)
    const client = new OpenAI({
      apiKey: 'test',
      baseURL: `https://${HOST}/v1`,
      fetch: payingFetch(all.session),
      maxRetries: 5,
    })
    const asking = client.chat.completions.create({ model: 'm', messages: [] })
    await expect(asking).rejects.toMatchObject({ status: 402 })
    expect(all.chain.transfers()).toHaveLength(1)
    expect(all.wallet.requests).toHaveLength(1)
  })

  test.each(statuses)('with status %i is paid once by the Anthropic SDK', async (status) => {
    await using all = await world(status)
    const client = new Anthropic({
      apiKey: 'test',
      baseURL: `https://${HOST}`,
      fetch: payingFetch(all.session),
      maxRetries: 5,
    })
    const asking = client.messages.create({ model: 'm', max_tokens: 1, messages: [] })
    await expect(asking).rejects.toMatchObject({ status: 402 })
    expect(all.chain.transfers()).toHaveLength(1)
    expect(all.wallet.requests).toHaveLength(1)
  })
})
