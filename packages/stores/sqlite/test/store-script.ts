import { storeProcess } from '@bursar/core/testing'
import { sqliteStore } from '../src/sqlite-store.ts'

await storeProcess((place) => sqliteStore({ path: place }))
