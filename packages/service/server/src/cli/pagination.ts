import type { Page, PageRequest } from '@bursar/core'
import type { Command, OptionValues } from '@commander-js/extra-typings'
import { z } from 'zod'
import { createFlagParser } from './flag-errors.ts'

/** The option values that select a page of a list. */
export type PageOptions = {
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

const limitField = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/, 'must be a number from 1 to 500')
  .transform(Number)
  .refine((number) => number <= 500, 'must be a number from 1 to 500')

/** Adds the options for one page of a list to a command. */
export function addPageOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & PageOptions> {
  return command
    .option('--limit <rows>', 'the most rows to list; default: 100', createFlagParser(limitField))
    .option('--after <cursor>', 'continue after the page that printed this cursor') as never
}

/** Returns the page that the options select: 100 rows from the start, if none is given. */
export function readPage({ after, limit = 100 }: PageOptions): PageRequest {
  return { ...(after === undefined ? {} : { after }), limit }
}

/** Describes how to list the next page. Returns an empty text if there is none. */
export function describeNextPage<Row>(
  { rows, cursor }: Page<Row>,
  { limit = 100 }: PageOptions = {},
): string {
  return cursor !== undefined && rows.length >= limit ? `\nFor more, add --after ${cursor}` : ''
}
