import type { Command, OptionValues } from '@commander-js/extra-typings'

/** The option values that select rows by owner. Without any of them, all rows are selected. */
export type OwnerOptions = {
  readonly session?: string | undefined
  readonly delegation?: string | undefined
  readonly endUser?: string | undefined
}

/** Adds the options that select rows by owner to a command. */
export function addOwnerOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & OwnerOptions> {
  return command
    .option('--session <id>', 'only those of this session')
    .option('--delegation <id>', 'only those of this delegation')
    .option('--end-user <name>', 'only those of this end user') as never
}

/** Returns the owner that the options select. */
export function readOwner({ session, delegation, endUser }: OwnerOptions): {
  readonly session?: string
  readonly delegation?: string
  readonly endUser?: string
} {
  return {
    ...(session === undefined ? {} : { session }),
    ...(delegation === undefined ? {} : { delegation }),
    ...(endUser === undefined ? {} : { endUser }),
  }
}
