import { storeProcess } from '@bursar/core/testing'
import { type PostgresStoreOptions, postgresStore } from '../src/postgres-store.ts'

await storeProcess((place) => {
  const options = JSON.parse(place) as PostgresStoreOptions
  return postgresStore({ ...options, connections: 2 })
})
