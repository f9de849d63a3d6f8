/**
 * Proves the peer ranges of the adapters: runs their tests with the lowest versions that they claim.
 * The highest ones are what the workspace installs, and `pnpm test` runs. Run it as `pnpm test:peers`;
 * a folder, such as `packages/adapters/ai-sdk`, runs that adapter alone.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tryCommand } from '../check/command.ts'
import { type LowestPeers, lowestPeers, unproved } from './lowest-peers.ts'

const only = process.argv[2]
const all = lowestPeers().filter(({ adapter }) => only === undefined || adapter.folder === only)
let failed = all.length === 0
for (const one of all) failed = !(await passes(one)) || failed
process.exitCode = failed ? 1 : 0

async function passes(peers: LowestPeers): Promise<boolean> {
  const { adapter, dependencies } = peers
  const versions = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`)
  const missing = unproved(peers)
  if (missing.length > 0) {
    console.log(`${adapter.name}: lowest-peers.json lacks ${missing.join(', ')}`)
    return false
  }
  const folder = await mkdtemp(join(tmpdir(), 'bursar-peers-'))
  try {
    const manifest = { name: 'lowest-peers', private: true, type: 'module', dependencies }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    const installed = await tryCommand('npm', ['install', '--no-audit', '--no-fund'], folder)
    const ran = installed.succeeded ? await runTests(adapter.folder, folder) : installed
    const verdict = ran.succeeded ? 'passed' : 'failed'
    console.log(`${adapter.name} with ${versions.join(', ')}: ${verdict}`)
    const tests = /^ *Tests .*$/m.exec(ran.everything)?.[0].trim()
    console.log(ran.succeeded ? `  ${tests}` : ran.everything)
    return ran.succeeded
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What is about types is about the highest versions: it is compiled with what is installed. */
function runTests(adapter: string, folder: string): ReturnType<typeof tryCommand> {
  process.env.BURSAR_LOWEST_PEERS = folder
  const config = join('test', 'peers', 'vitest.config.ts')
  const exclude = ['--exclude', '**/*.typing.test.ts']
  return tryCommand('vitest', ['run', '--config', config, ...exclude, `${adapter}/src`])
}
