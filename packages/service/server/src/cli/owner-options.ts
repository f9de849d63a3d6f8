import type { Command, OptionValues } from '@commander-js/extra-typings'

/** Whose rows a command is about: everybody's if nothing is given. */
export type OwnerOptions = {
  readonly session?: string | undefined
  readonly delegation?: string | undefined
  readonly endUser?: string | undefined
}

export function addOwnerOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & OwnerOptions> {
  return command
    .option('--session <id>', 'of one session')
    .option('--delegation <id>', 'of one permission')
    .option('--end-user <name>', 'of one end user') as never
}

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
