import type { Asset, Bursar, InstrumentSummary, Rail, Store } from '@bursar/core'
import { formatAmount } from '@bursar/core'
import type { SealedVault } from '../vault/sealed-vault.ts'
import { readErrorMessage } from './error-message.ts'

/** The result of one check of `bursar doctor`, with the way out. */
export interface Finding {
  readonly check:
    | 'configuration'
    | 'database'
    | 'clock'
    | 'keys'
    | 'vault'
    | 'wallet'
    | 'chain'
    | 'balance'
    | 'facilitator'
  /**
   * `warning`: works now, but needs attention. `failed`: does not work. `skipped`: was not checked.
   */
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly detail: string
  /** The action that solves the problem, as a sentence. It is undefined if none is needed. */
  readonly advice?: string
}

/** The longest wait for one response of an external system. */
const ANSWER_WITHIN_MS = 15_000

/**
 * The largest accepted clock difference. A larger one makes valid payment proofs look expired, or not
 * yet valid.
 */
const MAX_CLOCK_DIFFERENCE_MS = 5_000

/**
 * The largest accepted age of a network's newest block. It is half of the two minutes for which a
 * payment proof is valid.
 */
const MAX_CHAIN_DIFFERENCE_MS = 60_000

/** The time before a key's expiry from which `bursar doctor` warns. */
const SOON_MS = 7 * 86_400_000

/** Runs a check. Returns a failed finding with the advice if the check throws. */
export async function runCheck(
  check: Finding['check'],
  advice: string,
  look: () => Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return [await look()].flat()
  } catch (error) {
    return [{ check, state: 'failed', detail: readErrorMessage(error), advice }]
  }
}

/** Checks that another system's clock agrees with the clock of this machine. */
export function checkClock(source: string, theirs: number, ours: number): Finding {
  const difference = Math.round((theirs - ours) / 1_000)
  const isNear = Math.abs(theirs - ours) <= MAX_CLOCK_DIFFERENCE_MS
  const detail = `The clock of ${source} is ${Math.abs(difference)} s ${difference < 0 ? 'behind' : 'ahead of'} this machine.`
  return isNear
    ? { check: 'clock', state: 'ok', detail: `The clocks of ${source} and this machine agree.` }
    : { check: 'clock', state: 'failed', detail, advice: 'Set the clock of each machine by NTP.' }
}

/**
 * Checks a network's clock, in milliseconds, against this machine's. If the network is ahead, the
 * check fails: proofs would expire on their way. If it is behind, the check only warns: the network
 * may have made no block for a while.
 */
export function checkChainClock(network: string, theirs: number, ours: number): Finding {
  const seconds = Math.round(Math.abs(theirs - ours) / 1_000)
  if (Math.abs(theirs - ours) <= MAX_CHAIN_DIFFERENCE_MS) {
    return {
      check: 'clock',
      state: 'ok',
      detail: `The clocks of ${network} and this machine agree.`,
    }
  }
  if (theirs > ours) {
    const detail = `The clock of ${network} is ${seconds} s ahead of this machine.`
    return { check: 'clock', state: 'failed', detail, advice: 'Set the clock by NTP.' }
  }
  const detail = `The newest block of ${network} is ${seconds} s old.`
  const advice = 'Set the clock by NTP, and use an RPC endpoint that keeps up with the network.'
  return { check: 'clock', state: 'warning', detail, advice }
}

/** Checks that a live administrator key exists, and warns about keys that expire soon. */
export async function checkKeys({ administration }: Bursar, now: number): Promise<Finding[]> {
  const found: Finding[] = []
  let live = 0
  let administrators = 0
  let after: string | undefined
  do {
    const page = await administration.keys({ after })
    for (const key of page.rows.filter(({ state }) => state === 'live')) {
      live += 1
      if (key.roles.includes('administrator')) administrators += 1
      if (Date.parse(key.expiresAt) - now > SOON_MS) continue
      const name = key.label === undefined ? key.id : `${key.id} (${key.label})`
      const detail = `${name} expires at ${key.expiresAt}.`
      found.push({
        check: 'keys',
        state: 'warning',
        detail,
        advice: 'Issue a new key: bursar keys create',
      })
    }
    after = page.cursor
  } while (after !== undefined)
  const none = 'No administrator has a live key, so keys can be issued only on this machine.'
  const advice = 'bursar keys create --role administrator --expires-in 90d'
  if (administrators === 0) found.push({ check: 'keys', state: 'warning', detail: none, advice })
  return found.length > 0
    ? found
    : [{ check: 'keys', state: 'ok', detail: `${live} keys are live.` }]
}

/** Checks that the secrets of the configured vault could be opened, without opening any. */
export async function checkVault(vault: SealedVault | undefined): Promise<readonly Finding[]> {
  if (!vault) return []
  const advice = 'Check the file or the database of the vault, and its wrapping keys.'
  return runCheck('vault', advice, async () => {
    const secrets = await runCheckWithTimeout(vault.list())
    const problems = await runCheckWithTimeout(vault.problems())
    if (problems.length > 0) {
      return problems.map(({ problem }) => ({
        check: 'vault',
        state: 'failed',
        detail: problem,
        advice:
          'Add the key that sealed the secret to the keys of the vault, or rotate the secret.',
      }))
    }
    if (secrets.length > 0) {
      const detail = `Secrets with a valid version and a key: ${secrets.length}.`
      return { check: 'vault', state: 'ok', detail }
    }
    const none = 'Put the secrets of the wallets into it: bursar vault put'
    return { check: 'vault', state: 'warning', detail: 'The vault is empty.', advice: none }
  })
}

/** Checks that each wallet returns its address. */
export function checkWallets(instruments: readonly InstrumentSummary[]): Finding[] {
  if (instruments.length === 0) {
    const advice = 'Add a wallet to instruments in the configuration.'
    return [
      { check: 'wallet', state: 'warning', detail: 'The configuration has no instrument.', advice },
    ]
  }
  return instruments.map(({ handle, endUser, address }) =>
    address === undefined
      ? {
          check: 'wallet',
          state: 'failed',
          detail: `The wallet of ${handle} did not return its address.`,
          advice: 'Check its credentials, and whether its provider can be reached.',
        }
      : {
          check: 'wallet',
          state: 'ok',
          detail: `${handle} of ${endUser} has the address ${address}.`,
        },
  )
}

/**
 * Checks that each network responds, compares its clock, and reads the balance of each instrument.
 */
export async function checkChains(
  rails: readonly Rail[],
  assets: readonly Asset[],
  instruments: readonly InstrumentSummary[],
): Promise<Finding[]> {
  const found: Finding[] = []
  const holdings = new Map<string, string[]>()
  for (const rail of rails) {
    for (const network of rail.networks) {
      const pinned = assets.filter((asset) => asset.network === network)
      found.push(...(await checkNetwork(rail, network, pinned, instruments, holdings)))
    }
  }
  for (const { handle, address } of instruments) {
    if (address === undefined) continue
    const held = holdings.get(handle)
    const reachable = found.some(({ check, state }) => check === 'chain' && state === 'ok')
    if (held)
      found.push({ check: 'balance', state: 'ok', detail: `${handle} holds ${held.join(', ')}.` })
    else if (reachable) {
      const advice = `Send a pinned asset of one of the networks to ${address}.`
      found.push({
        check: 'balance',
        state: 'warning',
        detail: `${handle} holds no balance.`,
        advice,
      })
    }
  }
  return found
}

async function checkNetwork(
  rail: Rail,
  network: string,
  pinned: readonly Asset[],
  instruments: readonly InstrumentSummary[],
  holdings: Map<string, string[]>,
): Promise<readonly Finding[]> {
  const name = `${network} (${rail.name})`
  if (pinned.length === 0) {
    const advice =
      'Add a stablecoin of the network to assets in the configuration, or remove the network.'
    const detail = `No asset is pinned on ${name}, so payments there are refused.`
    return [{ check: 'chain', state: 'warning', detail, advice }]
  }
  const known = instruments.filter((one) => one.address !== undefined)
  // Without a known wallet address, read another balance to see whether the network responds.
  const holders = known.length > 0 ? known : [{ handle: '', address: UNOWNED_ADDRESS }]
  const advice = 'Check the RPC endpoint of the network in the configuration.'
  return runCheck('chain', advice, async () => {
    for (const asset of pinned) {
      for (const { handle, address } of holders) {
        const atomic = await runCheckWithTimeout(rail.balance(asset, address ?? UNOWNED_ADDRESS))
        if (atomic === 0n) continue
        const micro = (atomic * 1_000_000n) / 10n ** BigInt(asset.decimals)
        const text = `${formatAmount(micro)} ${asset.symbol} on ${network}`
        holdings.set(handle, [...(holdings.get(handle) ?? []), text])
      }
    }
    const theirs = (await runCheckWithTimeout(rail.time(network))) * 1_000
    return [
      { check: 'chain', state: 'ok', detail: `${name} responds.` },
      checkChainClock(name, theirs, Date.now()),
    ]
  })
}

/** An address whose private key is unknown. Its balance is read to test a network. */
const UNOWNED_ADDRESS = '0x0000000000000000000000000000000000000001'

/** The response of a facilitator's `/supported`: the kinds of payment that it settles. */
interface Supported {
  readonly kinds?: readonly { readonly network?: unknown }[]
}

/** Checks that a facilitator responds, settles on a configured network, and has the right time. */
export async function checkFacilitator(
  url: string | undefined,
  rails: readonly Rail[],
): Promise<readonly Finding[]> {
  if (url === undefined) {
    const detail =
      'Merchants choose their facilitator, so none is checked. To check one, add --facilitator.'
    return [{ check: 'facilitator', state: 'skipped', detail }]
  }
  const advice = 'Ask the operator of the facilitator, or check another one.'
  return runCheck('facilitator', advice, async () => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const response = await fetch(`${url.replace(/\/+$/, '')}/supported`, {
      signal,
      redirect: 'error',
    })
    if (!response.ok) throw new Error(`${url} responds with status ${response.status}.`)
    const { kinds } = (await response.json()) as Supported
    const theirs = new Set((kinds ?? []).map(({ network }) => String(network)))
    const ours = rails.flatMap(({ networks }) => networks)
    const shared = ours.filter((network) => theirs.has(network))
    const date = Date.parse(response.headers.get('date') ?? '')
    const clock = Number.isNaN(date) ? [] : [checkClock(url, date, Date.now())]
    if (shared.length === 0) {
      const detail = `${url} settles on none of ${ours.join(', ')}.`
      return [{ check: 'facilitator', state: 'failed', detail, advice }, ...clock]
    }
    const detail = `${url} settles on ${shared.join(', ')}.`
    return [{ check: 'facilitator', state: 'ok', detail }, ...clock]
  })
}

/** Checks that the ledger responds, and compares its clock with this machine's. */
export async function checkDatabase(bursar: Bursar, store: Store): Promise<readonly Finding[]> {
  const advice = 'Check the path or the URL of the database, its server and its disk.'
  return runCheck('database', advice, async () => {
    await runCheckWithTimeout(bursar.administration.keys({ limit: 1 }))
    return [
      { check: 'database', state: 'ok', detail: 'The ledger responds.' },
      checkClock('the ledger', store.now(), Date.now()),
    ]
  })
}

function runCheckWithTimeout<Value>(work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = new Error(`No response within ${ANSWER_WITHIN_MS / 1_000} s.`)
    timer = setTimeout(() => reject(error), ANSWER_WITHIN_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
