/**
 * A process that opens a guard over a file, opens a session of each token and asks for its status.
 * Prints by how many bytes that let its resident memory grow. Needs `--expose-gc`.
 *
 * Arguments: the file of the store, a file with one token a line.
 */
import { readFileSync } from 'node:fs'
import { createBursar } from '@bursar/core'
import { fakeAsset, fakeChain, fakeMerchant, fakeRail } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'

/** The number of concurrent calls. */
const AT_ONCE = 100

const [path = '', tokensPath = ''] = process.argv.slice(2)
const tokens = readFileSync(tokensPath, 'utf8').trim().split('\n')
const chain = fakeChain()
const bursar = createBursar({
  store: sqliteStore({ path }),
  rails: [fakeRail({ chain })],
  http: fakeMerchant({ chain }),
  assets: [fakeAsset],
})
const residentBytes = (): number => {
  globalThis.gc?.()
  return process.memoryUsage.rss()
}
// The first call loads modules, whose memory does not count.
await bursar.openSession(tokens[0] ?? '').status()
const before = residentBytes()
const sessions = tokens.map((token) => bursar.openSession(token))
for (let next = 0; next < sessions.length; next += AT_ONCE) {
  await Promise.all(sessions.slice(next, next + AT_ONCE).map((session) => session.status()))
}
console.log(JSON.stringify((residentBytes() - before) / sessions.length))
await bursar.close()
