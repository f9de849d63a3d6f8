/**
 * Has the client pay in each runtime that it is for: `pnpm test:runtimes`. Node is there; Deno, Bun and
 * workerd are fetched from the npm registry into a folder that is removed. `--runtime deno` runs one of
 * them; ends with 1 where something else came of it than in Node.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { build } from 'esbuild'
import { serviceReach } from '../../packages/service/client/test/service-reach.ts'
import { runCommand } from '../check/command.ts'
import { sandboxWorld } from '../sandbox-world.ts'
import type { Task } from './purchase.ts'
import { type Runtime, runtimes } from './runtime.ts'

/** Paid once, answered once more, refused for its price, with what is left, and refused at the end. */
const expected = ['paid', 'the same', '0.99', 'payment_limit_exceeded', 'session_revoked']

const PRICE = 10_000n

const { values } = parseArgs({ options: { runtime: { type: 'string' } } })
const wanted = runtimes.filter(({ name }) => (values.runtime ?? name) === name)
if (wanted.length === 0) {
  console.error(`--runtime: must be one of ${runtimes.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const world = await sandboxWorld()
const service = await serviceReach(world.bursar)
try {
  for (const runtime of wanted) {
    const before = await world.spent()
    const said = JSON.parse(await runIn(runtime))
    const moved = (await world.spent()) - before
    const isRight = isDeepStrictEqual(said, expected) && moved === PRICE
    if (!isRight) process.exitCode = 1
    const told = [runtime.name, runtime.release ?? process.version].join(' ')
    console.log(
      `${told}: ${isRight ? 'passed' : 'failed'}: ${said.join(', ')}; on the chain: ${moved}`,
    )
  }
} finally {
  await service.close()
  await world.stop()
}

async function runIn(runtime: Runtime): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bursar-runtime-'))
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    if (runtime.release !== undefined) {
      const release = `${runtime.name}@${runtime.release}`
      await runCommand('npm', ['install', '--no-audit', '--no-fund', release], folder)
    }
    await bundle(runtime.entry, join(folder, 'agent.js'), await task())
    return await runtime.run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Creates a session bound to the client's own payer. */
async function task(): Promise<Task> {
  const { token } = await world.bursar.management.createSession({
    delegation: world.delegation,
    payer: service.payer,
    expiresIn: '1h',
    limits: { currency: 'USD', total: '1.00' },
  })
  const resource = `${world.sandbox.merchants.honest.url}/quote`
  return { url: service.url, key: service.key, token, resource }
}

async function bundle(entry: string, outfile: string, task: Task): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, entry)],
    outfile,
    bundle: true,
    format: 'esm',
    // The bundle is for no platform: imports that only Node has must not resolve.
    platform: 'neutral',
    conditions: ['import'],
    define: { TASK: JSON.stringify(task) },
  })
}
