import { styleText } from 'node:util'
import type { Environment } from './config.ts'

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
export function written(stream: TerminalStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, resolve)
  })
}

/** This process. A second signal ends it at once. */
export function processTerminal(): Terminal {
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
export function coloured(
  { environment }: Pick<Terminal, 'environment'>,
  stream: TerminalStream,
  colour: 'green' | 'yellow' | 'red' | 'dim' | 'bold',
  text: string,
): string {
  const isWanted = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'
  return isWanted ? styleText(colour, text, { validateStream: false }) : text
}

/** Rows under their headings, as wide as they need to be. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
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

/** How far long work has come, on one line that is written over, and only where a person looks. */
export interface Progress {
  at(text: string): void
  /** Takes the line away. */
  end(): void
}

/** Shortest time between two looks at the line: more often nobody can read it. */
const REFRESH_MS = 100

export function progressOn({ error }: Pick<Terminal, 'error'>): Progress {
  let shownAt = 0
  return {
    at: (text) => {
      if (!error.isTTY || performance.now() - shownAt < REFRESH_MS) return
      shownAt = performance.now()
      error.write(`\r\u001b[K${text}`)
    },
    end: () => {
      if (shownAt > 0) error.write('\r\u001b[K')
      shownAt = 0
    },
  }
}
