import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A proxy between a store and its server, which cuts connections at a commit. */
export interface CuttingProxy {
  /** The server's URL, through the proxy. */
  readonly url: string
  /**
   * Cuts every connection at the next commit: before the server has received it, or after the server
   * has committed and before the client has the answer.
   */
  cutAtCommit(when: 'before' | 'after'): void
  /** Refuses new connections after the next cut, or accepts them again at once. */
  refuse(isRefused: boolean): void
  /** Returns the number of commits that were cut. */
  cuts(): number
  close(): Promise<void>
}

/** A commit as it is sent: a simple query. Its answer has the same text. */
const COMMIT_REQUEST = 'COMMIT\0'

/**
 * Starts a proxy to a server. `onCommit` is called twice for each commit: before the server receives it,
 * and before the client receives the answer.
 */
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
  const cut = (): false => {
    armed = undefined
    cuts += 1
    isRefusing ||= isRefusedAfterCut
    for (const socket of open) socket.destroy()
    return false
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
    let isCutAfter = false
    relayUntilCut(client, upstream, {
      request() {
        onCommit()
        isCutAfter = armed === 'after'
        return armed === 'before' ? cut() : true
      },
      answer() {
        onCommit()
        return isCutAfter ? cut() : true
      },
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

/** Decides whether the proxy passes on the request of a commit, or its answer, or neither. */
interface CommitGate {
  request(): boolean
  answer(): boolean
}

function relayUntilCut(client: Socket, upstream: Socket, gate: CommitGate): void {
  let isCommitting = false
  client.on('data', (chunk) => {
    const isCommit = chunk.includes(COMMIT_REQUEST)
    if (isCommit && !gate.request()) return
    isCommitting ||= isCommit
    upstream.write(chunk)
  })
  upstream.on('data', (chunk) => {
    // The answers to the writes come before the answer to the commit, or in the same chunk.
    const isAnswer = isCommitting && chunk.includes(COMMIT_REQUEST)
    if (isAnswer) isCommitting = false
    if (isAnswer && !gate.answer()) return
    client.write(chunk)
  })
}
