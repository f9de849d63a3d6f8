import { randomBytes } from 'node:crypto'
import { connectEndUser, connectManagement } from '@bursar/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProcess } from '../examples/service/src/child-process.ts'
import {
  type GuardProcess,
  openWorld,
  type ServiceKeys,
  type World,
} from '../examples/service/src/world.ts'
import { masked } from './service/planted-secret.ts'
import { scanProcess } from './service/process-memory.ts'
import { formsOf, type Secret, secret } from './service/secret.ts'
import { secretSearch } from './service/secret-search.ts'

let world: World
let keys: ServiceKeys
let guard: GuardProcess
let held: readonly Secret[]

/**
 * The further secrets of a guard's environment, such as passwords and a provider's keys, as random
 * text.
 */
const canaries = {
  DATABASE_PASSWORD: randomBytes(32).toString('hex'),
  PROVIDER_SECRET: randomBytes(32).toString('base64url'),
}

beforeAll(async () => {
  world = await openWorld({ environment: canaries })
  keys = await world.issueKeys()
  guard = await world.startGuard()
  held = [
    secret("Alice's wallet", world.alice.privateKey),
    secret("Bob's wallet", world.bob.privateKey),
    ...Object.entries(canaries).map(([name, text]) => secret(name, text)),
    { name: "the ledger's path", text: world.environment.BURSAR_DATABASE?.slice(-28) ?? '' },
  ]
})

afterAll(() => world.stop())

async function newSession(payer: string) {
  const alice = connectEndUser({ url: guard.url, key: keys.alice.key })
  const { id } = await alice.grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '1d',
    merchants: [{ host: world.sandbox.merchants.honest.host }],
    consent: { how: 'test' },
    limits: { currency: 'USD', total: '1.00' },
  })
  const application = connectManagement({ url: guard.url, key: keys.application.key })
  const limits = { currency: 'USD', total: '1.00' }
  return application.createSession({ delegation: id, expiresIn: '30m', limits, payer })
}

describe('the memory of an agent process', () => {
  test('has its own key and token, and no other credential', async () => {
    const [own, other] = [await newSession(keys.agent.id), await newSession(keys.otherAgent.id)]
    const environment = {
      BURSAR_URL: guard.url,
      BURSAR_KEY: keys.agent.key,
      BURSAR_TOKEN: own.token,
      RESOURCE: `${world.sandbox.merchants.honest.url}/quote`,
    }
    const agent = startProcess(new URL('./service/resident-agent.ts', import.meta.url), environment)
    expect(await agent.firstLine).toBe('ACME costs 103.40 USD.')
    const [ownKey, ownToken] = [secret('key', keys.agent.key), secret('token', own.token)]
    const { alice, bob, application, otherAgent } = keys
    const others = Object.entries({ alice, bob, application, otherAgent })
    const foreign = [
      ...held,
      ...others.map(([name, { key }]) => secret(name, key)),
      secret("another session's token", other.token),
    ]
    const { found, bytes } = scanProcess(agent.pid, [ownKey, ownToken, ...foreign])
    agent.kill('SIGKILL')
    // Proves that the search works: both secrets are where they belong.
    expect(found).toEqual(expect.arrayContaining(['key: text', 'token: text']))
    expect(found.filter((one) => !/^(key|token): /.test(one))).toEqual([])
    expect(bytes).toBeGreaterThan(30_000_000)
  })

  test("is not the guard's: there, what is held is found", () => {
    const { found } = scanProcess(guard.pid, held)
    for (const { name } of held) expect(found).toContain(`${name}: text`)
  })
})

describe('a secret in memory', () => {
  test('is found in a living process in each of its forms', async () => {
    const forms = Object.keys(formsOf(secret('any', newSecret())))
    const secrets = forms.map((form) => secret(form, newSecret()))
    const planted = secrets.map((one) => masked(formsOf(one)[one.name] ?? Buffer.alloc(0)))
    const script = new URL('./service/planted-process.ts', import.meta.url)
    const child = startProcess(script, { PLANTED: JSON.stringify(planted) })
    expect(await child.firstLine).toBe(`${forms.length}`)
    const { found } = scanProcess(child.pid, [...secrets, secret('absent', newSecret())])
    child.kill('SIGKILL')
    expect(found).toEqual(expect.arrayContaining(forms.map((form) => `${form}: ${form}`)))
    expect(found.filter((one) => one.startsWith('absent'))).toEqual([])
  })

  test('is found wherever it stands, and in parts', () => {
    const one = secret('one', newSecret())
    const { in: search } = secretSearch([one])
    const text = Buffer.from(one.text)
    for (let at = 0; at < 64; at += 1) {
      const found = new Set<string>()
      search(Buffer.concat([randomBytes(at), text, randomBytes(64)]), found)
      expect(found.has('one: text')).toBe(true)
    }
    for (let at = 0; at + 31 <= text.length; at += 1) {
      const found = new Set<string>()
      search(Buffer.concat([randomBytes(40), text.subarray(at, at + 31), randomBytes(40)]), found)
      expect(found.has('one: text')).toBe(true)
    }
  })
})

function newSecret(): string {
  return randomBytes(32).toString('hex')
}
