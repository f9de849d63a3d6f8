/**
 * Proves the peer ranges of the adapters: runs their tests with the lowest versions that they claim, and
 * with the newest that the registry has within their ranges. Run it as `pnpm test:peers`; a folder, such as
 * `packages/adapters/ai-sdk`, runs that adapter alone.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryCommand } from '../check/command.ts'
import { lowestPeers, newestPeers, type Peers, unproved } from './peers.ts'

const only = process.argv[2]
const all = lowestPeers().filter(({ adapter }) => only === undefined || adapter.folder === only)
let failed = all.length === 0
for (const one of all) {
  const missing = unproved(one)
  if (missing.length > 0) {
    console.log(`${one.adapter.name}: lowest-peers.json lacks ${missing.join(', ')}`)
    failed = true
  }
  for (const peers of [one, newestPeers(one)]) failed = !(await passes(peers)) || failed
}
process.exitCode = failed ? 1 : 0

async function passes({ adapter, dependencies }: Peers): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-peers-'))
  try {
    const manifest = { name: 'peers', private: true, type: 'module', dependencies }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    const installed = await tryCommand('npm', ['install', '--no-audit', '--no-fund'], folder)
    const ran = installed.succeeded ? await runTests(adapter.folder, folder) : installed
    const verdict = ran.succeeded ? 'passed' : 'failed'
    const versions = Object.keys(dependencies).map((name) => `${name} ${versionIn(folder, name)}`)
    console.log(`${adapter.name} with ${versions.join(', ')}: ${verdict}`)
    const tests = /^ *Tests .*$/m.exec(ran.everything)?.[0].trim()
    console.log(ran.succeeded ? `  ${tests}` : ran.everything)
    return ran.succeeded
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function versionIn(folder: string, name: string): string {
  const path = join(folder, 'node_modules', name, 'package.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : 'not installed'
}

/** Runs an adapter's tests with its peers in a folder. Type tests use the workspace's own peers. */
function runTests(adapter: string, folder: string): ReturnType<typeof tryCommand> {
  process.env.BURSAR_TEST_PEERS = folder
  const config = join('test', 'peers', 'vitest.config.ts')
  const exclude = ['--exclude', '**/*.typing.test.ts']
  return tryCommand('vitest', ['run', '--config', config, ...exclude, `${adapter}/src`])
}
