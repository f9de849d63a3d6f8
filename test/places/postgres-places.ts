import {
  type TestPostgres,
  testPostgres,
} from '../../packages/stores/postgres/src/test-process/postgres-server.ts'
import type { StorePlaces } from './store-place.ts'

/** Starts a PostgreSQL server, with a database for each place. */
export async function postgresPlaces(): Promise<StorePlaces> {
  const server: TestPostgres = await testPostgres()
  const left = async (place: string): Promise<void> => {
    const name = new URL(place).pathname.slice(1)
    const others = `SELECT FROM pg_stat_activity WHERE datname = '${name}'`
    while ((await server.query(others)).length > 0) await new Promise(setImmediate)
  }
  return {
    kind: 'postgres',
    empty: () => server.newDatabase(),
    async copyOf(place) {
      await left(place)
      return await server.newDatabase(place)
    },
    left,
    remove: (place) => server.dropDatabase(place),
    stop: () => server.stop(),
  }
}
