import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { PIECE_BYTES, type Secret } from './secret.ts'
import { secretSearch } from './secret-search.ts'

/** The number of bytes that are read at once. */
const CHUNK_BYTES = 4 * 1024 * 1024

/** The memory regions that the kernel maps into every process, unreadable from outside. */
const kernelRegions = /^\[(vvar|vvar_vclock|vsyscall)\]$/

/** The result of a scan of a process's memory for secrets. */
export interface MemoryScan {
  /** The secrets that the process holds, each as `name: form`. */
  readonly found: readonly string[]
  readonly bytes: number
}

/**
 * Searches a process for secrets: every existing page of its memory, its environment and its
 * command line. Stops the process meanwhile. Linux only, and only for one's own children.
 */
export function scanProcess(pid: number, secrets: readonly Secret[]): MemoryScan {
  process.kill(pid, 'SIGSTOP')
  try {
    const search = secretSearch(secrets)
    const found = new Set<string>()
    let bytes = 0
    for (const chunk of memoryOf(pid)) {
      search.in(chunk, found)
      bytes += chunk.length
    }
    for (const file of ['environ', 'cmdline']) {
      search.in(readFileSync(`/proc/${pid}/${file}`), found)
    }
    return { found: [...found], bytes }
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

/**
 * Reads memory in chunks. Each begins with the end of the last, so that no secret is cut in two.
 */
function* memoryOf(pid: number): Generator<Uint8Array> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  try {
    for (const { start, end } of regionsOf(pid)) {
      for (let at = start; at < end; ) {
        const wanted = Math.min(CHUNK_BYTES, end - at)
        const read = readSync(memory, buffer, 0, wanted, at)
        if (read === 0) throw new Error(`Memory at ${at.toString(16)} could not be read.`)
        yield buffer.subarray(0, read)
        at = at + read >= end ? end : at + read - PIECE_BYTES
      }
    }
  } finally {
    closeSync(memory)
  }
}

interface Region {
  readonly start: number
  readonly end: number
}

/**
 * Lists the regions with at least one page in memory or swapped out. All others were never written.
 */
function regionsOf(pid: number): readonly Region[] {
  const text = readFileSync(`/proc/${pid}/smaps`, 'utf8')
  return text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((entry) => {
    const [, start, end, may = '', name = ''] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/m.exec(entry) ?? []
    if (start === undefined || end === undefined) return []
    const isThere = /^(Rss|Swap): +[1-9]/m.test(entry)
    if (!isThere || !may.startsWith('r') || kernelRegions.test(name)) return []
    return [{ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) }]
  })
}
