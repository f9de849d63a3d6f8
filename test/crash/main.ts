/**
 * Kills a payment at every await, before and after each durable write, on both stores:
 * `pnpm test:crash`. `--store postgres` does so on one of them; ends with 1 at the first wrong end.
 */
import { parseArgs } from 'node:util'
import { storeKinds } from '../places/store-place.ts'
import { storePlaces } from '../places/store-places.ts'
import { crash, crashCases } from './crash.ts'

const { values } = parseArgs({ options: { store: { type: 'string' } } })
const kinds = storeKinds.filter((kind) => values.store === undefined || values.store === kind)
if (kinds.length === 0) throw new RangeError(`--store is one of ${storeKinds}.`)
for (const kind of kinds) {
  const places = await storePlaces(kind)
  try {
    await Promise.all(crashCases.map((one) => crash(places, one, 1, (line) => console.log(line))))
  } finally {
    await places.stop()
  }
  console.log(`${kind}: never paid twice, never lost, never freed too early`)
}
