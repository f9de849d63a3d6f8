#!/usr/bin/env node
import { runCommandLine } from './cli/command-line.ts'
import { createProcessTerminal } from './cli/terminal.ts'

process.exitCode = await runCommandLine(process.argv.slice(2), createProcessTerminal())
// What is left by now is an endpoint that does not answer: once all is written, nobody waits for it.
process.stderr.write('', () => process.stdout.write('', () => process.exit()))
