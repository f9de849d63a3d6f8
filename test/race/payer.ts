// One process with many payers, which pay at once when they are told to; see race.ts.
import { fakeChain } from '@bursar/core/testing'
import { raceGuard } from './guard.ts'
import { type RaceService, raceService } from './service.ts'
import type { Outcome, Volley } from './volley.ts'

const [place = '', file = '', key = ''] = process.argv.slice(2)
const chain = fakeChain({ file })

/** Pays with this process's guard or, if a key is given, over HTTP with its server. */
const { openSession, close }: RaceService =
  key === '' ? raceGuard(place, chain) : await raceService(place, chain, key)

process.on('message', async (message: Volley | 'end') => {
  if (message === 'end') {
    await close()
    process.disconnect()
    return
  }
  process.send?.(await Promise.all(message.map(pay)))
})
process.send?.('ready')

async function pay({ token, url, call }: Volley[number]): Promise<Outcome> {
  const result = await openSession(token).pay({ url, purpose: 'race' }, call)
  const paymentId = 'receipt' in result ? result.receipt.paymentId : undefined
  const code = 'code' in result && result.code !== undefined ? result.code : result.status
  return { code, ...(paymentId === undefined ? {} : { paymentId }) }
}
