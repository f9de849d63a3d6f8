import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Stands between a store and its server, and cuts the connection where a test wants it. */
export interface CuttingProxy {
  /** The server's URL, through the proxy. */
  readonly url: string
  /**
   * Cuts at the next commit: before the server has it, or after it has committed and before the
   * client has its answer. Every connection is cut then.
   */
  cutAtCommit(when: 'before' | 'after'): void
  /** Refuses new connections from then on; with `isRefused` false, takes them again. */
  refuse(isRefused: boolean): void
  /** How many commits were cut. */
  cuts(): number
  close(): Promise<void>
}

/** As it is sent: a simple query with the text COMMIT. */
const COMMIT_REQUEST = 'COMMIT\0'

/** `onCommit` is told of each commit: before the server has it, and before the client has the answer. */
export async function cuttingProxy(
  serverUrl: string,
  onCommit: () => void = () => {},
): Promise<CuttingProxy> {
  const target = new URL(serverUrl)
  const open = new Set<Socket>()
  let armed: 'before' | 'after' | undefined
  let isRefusing = false
  let isRefusedAfterCut = false
  let cuts = 0
  const cut = (): void => {
    armed = undefined
    cuts += 1
    isRefusing ||= isRefusedAfterCut
    for (const socket of open) socket.destroy()
  }
  const server = createServer((client) => {
    if (isRefusing) {
      client.destroy()
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    let isCommitting = false
    let isCutAfter = false
    client.on('data', (chunk) => {
      if (chunk.includes(COMMIT_REQUEST)) {
        onCommit()
        if (armed === 'before') return cut()
        isCommitting = true
        isCutAfter = armed === 'after'
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      // The answers to the writes come before the one to the commit, or with it.
      if (isCommitting && chunk.includes(COMMIT_REQUEST)) {
        isCommitting = false
        onCommit()
        if (isCutAfter) return cut()
      }
      client.write(chunk)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('The proxy has no port.')
  const url = new URL(serverUrl)
  url.port = String(address.port)
  return {
    url: url.href,
    cutAtCommit(when) {
      armed = when
    },
    refuse(isRefused) {
      isRefusedAfterCut = isRefused
      if (!isRefused) isRefusing = false
    },
    cuts: () => cuts,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
