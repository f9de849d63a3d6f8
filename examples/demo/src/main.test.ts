import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the demo as people do, with no key, no proxy and no colour setting in its environment. */
function demo(...args: readonly string[]): Promise<Run> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const { PATH = '' } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env: { PATH } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

/** Replaces the ports of merchants, which differ from run to run. */
function withoutPorts(text: string): string {
  return text.replace(/(?<=localhost:)\d+/g, 'port')
}

describe('the demo with --record', () => {
  let folder: string
  let recorded: string
  let run: Run
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-picture-'))
    recorded = join(folder, 'demo.svg')
    run = await demo('--record', recorded)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('comes to its end, and all of its claims hold', () => {
    expect(run.stderr).toBe('')
    expect(run.stdout).toMatch(/\nAll \d+ claims of this demo hold\.\n$/)
    expect(run.code).toBe(0)
  })

  test('says what the guard decided, and why', () => {
    const decided = [
      /GET market\/quote +paid +0\.01 +0\.49/,
      /GET market\/dataset +denied: payment_limit_exceeded +5\.00 +0\.14/,
      /over the limit of/,
      /GET injects-content\/secret\?again=1 +denied: payment_count_exceeded +0\.01 +0\.03/,
      /GET drops-connection\/secret +in doubt +0\.01 +0\.13/,
      /GET drops-connection\/secret +denied: duplicate_open +– +0\.13/,
      /GET drops-connection\/secret +undelivered: by the first call +– +0\.13/,
      /GET fails-after-payment\/with-receipt +undelivered +0\.01 +0\.12/,
      /GET market\/report\.pdf\?edition=2 +denied: session_limit_exceeded +0\.25 +0\.105/,
      /GET market\/item\/1 +denied: session_expired +– +0\.105/,
      /GET market\/item\/2 +denied: delegation_revoked +– +0\.19/,
      /drops-connection +1 +0\.01 +1 +0\.01/,
      /spent +11 +0\.425 +11 +0\.425/,
      /verified: \d+ records/,
    ]
    expect(decided.filter((line) => !line.test(run.stdout))).toEqual([])
  })

  test('draws the picture that the README shows', async () => {
    const shown = await readFile(new URL('../../../docs/demo.svg', import.meta.url), 'utf8')
    const drawn = await readFile(recorded, 'utf8')
    expect(withoutPorts(shown), 'run pnpm demo:record').toBe(withoutPorts(drawn))
  })

  test('draws only lines that it has printed', async () => {
    const drawn = await readFile(recorded, 'utf8')
    const lines = [...drawn.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, line = '']) =>
      line
        .replace(/<[^>]*>/g, '')
        .replaceAll('&amp;', '&')
        .trimEnd(),
    )
    const printed = run.stdout.split('\n')
    expect(lines.filter((line) => !printed.includes(line))).toEqual(['$ pnpm demo', '  ⋮', '  ⋮'])
    expect(lines.length).toBeGreaterThan(30)
  })

  test('fits a page of 100 columns, without colours where no terminal is', () => {
    const lines = run.stdout.split('\n')
    expect(lines.filter((line) => [...line].length > 100)).toEqual([])
    expect(run.stdout).not.toContain('\u001b')
  })
})

describe('the demo with --json', () => {
  test.each([[['--json']], [['--', '--json']]])('%j ends with the figures', async (args) => {
    const { code, stdout, stderr } = await demo(...args)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      '{"paid":11,"denied":{"delegation_revoked":1,"duplicate_open":1,"payment_count_exceeded":1,' +
        '"payment_limit_exceeded":1,"session_expired":1,"session_limit_exceeded":1},"inDoubt":1,' +
        '"chainSpent":"0.425","ledgerSpent":"0.425","overspend":"0.00","auditVerified":true}',
    )
  })
})

test('with --policy the rules of the operator refuse first, and every payment names their version', async () => {
  const { code, stdout, stderr } = await demo('--policy')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toMatch(/rules +of house-rules\.cedar, cedar@[0-9a-f]{16}/)
  expect(stdout).toMatch(/GET market\/dataset +denied: policy_denied +5\.00 +0\.14/)
  expect(stdout).toMatch(/spent +11 +0\.425 +11 +0\.425/)
})

test.each([
  ['cdp', /wallet +its key is with Coinbase CDP/],
  ['privy', /wallet +its key is with Privy/],
])('with --wallet %s the same claims hold', async (wallet, opening) => {
  const { code, stdout, stderr } = await demo('--wallet', wallet)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toMatch(opening)
  expect(stdout).toMatch(/spent +11 +0\.425 +11 +0\.425/)
  expect(stdout).toMatch(/\nAll \d+ claims of this demo hold\.\n$/)
})

describe('the demo refuses', () => {
  test.each<[readonly string[], string]>([
    [
      ['--jsn'],
      "demo: Unknown option '--jsn'. Usage: pnpm demo [--json] [--policy] [--record <file>]",
    ],
    [['--wallet', 'paper'], "demo: There is no wallet 'paper'. Usage: pnpm demo"],
    [['now'], "demo: Unexpected argument 'now'. Usage: pnpm demo"],
    [['--model'], "demo: Option '--model <value>' argument missing. Usage: pnpm demo"],
    [['--model', 'other/model'], 'demo: --model other/model: is neither anthropic/<name> nor'],
    [
      ['--model', 'anthropic/claude'],
      'demo: --model anthropic/claude: needs ANTHROPIC_API_KEY in the environment, which is not set.',
    ],
    [
      ['--json', '--model', 'openai/gpt'],
      'demo: --model openai/gpt: needs OPENAI_API_KEY in the environment, which is not set.',
    ],
  ])('%j with one clear line', async (args, message) => {
    const { code, stdout, stderr } = await demo(...args)
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })
})
