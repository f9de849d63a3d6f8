#!/usr/bin/env node
import { runCommandLine } from './cli/command-line.ts'
import { createProcessTerminal } from './cli/terminal.ts'

process.exitCode = await runCommandLine(process.argv.slice(2), createProcessTerminal())
// A request to an unreachable endpoint may still be open: exit once both streams are flushed.
process.stderr.write('', () => process.stdout.write('', () => process.exit()))
