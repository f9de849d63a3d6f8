#!/usr/bin/env node
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { connect } from '@bursar/client'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { paymentServer } from './payment-server.ts'

const usage = `Usage: bursar-mcp --url <service> --token-file <file> --key-file <file>

Offers the tool pay_within_session to an MCP client, over stdin and stdout.

  --url         the address of the Bursar service, for example https://guard.example.com
  --token-file  a file with the session token and nothing else
  --key-file    a file with the payer's own key and nothing else
  --help        print this text

Only the owner may have access to the files (chmod 600).

The command reads no secret from an argument or from the environment, which other programs can see.
`

/** The most bytes to read from a secret file: more than any token or key has. */
const MAX_SECRET_BYTES = 4_096

/** The permission bits of a file that let its group or others read or write it. */
const OTHERS_MODE = 0o077

try {
  await main()
} catch (error) {
  process.stderr.write(`bursar-mcp: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      url: { type: 'string' },
      'token-file': { type: 'string' },
      'key-file': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (flags.help) {
    process.stdout.write(usage)
    return
  }
  const url = requireCliFlag(flags.url, 'url')
  const token = await readCliSecret(requireCliFlag(flags['token-file'], 'token-file'), 'token-file')
  const key = await readCliSecret(requireCliFlag(flags['key-file'], 'key-file'), 'key-file')
  const server = paymentServer({ session: connect({ url, token, key }) })
  // The client has left. The service finishes a payment in flight and records its outcome.
  process.stdin.once('end', () => void server.close())
  await server.connect(new StdioServerTransport())
}

function requireCliFlag(value: string | undefined, flag: string): string {
  if (value === undefined || value === '') throw new Error(`--${flag} is missing. See --help.`)
  return value
}

/**
 * Reads a secret and strips the trailing newline. An error names the file and never its content.
 */
async function readCliSecret(path: string, flag: string): Promise<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`--${flag}: ${path} cannot be read (${error.code}).`)
  })
  try {
    const { mode } = await file.stat()
    if (process.platform !== 'win32' && (mode & OTHERS_MODE) !== 0) {
      throw new Error(`--${flag}: ${path} can be read by others. Run: chmod 600 ${path}`)
    }
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_SECRET_BYTES), 0)
    const secret = buffer.subarray(0, bytesRead).toString('utf8').trim()
    if (secret === '') throw new Error(`--${flag}: ${path} is empty.`)
    return secret
  } finally {
    await file.close()
  }
}
