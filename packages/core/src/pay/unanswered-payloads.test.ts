import { expect, test } from 'vitest'
import { createUnansweredPayloads, type HandedOut } from './unanswered-payloads.ts'

const VALID_BEFORE = 1_000
const EXPIRY_MS = VALID_BEFORE * 1_000

/** Creates the fields of a payment that this test reads. */
function handedOut(id: string, validBefore = VALID_BEFORE): HandedOut {
  const held = { payment: { id, validBefore }, request: { hash: id, body: 'as long as allowed' } }
  return { held, payload: { meta: {} } } as unknown as HandedOut
}

test('a proof is found until it expires, and its answer is heard for ten minutes more', () => {
  const proofs = createUnansweredPayloads()
  proofs.keep(handedOut('first'), 0)
  expect(proofs.find('first', EXPIRY_MS - 1)).toBeDefined()
  expect(proofs.find('first', EXPIRY_MS)).toBeUndefined()
  proofs.keep(handedOut('second'), EXPIRY_MS + 599_999)
  expect(proofs.take('first')).toBeDefined()
  proofs.keep(handedOut('third', 2 * VALID_BEFORE), EXPIRY_MS + 600_000)
  expect(proofs.take('second')).toBeUndefined()
  expect(proofs.take('third')).toBeDefined()
})

test('a body is not kept with its proof', () => {
  const proofs = createUnansweredPayloads()
  proofs.keep(handedOut('first'), 0)
  expect(proofs.find('first', 0)?.held.request).toEqual({ hash: 'first' })
})
