import { postgresStore } from '@bursar/store-postgres'
import { afterAll, inject, onTestFinished } from 'vitest'
import { testPostgres } from '../../packages/stores/postgres/src/test-process/postgres-server.ts'
import { usual } from '../guard-world.ts'

/** Gives every world without a place a database of its own, until its test ends. */
process.env.BURSAR_TEST_POSTGRES_URL = inject('postgres')
const server = await testPostgres()
const migrated = postgresStore({ url: server.url })
await migrated.read({})
await migrated.close()

usual.place = () => server.newDatabase(server.url)
usual.opened = (store) => onTestFinished(() => store.close())

afterAll(() => server.stop())
