#!/usr/bin/env node
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { connect } from '@bursar/client'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { paymentServer } from './payment-server.ts'

const usage = `Usage: bursar-mcp --url <service> --token-file <file> --key-file <file>

Offers the tool pay_within_session to a client of MCP, over stdin and stdout.

  --url         where the Bursar service is, for example https://guard.example.com
  --token-file  a file that holds the session token, and nothing else
  --key-file    a file that holds the payer's own key, and nothing else
  --help        print this text

Both files have to be for their owner only (chmod 600).

Neither secret is read from an argument or from the environment, which other programs can see.
`

/** Longer than any token or key. */
const MAX_SECRET_BYTES = 4_096

/** Permissions of anybody but the owner of a file. */
const ANYBODY_ELSE = 0o077

try {
  await main()
} catch (error) {
  process.stderr.write(`bursar-mcp: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values: given } = parseArgs({
    options: {
      url: { type: 'string' },
      'token-file': { type: 'string' },
      'key-file': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (given.help) {
    process.stdout.write(usage)
    return
  }
  const url = named(given.url, 'url')
  const token = await secretIn(named(given['token-file'], 'token-file'), 'token-file')
  const key = await secretIn(named(given['key-file'], 'key-file'), 'key-file')
  const server = paymentServer({ session: connect({ url, token, key }) })
  // The client has gone: what is being paid is paid by the service, and the ledger knows it.
  process.stdin.once('end', () => void server.close())
  await server.connect(new StdioServerTransport())
}

function named(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new Error(`--${option} is missing. See --help.`)
  return value
}

/** What the file holds, without the line's end; an error names the file, and never what is in it. */
async function secretIn(path: string, option: string): Promise<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`--${option}: ${path} cannot be read (${error.code}).`)
  })
  try {
    const { mode } = await file.stat()
    if (process.platform !== 'win32' && (mode & ANYBODY_ELSE) !== 0) {
      throw new Error(`--${option}: ${path} can be read by others. Run: chmod 600 ${path}`)
    }
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_SECRET_BYTES), 0)
    const secret = buffer.subarray(0, bytesRead).toString('utf8').trim()
    if (secret === '') throw new Error(`--${option}: ${path} is empty.`)
    return secret
  } finally {
    await file.close()
  }
}
