import { expect, test } from 'vitest'
import { assertPaymentSession } from './given-session.ts'
import { PaymentSession, type SessionPort } from './payment-session.ts'

test('a session is taken', () => {
  const session = new PaymentSession('ses_1', {} as SessionPort)
  expect(() => assertPaymentSession('payingTool', session)).not.toThrow()
})

test.each([
  ['is a text', 'bursar_ses_1'],
  ['is a promise', Promise.resolve()],
  ['is the result of createSession', { id: 'ses_1', token: 't' }],
  ['is nothing', undefined],
  ['is a function', () => undefined],
  ['is no PaymentSession', { id: 'ses_1' }],
])('%s is said in the name of the function that was called', (words, given) => {
  expect(() => assertPaymentSession('payingTool', given)).toThrow(`payingTool: session: ${words}`)
})
