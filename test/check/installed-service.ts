import { runCommand } from './command.ts'

/** The script of a user's process: it runs a service over a file and verifies its ledger. */
const script = `
  import { mkdtempSync, rmSync } from 'node:fs'
  import { join } from 'node:path'
  import { fakeRail } from '@bursar/core/testing'
  import { openGuard, readSettings, serve } from 'bursar'

  const folder = mkdtempSync(join(process.cwd(), 'service-'))
  const config = { database: join(folder, 'bursar.db'), rails: [fakeRail()], listen: { port: 0 } }
  const guard = await openGuard(readSettings(config, {}))
  const { key } = await guard.administration.issueKey({ roles: ['auditor'], expiresIn: '1d' })
  await guard.close()
  const service = await serve(config, { log: () => {} })
  const headers = { authorization: 'Bearer ' + key, 'content-type': 'application/json' }
  const asked = { method: 'POST', headers, body: '{}' }
  const response = await fetch(service.url + '/v1/audit/verify', asked)
  console.log(JSON.stringify(await response.json()))
  await service.close()
  rmSync(folder, { recursive: true })
`

/** Throws if the installed service fails to verify its ledger, which it does in a worker thread. */
export async function checkService(folder: string, node: string): Promise<void> {
  const answer = await runCommand(node, ['--input-type=module', '-e', script], folder)
  if (JSON.parse(answer).ok !== true) throw new Error(answer)
}
