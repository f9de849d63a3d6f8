import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServiceReach, serviceReach } from '../packages/service/client/test/service-reach.ts'
import { root } from './check/command.ts'
import { type GuardWorld, guardWorld, shop } from './guard-world.ts'

/** The tests of the command `bursar-mcp`, started by an MCP client, with a real service. */

const command = join(root, 'packages/adapters/mcp/src/cli.ts')

let world: GuardWorld
let reach: ServiceReach
let folder: string
let files: readonly string[]

beforeAll(async () => {
  world = await guardWorld()
  reach = await serviceReach(world.bursar)
  const { token } = await world.bursar.management.createSession({
    delegation: world.delegation,
    payer: reach.payer,
    expiresIn: '30m',
    limits: { currency: 'USD', total: '0.01' },
  })
  folder = await mkdtemp(join(tmpdir(), 'bursar-mcp-'))
  const contents = { token: `${token}\n`, key: reach.key, empty: '\n', exposed: reach.key }
  for (const [name, text] of Object.entries(contents)) {
    await writeFile(join(folder, name), text, { mode: 0o600 })
  }
  await chmod(join(folder, 'exposed'), 0o640)
  files = ['--token-file', join(folder, 'token'), '--key-file', join(folder, 'key')]
})
afterAll(async () => {
  await reach.close()
  await world.bursar.close()
  await rm(folder, { recursive: true })
})

test('offers the tool over stdin and stdout, and pays by the service', async () => {
  const client = new Client({ name: 'desktop', version: '1' })
  const args = [command, '--url', reach.url, ...files]
  await client.connect(new StdioClientTransport({ command: process.execPath, args }) as Transport)
  const pay = async (path: string): Promise<unknown> => {
    const given = { url: shop(path), purpose: 'a test' }
    const result = await client.callTool({ name: 'pay_within_session', arguments: given })
    return JSON.parse((result.content as { text: string }[])[0]?.text ?? '')
  }
  try {
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['pay_within_session'])
    expect(await pay('a')).toMatchObject({ status: 'paid', receipt: { amount: '0.01' } })
    expect(await pay('b')).toMatchObject({ status: 'denied', code: 'session_limit_exceeded' })
  } finally {
    await client.close()
  }
  expect(world.chain.transfers()).toHaveLength(1)
})

/** Runs the command with a closed standard input. */
function run(args: readonly string[]): Promise<{ failed: boolean; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [command, ...args], (error, out, err) =>
      resolve({ failed: error !== null, out, err }),
    )
    child.stdin?.end()
  })
}

describe('the command', () => {
  test('says how it is called', async () => {
    const { failed, out } = await run(['--help'])
    expect([failed, out.split('\n')[0]]).toEqual([
      false,
      'Usage: bursar-mcp --url <service> --token-file <file> --key-file <file>',
    ])
  })

  test('ends when its client has gone', async () => {
    expect(await run(['--url', reach.url, ...files])).toEqual({ failed: false, out: '', err: '' })
  })

  test.each([
    ['no URL', () => files, '--url is missing. See --help.'],
    ['no file', () => ['--url', reach.url], '--token-file is missing. See --help.'],
    [
      'a file that is not there',
      () => ['--url', reach.url, '--token-file', join(folder, 'none'), ...files.slice(2)],
      'cannot be read (ENOENT).',
    ],
    [
      'an empty file',
      () => ['--url', reach.url, '--token-file', join(folder, 'empty'), ...files.slice(2)],
      'is empty.',
    ],
    [
      'a file that others can read',
      () => ['--url', reach.url, ...files.slice(0, 2), '--key-file', join(folder, 'exposed')],
      'can be read by others. Run: chmod 600 ',
    ],
    [
      'a file that holds no token',
      () => ['--url', reach.url, '--token-file', join(folder, 'key'), ...files.slice(2)],
      'connect: token: ',
    ],
    ['a secret as an argument', () => ['--token', 'x'], "Unknown option '--token'"],
  ])('called with %s says so on one line, and no secret', async (_what, args, said) => {
    const { failed, out, err } = await run(args())
    expect([failed, out]).toEqual([true, ''])
    expect(err).toContain(said)
    expect(err).toMatch(/^bursar-mcp: /)
    expect(err).not.toContain(reach.key)
  })
})
