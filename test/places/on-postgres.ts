import { postgresStore } from '@bursar/store-postgres'
import { afterAll, inject, onTestFinished } from 'vitest'
import { testPostgres } from '../../packages/stores/postgres/src/test-process/postgres-server.ts'
import { usual } from '../guard-world.ts'

/** Lets every world that names no place be in a database of its own, until its test has ended. */
process.env.BURSAR_TEST_POSTGRES_URL = inject('postgres')
const server = await testPostgres()
const migrated = postgresStore({ url: server.url })
await migrated.read({})
await migrated.close()

usual.place = () => server.newDatabase(server.url)
usual.opened = (store) => onTestFinished(() => store.close())

afterAll(() => server.stop())
