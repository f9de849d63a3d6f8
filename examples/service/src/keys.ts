/** Issues the first keys on the ledger itself, where the guard runs, before it runs. Each is shown this once. */
import { openGuard, readSettings } from 'bursar'
import config from './bursar.config.ts'

const { administration, close } = await openGuard(readSettings(config, process.env))
const expiresIn = '30d'

/** A key for each part; none of them can do another's. */
const keys: Record<string, { readonly id: string; readonly key: string }> = {
  alice: await administration.issueKey({ roles: ['end_user'], endUser: 'alice', expiresIn }),
  bob: await administration.issueKey({ roles: ['end_user'], endUser: 'bob', expiresIn }),
  application: await administration.issueKey({ roles: ['manager'], expiresIn }),
  agent: await administration.issueKey({ roles: ['payer'], expiresIn }),
  otherAgent: await administration.issueKey({ roles: ['payer'], expiresIn }),
}

console.log(JSON.stringify(keys))
await close()
