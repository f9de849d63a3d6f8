import { once } from 'node:events'
import { createServer, type IncomingMessage, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The moment at which a request is held: before it is forwarded, or before its answer is. */
export type Moment = 'asked' | 'priced' | 'proof-received' | 'settled'

/** The fate of a held request: it is forwarded, or its connection breaks. */
export type Fate = 'goes-on' | 'breaks'

/** A merchant in front of another, which holds the requests for a path at a moment, once. */
export interface HoldingMerchant {
  readonly host: string
  readonly url: string
  /** Sets the address that requests are forwarded to. */
  passTo(address: string): void
  /** Holds the next request for a path at a moment, until the promise of `until` settles. */
  holdOnce(path: string, moment: Moment, until: () => Promise<Fate>): Promise<void>
  stop(): Promise<void>
}

interface Hold {
  readonly moment: Moment
  readonly meet: () => Promise<Fate>
}

export async function holdingMerchant(): Promise<HoldingMerchant> {
  const holds = new Map<string, Hold>()
  let target = ''
  const reached = async (moment: Moment, path: string): Promise<Fate> => {
    const hold = holds.get(path)
    if (hold?.moment !== moment) return 'goes-on'
    holds.delete(path)
    return hold.meet()
  }
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? ''
    const hasProof = incoming.headers['payment-signature'] !== undefined
    const work = async (): Promise<void> => {
      const before = await reached(hasProof ? 'proof-received' : 'asked', path)
      if (before === 'breaks') return void outgoing.destroy()
      const answer = await passOn(target, incoming)
      const after = await reached(hasProof ? 'settled' : 'priced', path)
      if (after === 'breaks') return void outgoing.destroy()
      outgoing.writeHead(answer.status, answer.headers).end(answer.body)
    }
    work().catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const host = `till.localhost:${port}`
  return {
    host,
    url: `http://${host}`,
    passTo(address) {
      target = address
    },
    holdOnce: (path, moment, until) =>
      new Promise((resolve, reject) => {
        const meet = async (): Promise<Fate> => {
          try {
            const fate = await until()
            resolve()
            return fate
          } catch (error) {
            reject(error)
            return 'breaks'
          }
        }
        holds.set(path, { moment, meet })
      }),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Forwards a request to the merchant behind, even if its sender has disconnected. */
async function passOn(target: string, incoming: IncomingMessage) {
  const { method, url, headers } = incoming
  const sent = sendRequest(target + url, { method, headers: { ...headers, connection: 'close' } })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  const { 'transfer-encoding': _length, connection: _connection, ...kept } = answer.headers
  return { status: answer.statusCode ?? 500, headers: kept, body: Buffer.concat(chunks) }
}
