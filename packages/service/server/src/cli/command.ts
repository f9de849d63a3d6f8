import type { Bursar } from '@bursar/core'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Settings } from '../config/config.ts'
import type { ConfigFile } from '../config/config-file.ts'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

/**
 * A function that adds a command to the tree. Each command, with its subcommands, is a file of
 * `commands/`. To add one:
 *
 * 1. write `commands/NAME.ts` with one function of this type: `program.command('NAME')`, its
 *    arguments and options, each with a parser of `flag-errors.ts`, and an action;
 * 2. add the function to the list in `commands.ts`;
 * 3. update the reference page: `node packages/service/server/scripts/write-cli.ts`.
 *
 * An action prints its result with `context.answer`, so that `--json` works. It throws errors: the
 * exit code follows from the error's code.
 */
export type AddCommand = (program: CommandUnknownOpts, context: CommandContext) => void

/** The surroundings of a command: its terminal, its configuration and the guard. */
export interface CommandContext {
  /** The streams, environment and folder of the command line. */
  readonly terminal: Terminal
  /** Returns true if `--json` was given. */
  readonly isJson: () => boolean
  /**
   * Prints the result of a command: the value as one line of JSON with `--json`, and otherwise the
   * text.
   */
  answer(value: unknown, text: string): void
  /**
   * Reads the configuration file: the one that `--config` names, or the one in the current folder.
   */
  config(): Promise<ConfigFile>
  /**
   * Opens the guard that the configuration describes in this process, runs `work` with it, and
   * closes it.
   */
  withGuard<Result>(work: (bursar: Bursar, settings: Settings) => Promise<Result>): Promise<Result>
  /** Sets the exit code of a command that throws no error. Without a call the code is `done`. */
  endWith(code: ExitCode): void
}
