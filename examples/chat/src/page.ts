import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** One file of the page. */
export interface PageFile {
  readonly type: string
  readonly body: string
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

/** Builds the page, in memory: its files by their paths. */
export async function builtPage(): Promise<ReadonlyMap<string, PageFile>> {
  const built = await build({
    root: fileURLToPath(new URL('page', import.meta.url)),
    configFile: false,
    // A library's directives for servers that render are none of a page's.
    logLevel: 'error',
    build: { write: false },
  })
  const output = Array.isArray(built) || !('output' in built) ? [] : built.output
  return new Map(
    output.map((file) => {
      const ending = /\.(\w+)$/.exec(file.fileName)?.[1] ?? ''
      const body = file.type === 'chunk' ? file.code : String(file.source)
      return [`/${file.fileName}`, { type: types[ending] ?? 'application/octet-stream', body }]
    }),
  )
}
