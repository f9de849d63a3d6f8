// One process that pays once and is killed at one crossing of a seam; see crash.ts.
import { createBursar } from '@bursar/core'
import {
  type FakeConduct,
  fakeAsset,
  fakeChain,
  fakeMerchant,
  fakeRail,
  fakeWallet,
  manualClock,
} from '@bursar/core/testing'
import { storeAt } from '../places/store-place.ts'
import { crossings } from './crossing.ts'
import { watchPostgres, watchSqlite } from './durable-write.ts'

const [place = '', file = '', token = '', startedAt = '', killAt = '', conduct] =
  process.argv.slice(2)
const clock = manualClock(Number(startedAt))
const chain = fakeChain({ clock, file })
// Calls before the payment, such as recording the instrument, are not counted.
let watching = false
const crossed = crossings(Number(killAt))
const only = <Seam extends object>(seam: Seam, methods: readonly (keyof Seam)[]): Seam => {
  const watched = crossed.watch(seam, methods)
  return new Proxy(seam, {
    get: (target, name) => Reflect.get(watching ? watched : target, name),
  })
}

const crossIfWatching = (): void => {
  if (watching) crossed.cross()
}
const isPostgres = place.startsWith('postgres:')
if (!isPostgres) watchSqlite(crossIfWatching)
const store = storeAt(isPostgres ? await watchPostgres(place, crossIfWatching) : place, clock)
const bursar = createBursar({
  store: only(store, ['commit', 'read', 'content']),
  rails: [only(fakeRail({ chain }), ['prove', 'balance'])],
  http: only(
    fakeMerchant({
      chain,
      resource: () => ({ conduct: conduct as FakeConduct }),
      onMoment: () => {
        crossed.cross()
      },
    }),
    ['request'],
  ),
  assets: [fakeAsset],
  instruments: {
    'alice-wallet': { endUser: 'alice', wallet: only(fakeWallet(), ['sign', 'address']) },
  },
})
await bursar.reconcile()
watching = true
const session = bursar.openSession(token)
const result = await session.pay(
  { url: 'https://shop.example/a', purpose: 'crash' },
  { conversation: 'thread', id: 'call' },
)
// Writes after the answer are flushed now, and can be interrupted as well.
await bursar.close()
crossed.cross()
process.stdout.write(JSON.stringify({ status: result.status, crossings: crossed.count() }))
process.exit(0)
