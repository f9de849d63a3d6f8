import type { Content } from '@bursar/core'
import { expect, test } from 'vitest'
import { writeContents } from './content-table.ts'

function content(payment: string, body: Uint8Array): Content {
  return { payment, status: 200, headers: {}, body, truncated: false }
}

test('bodies are written end to end, in statements of a bounded size', () => {
  const large = new Uint8Array(1_048_576).fill(1)
  const contents = [
    content('one', Uint8Array.of(7, 8)),
    content('two', new Uint8Array()),
    content('three', large),
    content('four', Uint8Array.of(9)),
  ]
  const places = writeContents(contents, (id) => `pk of ${id}`).map(
    ({ values: [payments, , , , starts, lengths, bodies] }) => ({
      payments,
      starts,
      lengths,
      bytes: (bodies as Uint8Array).byteLength,
    }),
  )
  expect(places).toEqual([
    {
      payments: ['pk of one', 'pk of two', 'pk of three'],
      starts: [1, 3, 3],
      lengths: [2, 0, large.byteLength],
      bytes: 2 + large.byteLength,
    },
    { payments: ['pk of four'], starts: [1], lengths: [1], bytes: 1 },
  ])
})

test('no content needs no statement', () => {
  expect(writeContents([], String)).toEqual([])
})
