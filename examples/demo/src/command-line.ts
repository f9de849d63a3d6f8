import { parseArgs } from 'node:util'

/** The kinds of wallets that there are. */
const walletKinds = ['viem', 'cdp', 'privy'] as const

/** Whose wallet it is, by who keeps its key. */
export type WalletKind = (typeof walletKinds)[number]

/** What the demo was asked to do. */
export interface CommandLine {
  /** Print one line of JSON at the end, and nothing before it. */
  readonly json: boolean
  /** A real model instead of the scripted one, as `provider/name`. */
  readonly model: string | undefined
  /** Judge every payment by the policies of `house-rules.cedar` as well. */
  readonly policy: boolean
  /** Where Alice's key is. */
  readonly wallet: WalletKind
}

/** What to print where the command line is not understood. */
const usage =
  'Usage: pnpm demo [--json] [--policy] [--wallet viem|cdp|privy] ' +
  '[--model anthropic/<name>|openai/<name>]'

/** Reads the arguments. Throws an error with one clear line where they are not understood. */
export function parseCommandLine(given: readonly string[]): CommandLine {
  // `pnpm demo -- --json` hands the dashes on.
  const args = given[0] === '--' ? given.slice(1) : [...given]
  try {
    const options = {
      json: { type: 'boolean' },
      model: { type: 'string' },
      policy: { type: 'boolean' },
      wallet: { type: 'string' },
    } as const
    const { values } = parseArgs({ args, options, strict: true, allowPositionals: false })
    const { json = false, model, policy = false } = values
    return { json, model, policy, wallet: walletKind(values.wallet ?? 'viem') }
  } catch (error) {
    // The first sentence says what is wrong; what follows it is about other programs.
    const [problem] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new Error(`${problem?.replace(/\.$/, '')}. ${usage}`)
  }
}

function walletKind(given: string): WalletKind {
  const kind = walletKinds.find((one) => one === given)
  if (kind) return kind
  throw new Error(`There is no wallet '${given}'`)
}
