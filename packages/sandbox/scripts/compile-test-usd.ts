import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const sourceUrl = new URL('../contracts/TestUSD.sol', import.meta.url)
const artifactUrl = new URL('../src/chain/test-usd.compiled.json', import.meta.url)

interface CompilerOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: {
    readonly [file: string]: {
      readonly [contract: string]: {
        readonly abi: readonly unknown[]
        readonly evm: { readonly bytecode: { readonly object: string } }
      }
    }
  }
}

interface Compiler {
  compile(
    input: string,
    callbacks: { import(path: string): { contents: string } | { error: string } },
  ): string
}

/**
 * Compiles the test dollar and returns the text of its artifact, byte for byte as it is committed.
 *
 * Run as a program (`pnpm --filter @bursar/sandbox compile`) it writes that file.
 */
export function compileTestUsd(): string {
  const compiler = require('solc') as Compiler
  const input = {
    language: 'Solidity',
    sources: { 'TestUSD.sol': { content: readFileSync(sourceUrl, 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'cancun',
      // Without the hash of the metadata the bytecode depends on the code alone, not on its
      // comments.
      metadata: { bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(
    compiler.compile(JSON.stringify(input), { import: readImport }),
  ) as CompilerOutput
  const errors = (output.errors ?? []).filter((entry) => entry.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((entry) => entry.formattedMessage).join('\n'))
  const contract = output.contracts['TestUSD.sol']?.TestUSD
  if (contract === undefined) throw new Error('The compiler returned no contract TestUSD.')
  const artifact = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
  return `${JSON.stringify(artifact)}\n`
}

function readImport(path: string): { contents: string } | { error: string } {
  try {
    return { contents: readFileSync(require.resolve(path), 'utf8') }
  } catch (error) {
    return { error: String(error) }
  }
}

if (import.meta.main) writeFileSync(artifactUrl, compileTestUsd())
