import { styleText } from 'node:util'
import type { Environment } from '../config/config.ts'

/**
 * The streams, environment and folder of a command line: those of the process, or a test's
 * replacements.
 */
export interface Terminal {
  /** The standard output, for the result of a command only. */
  readonly out: TerminalStream
  /** The standard error, for errors and for progress. */
  readonly error: TerminalStream
  /** The standard input. A command reads piped input only, and never the keyboard. */
  readonly input: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean }
  /** The environment variables. */
  readonly environment: Environment
  /** The folder that relative paths are resolved from. */
  readonly folder: string
  /** Resolves at the first SIGINT or SIGTERM. Listens for signals from the call on. */
  stopped(): Promise<void>
}

/** An output stream of a terminal. */
export interface TerminalStream {
  /** True if the stream is a terminal, and not a pipe or a file. */
  readonly isTTY?: boolean
  /** Writes text, and calls `done` when the stream can take more. */
  write(text: string, done?: () => void): unknown
}

/**
 * Writes a long text, and resolves when the stream can take more, so that little text is buffered.
 */
export function writeTerminalText(stream: TerminalStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, resolve)
  })
}

/** Creates the terminal of this process. A second signal ends the process at once. */
export function createProcessTerminal(): Terminal {
  // A reader such as `head` may close the pipe early, which is no failure.
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

/**
 * Colours text for a terminal. Returns the text as it is for a pipe or a file, or if `NO_COLOR` is
 * set.
 */
export function colourTerminalText(
  { environment }: Pick<Terminal, 'environment'>,
  stream: TerminalStream,
  colour: 'green' | 'yellow' | 'red' | 'dim' | 'bold',
  text: string,
): string {
  const isWanted = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'
  return isWanted ? styleText(colour, text, { validateStream: false }) : text
}

/** Formats rows as a table under their headings. Each column is as wide as its longest cell. */
export function formatTerminalTable(
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

/** The time between two updates of the progress line. */
const REFRESH_MS = 1_000

/**
 * Runs long work, and shows its progress on one line of the terminal, which is erased at the end.
 */
export async function showTerminalProgress<Result>(
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

/** The terminal sequence that returns to the start of the line and erases the line. */
const LINE_AGAIN = '\r\u001b[K'
