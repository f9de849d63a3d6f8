// One process with many payers, which pay at once when they are told to; see race.ts.
import { fakeChain } from '@bursar/core/testing'
import { raceGuard } from './guard.ts'
import type { Outcome, Volley } from './volley.ts'

const [place = '', file = ''] = process.argv.slice(2)
const bursar = raceGuard(place, fakeChain({ file }))

process.on('message', async (message: Volley | 'end') => {
  if (message === 'end') {
    await bursar.close()
    process.disconnect()
    return
  }
  process.send?.(await Promise.all(message.map(pay)))
})
process.send?.('ready')

async function pay({ token, url, call }: Volley[number]): Promise<Outcome> {
  const result = await bursar.openSession(token).pay({ url, purpose: 'race' }, call)
  const paymentId = 'receipt' in result ? result.receipt.paymentId : undefined
  const code = 'code' in result && result.code !== undefined ? result.code : result.status
  return { code, ...(paymentId === undefined ? {} : { paymentId }) }
}
