import { styleText } from 'node:util'
import type { Environment } from '../config/config.ts'

/** What a command line stands on: a process's own, or what a test has put there. */
export interface Terminal {
  /** For what was asked for, and for nothing else. */
  readonly out: TerminalStream
  /** For what goes wrong, and for what a person who waits wants to know. */
  readonly error: TerminalStream
  /** What is piped in; of a person's keyboard, nothing is read. */
  readonly input: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean }
  readonly environment: Environment
  /** The folder that relative paths start from. */
  readonly folder: string
  /** Resolves when the command is asked to stop. Listens from the call on. */
  stopped(): Promise<void>
}

export interface TerminalStream {
  /** True where a person looks. */
  readonly isTTY?: boolean
  /** Calls `done` when there is room for more. */
  write(text: string, done?: () => void): unknown
}

/** Writes much text: no more of it waits in memory than the reader lets wait. */
export function writeText(stream: TerminalStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, resolve)
  })
}

/** This process. A second signal ends it at once. */
export function createProcessTerminal(): Terminal {
  // Who reads may stop to, as `head` does: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
  return {
    out: process.stdout,
    error: process.stderr,
    input: process.stdin,
    environment: process.env,
    folder: process.cwd(),
    stopped: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
      }),
  }
}

/** Colours text where a person looks who has not asked for none (`NO_COLOR`). */
export function colourText(
  { environment }: Pick<Terminal, 'environment'>,
  stream: TerminalStream,
  colour: 'green' | 'yellow' | 'red' | 'dim' | 'bold',
  text: string,
): string {
  const isWanted = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'
  return isWanted ? styleText(colour, text, { validateStream: false }) : text
}

/** Rows under their headings, as wide as they need to be. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [headings, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** How often the line about long work is written anew. */
const REFRESH_MS = 1_000

/**
 * Does long work, and tells a person meanwhile how far it has come: on one line that is written over, and
 * taken away at the end.
 */
export async function showProgress<Result>(
  { error }: Pick<Terminal, 'error'>,
  line: (seconds: number) => string,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!error.isTTY) return work()
  const startedAt = performance.now()
  const show = (): void => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    error.write(`${LINE_AGAIN}${line(seconds)}`)
  }
  show()
  const timer = setInterval(show, REFRESH_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    error.write(LINE_AGAIN)
  }
}

/** Goes to the start of the line, and empties it. */
const LINE_AGAIN = '\r\u001b[K'
