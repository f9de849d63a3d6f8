import type { Bursar } from '@bursar/core'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Settings } from '../config/config.ts'
import type { ConfigFile } from '../config/config-file.ts'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

/**
 * Adds a command to the tree. Each command, with the commands below it, is a file of `commands/`:
 *
 * 1. write `commands/NAME.ts` with one function of this type: `program.command('NAME')`, its
 *    arguments and options, each with a parser of `flag-errors.ts`, and an action;
 * 2. name it in `commands.ts`;
 * 3. write the reference anew: `node packages/service/server/scripts/write-cli.ts`.
 *
 * An action answers with `context.answer`, so that `--json` works, and throws what goes wrong: the
 * exit code is made of its code.
 */
export type AddCommand = (program: CommandUnknownOpts, context: CommandContext) => void

/** What a command stands on. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Whether the answer is to be JSON. */
  readonly isJson: () => boolean
  /** Says what came of it: the value as one line of JSON, or the text for people. */
  answer(value: unknown, text: string): void
  /** Reads the configuration that the command line names. */
  config(): Promise<ConfigFile>
  /** Works with the guard that the configuration describes, in this process, and closes it. */
  withGuard<Result>(work: (bursar: Bursar, settings: Settings) => Promise<Result>): Promise<Result>
  /** Ends with another code than `done`, although nothing is thrown. */
  endWith(code: ExitCode): void
}
