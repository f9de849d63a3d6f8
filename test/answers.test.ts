import { expect, test } from 'vitest'
import { runAnswers } from './answers/answers.ts'

test('raw answers of every kind end their own call alone', async () => {
  const { statuses } = await runAnswers(300, 20_261)
  expect(Object.keys(statuses).toSorted()).toEqual([
    'denied',
    'failed',
    'free',
    'in_doubt',
    'paid',
    'undelivered',
  ])
})
