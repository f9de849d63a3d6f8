import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { version } from '../api/openapi.ts'
import { readSettings } from '../config/config.ts'
import { readConfigFile } from '../config/config-file.ts'
import { openOperatorGuard } from '../ledger/open-guard.ts'
import type { CommandContext } from './command.ts'
import { commands } from './commands.ts'
import { chooseExitCode, type ExitCode, exitCodes, readErrorCode } from './exit-code.ts'
import { nameFlag } from './flag-errors.ts'
import { colourTerminalText, type Terminal } from './terminal.ts'

/** Runs one command line. Returns the exit code for its process. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  let code: ExitCode = 'done'
  let running: CommandUnknownOpts | undefined
  const program = createCommandTree(terminal, (other) => {
    code = other
  }).hook('preAction', (_program, command) => {
    running = command
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCodes[code]
  } catch (error) {
    return exitCodes[reportCommandError(program, running, terminal, error)]
  }
}

/** Creates the tree of all commands with their options. The caller runs it or describes it. */
export function createCommandTree(
  terminal: Terminal,
  endWith: CommandContext['endWith'],
): CommandUnknownOpts {
  const program = new Command('bursar')
    .description(
      'Runs and manages the guard, a service that lets agents pay within payment sessions.',
    )
    .version(version)
    .option(
      '--config <file>',
      'the configuration file; default: bursar.config.ts in the current folder',
    )
    .option('--json', 'print the result as one line of JSON, and errors as JSON too')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    // The parser must not print errors: `reportCommandError` prints each one, as text or as JSON.
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.error.write(text),
      outputError: () => {},
    })
  const context = createCommandContext(terminal, () => program.opts(), endWith)
  for (const add of commands) add(program, context)
  return program
}

function createCommandContext(
  terminal: Terminal,
  options: () => { readonly config?: string | undefined; readonly json?: true | undefined },
  endWith: CommandContext['endWith'],
): CommandContext {
  const isJson = (): boolean => options().json === true
  const config: CommandContext['config'] = () => readConfigFile(terminal, options().config)
  return {
    terminal,
    isJson,
    config,
    endWith,
    answer: (value, text) => {
      const line = isJson() ? JSON.stringify(value) : text
      if (line !== '') terminal.out.write(`${line}\n`)
    },
    withGuard: async (work) => {
      const file = await config()
      const settings = readSettings(file.config, file.environment)
      const bursar = await openOperatorGuard(settings)
      try {
        return await work(bursar, settings)
      } finally {
        await bursar.close()
      }
    },
  }
}

/**
 * Removes the value of an unknown option from the parser's error message: the value may be a
 * secret.
 */
function redactCommandUsageError(message: string): string {
  return message.replace(/^error: /, '').replace(/^(unknown option '[^=']*)=.*'/s, "$1'")
}

/**
 * Prints an error once, and returns the exit code that belongs to it. A request for help is no
 * error.
 */
function reportCommandError(
  program: CommandUnknownOpts,
  running: CommandUnknownOpts | undefined,
  terminal: Terminal,
  thrown: unknown,
): ExitCode {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 'done'
  const isUsage = thrown instanceof CommanderError
  // For a command group without a command, the parser has printed the help already.
  if (isUsage && thrown.code === 'commander.help') return 'usage'
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const text = isUsage ? redactCommandUsageError(message) : nameFlag(running, message)
  const code = isUsage ? 'usage' : (readErrorCode(thrown) ?? 'failed')
  if (program.opts().json === true) {
    terminal.error.write(`${JSON.stringify({ error: { code, message: text } })}\n`)
  } else {
    terminal.error.write(
      `${colourTerminalText(terminal, terminal.error, 'red', 'bursar:')} ${text}\n`,
    )
  }
  return isUsage ? 'usage' : chooseExitCode(thrown)
}
