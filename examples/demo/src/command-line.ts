import { parseArgs } from 'node:util'

/** Every kind of wallet that Alice can have. */
const walletKinds = ['viem', 'cdp', 'privy'] as const

/** A kind of wallet, by who keeps its key. */
export type WalletKind = (typeof walletKinds)[number]

/** The options of the demo. */
export interface CommandLine {
  /** Print one line of JSON at the end, and nothing before it. */
  readonly json: boolean
  /** A real model instead of the scripted one, as `provider/name`. */
  readonly model: string | undefined
  /** A file to draw the run into, as an SVG, if all of its claims hold. */
  readonly record: string | undefined
  /** Judge every payment by the policies of `house-rules.cedar` as well. */
  readonly policy: boolean
  /** The keeper of Alice's key. */
  readonly wallet: WalletKind
}

/** The hint that follows each error of the command line. */
const usage =
  'Usage: pnpm demo [--json] [--policy] [--record <file>] ' +
  '[--wallet viem|cdp|privy] [--model anthropic/<name>|openai/<name>]'

/** Reads the arguments. Throws an error with one clear line if an argument is not known. */
export function parseCommandLine(given: readonly string[]): CommandLine {
  // `pnpm demo -- --json` hands the dashes on.
  const args = given[0] === '--' ? given.slice(1) : [...given]
  try {
    const options = {
      json: { type: 'boolean' },
      model: { type: 'string' },
      policy: { type: 'boolean' },
      record: { type: 'string' },
      wallet: { type: 'string' },
    } as const
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false })
    const { json = false, model, policy = false, record } = values
    return { json, model, policy, record, wallet: walletKind(values.wallet ?? 'viem') }
  } catch (error) {
    // The first sentence says what is wrong; what follows it is about other programs.
    const [problem] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new Error(`${problem?.replace(/\.$/, '')}. ${usage}`)
  }
}

function walletKind(name: string): WalletKind {
  const kind = walletKinds.find((one) => one === name)
  if (kind) return kind
  throw new Error(`There is no wallet '${name}'`)
}
