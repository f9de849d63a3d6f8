import type { ModelResult } from '@bursar/core/session'
import { type LanguageModel, simulateReadableStream } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

type Options = Parameters<MockLanguageModelV4['doStream']>[0]
type Part =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer Chunk>
    ? Chunk
    : never

/** The resources that the script can buy, each chosen by a word of the question. */
const goods = [
  { word: /report/i, path: '/report.pdf', purpose: 'the report on ACME' },
  { word: /price|quote|cost/i, path: '/quote', purpose: 'the price of ACME now' },
  { word: /article|background/i, path: '/article', purpose: 'background on ACME' },
  { word: /record|dataset|everything/i, path: '/dataset', purpose: 'all the records' },
] as const

/**
 * Plays a model that buys what the question names at the shop of the sandbox, and then says what came of
 * it. The AI SDK's own mock: no key, no network.
 */
export function scriptedModel(shop: string): LanguageModel {
  return new MockLanguageModelV4({
    doStream: async ({ prompt }) => ({
      stream: simulateReadableStream({
        chunks: parts(shop, prompt),
        initialDelayInMs: 0,
        chunkDelayInMs: 15,
      }),
    }),
  })
}

function parts(shop: string, prompt: Options['prompt']): Part[] {
  const last = prompt.at(-1)
  if (last?.role === 'tool') return spoken(reportResult(last))
  const question = textOf(last)
  const wanted = goods.find(({ word }) => word.test(question))
  if (!wanted) return spoken('I can get the price of ACME, an article, a report, or all records.')
  const { path, purpose } = wanted
  return [
    { type: 'stream-start', warnings: [] },
    {
      type: 'tool-call',
      toolCallId: `call-${crypto.randomUUID()}`,
      toolName: 'pay_within_session',
      input: JSON.stringify({ url: `${shop}${path}`, purpose }),
    },
    finish('tool-calls'),
  ]
}

/** Returns the sentence with which the model reports a tool result. */
function reportResult(message: Extract<Options['prompt'][number], { role: 'tool' }>): string {
  const part = message.content.find(({ type }) => type === 'tool-result')
  const output = part?.type === 'tool-result' ? part.output : undefined
  if (output?.type === 'execution-denied') return 'Then I will do without it.'
  if (output?.type !== 'json') return 'Something went wrong with my tool.'
  const { status, code, message: said, content = '' } = output.value as unknown as ModelResult
  const price = /"price":"([0-9.]+)"/.exec(content)?.[1]
  return price === undefined ? (words[code ?? status] ?? said) : `ACME costs ${price} USD.`
}

/** The sentence for a person, by the code or status of a result. */
const words: Readonly<Record<string, string>> = {
  paid: 'I have it.',
  session_unknown: 'I have no budget to pay from. Set one, and ask me again.',
  session_revoked: 'The budget was withdrawn, so I could not buy it.',
  session_limit_exceeded: 'It costs more than what is left of the budget, so I did not buy it.',
}

function textOf(message: Options['prompt'][number] | undefined): string {
  if (message?.role !== 'user') return ''
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join(' ')
}

function spoken(text: string): Part[] {
  const words = text.match(/\S+\s*/g) ?? []
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: 'text' },
    ...words.map((delta): Part => ({ type: 'text-delta', id: 'text', delta })),
    { type: 'text-end', id: 'text' },
    finish('stop'),
  ]
}

function finish(reason: 'stop' | 'tool-calls'): Part {
  return {
    type: 'finish',
    finishReason: { unified: reason, raw: reason },
    usage: {
      inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 0, text: 0, reasoning: 0 },
    },
  }
}
