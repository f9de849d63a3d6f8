import { deepStrictEqual, rejects } from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { type Bursar, createBursar, type Store } from '@bursar/core'
import { x402 } from '@bursar/x402'
import { copyAudit } from './copy-audit.ts'
import { assets, folder, networks, sandbox } from './sandbox.ts'
import { verifyAudit } from './verify-audit.ts'

/**
 * Checks the outcome of the example. Throws, which ends the process with an error, if it is wrong.
 */
export async function checkItself(store: Store, said: string): Promise<void> {
  const bursar = createBursar({ store, rails: [x402({ networks })], assets })
  try {
    // A block is final when two more follow it; only then does the chain prove anything.
    await sandbox.mine(2)
    await bursar.reconcile()
    const [transfer] = (await sandbox.transfers()).slice(-1)
    const { rows } = await bursar.auditing.payments()
    deepStrictEqual(
      rows.map(({ state, amount, currency, payee }) => ({ state, amount, currency, payee })),
      [{ state: 'settled', amount: '0.01', currency: 'USD', payee: transfer?.to.toLowerCase() }],
    )
    deepStrictEqual(said, 'ACME costs 103.40 USD.')
    await checkAudit(bursar)
    console.log(`The model said: ${said}`)
    for (const { amount, currency, merchant, purpose, state } of rows) {
      console.log(`Paid ${amount} ${currency} to ${merchant} for "${purpose}": ${state}.`)
    }
  } finally {
    await bursar.close()
    await sandbox.stop()
    rmSync(folder, { recursive: true })
  }
}

async function checkAudit(bursar: Bursar): Promise<void> {
  const copied: string[] = []
  const cursor = await copyAudit(bursar.auditing, undefined, async ({ event }) => {
    copied.push(event.type)
  })
  deepStrictEqual(copied, [
    'instrument-registered',
    'delegation-granted',
    'session-created',
    'payment-reserved',
    'payment-signed',
    'payment-claimed',
    'payment-settled',
  ])
  await copyAudit(bursar.auditing, cursor, async ({ event }) => {
    throw new Error(`${event.type} came twice.`)
  })
  const head = await verifyAudit(bursar.auditing, undefined)
  deepStrictEqual(head?.seq, copied.length)
  deepStrictEqual(await verifyAudit(bursar.auditing, head), head)
  // A record that the trail does not have, as if its newest one had been cut off.
  await rejects(verifyAudit(bursar.auditing, { ...head, seq: copied.length + 1 }), /ends before/)
}
