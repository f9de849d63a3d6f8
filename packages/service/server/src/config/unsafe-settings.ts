import { isIP } from 'node:net'
import type { Bursar, KeySummary, Page } from '@bursar/core'
import { describeAccessConflict } from '../auth/access.ts'
import type { Settings } from './config.ts'

/**
 * The key that examples show. A service whose ledger accepts this key refuses to start.
 *
 * @example
 * ```ts
 * import { EXAMPLE_KEY } from 'bursar'
 *
 * console.log(EXAMPLE_KEY.startsWith('bursar_key_')) // true
 * ```
 */
export const EXAMPLE_KEY: string = `bursar_key_${'0'.repeat(32)}_${'A'.repeat(43)}`

/**
 * The accounts of the mnemonic that development chains share. Their private keys are public, and bots
 * on real chains take whatever is sent to them.
 */
const wellKnownAddresses = new Set([
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
  '0x90f79bf6eb2c4f870365e785982e1f101e93b906',
  '0x15d34aaf54267db7d7c367839aaf71a00a2c6a65',
  '0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc',
  '0x976ea74026e726554db657fa54763abd0c3a0aa9',
  '0x14dc79964da2c08b23698b3d3cc7ca32193d9955',
  '0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f',
  '0xa0ee7a142d267c1f36714e4a8f75612f20a79720',
])

/** Finds the reasons not to start with these settings, each as a sentence with the way out. */
export function findUnsafeSettings({
  host,
  tls,
  behindProxy,
  guard,
  identity,
}: Settings): readonly string[] {
  const found: string[] = []
  const isLocal = isLoopbackSetting(host)
  if (!isLocal && !tls && !behindProxy) {
    found.push(
      `It would speak plain http on ${host}, where others can read keys and tokens. Configure ` +
        'listen.tls, or listen on 127.0.0.1, or set listen.behindProxy if a proxy ends TLS.',
    )
  }
  if (!isLocal && guard.development !== undefined) {
    found.push(
      `It is in development mode, which reaches private hosts, and would listen on ${host}. ` +
        'Remove development from the configuration, or listen on 127.0.0.1.',
    )
  }
  if (
    identity !== undefined &&
    guard.development === undefined &&
    !isHttpsSetting(identity.jwksUrl)
  ) {
    found.push(
      `It would fetch the keys of the identity provider over plain http from ${identity.jwksUrl}. ` +
        'Use an https address in identity.jwksUrl.',
    )
  }
  return found
}

/**
 * Finds the reasons not to start with this ledger and these wallets: conflicting roles of a key, the
 * example key, or a wallet whose private key is public.
 */
export async function findUnsafeLedgerState(
  bursar: Bursar,
  { guard }: Pick<Settings, 'guard'>,
): Promise<readonly string[]> {
  const found: string[] = []
  for await (const key of listUnsafeLiveKeys(bursar)) {
    const conflict = describeAccessConflict(key.roles)
    if (conflict === undefined) continue
    found.push(`The key ${key.id} ${conflict}. Revoke it: bursar keys revoke ${key.id}`)
  }
  const example = await bursar.authenticate(EXAMPLE_KEY)
  if (example !== undefined) {
    found.push(
      `The ledger accepts the key that the examples show. Revoke it: bursar keys revoke ${example.id}`,
    )
  }
  if (guard.development !== undefined) return found
  for (const { handle, address } of await bursar.administration.instruments()) {
    if (address === undefined || !wellKnownAddresses.has(address.toLowerCase())) continue
    found.push(
      `The private key of the instrument ${handle} is public: ${address} is a test account of ` +
        'development chains. Use another wallet.',
    )
  }
  return found
}

async function* listUnsafeLiveKeys({ administration }: Bursar): AsyncGenerator<KeySummary> {
  let after: string | undefined
  do {
    const page: Page<KeySummary> = await administration.keys({ after })
    yield* page.rows.filter(({ state }) => state === 'live')
    after = page.cursor
  } while (after !== undefined)
}

/** Returns true if only this machine reaches the address. */
function isLoopbackSetting(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

function isHttpsSetting(url: string): boolean {
  return url.startsWith('https://')
}
