import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import {
  fakeAsset,
  fakeChallenge,
  fakeClaimHeader,
  fakePayee,
  readFakePayload,
} from '@bursar/core/testing'
import { type Random, seeded } from '../sim/random.ts'
import { makeRawAnswer, type RawAnswer } from './raw-answer.ts'

/** The seconds for which a payload is valid, and its request may take. */
export const PAID_SECONDS = 1

/** The longest head of a request that is read, in bytes. */
const MAX_HEAD_BYTES = 65_536

/**
 * Creates a server on raw connections. Its answer to a request depends on the seed, the number in the path,
 * and whether the request has a payload: two thirds of the unpaid ones are a challenge as it should be.
 */
export function createAnsweringServer(seed: number): Server {
  return createServer((socket) => {
    // The guard breaks connections as well; what this end hears of it is of no interest.
    socket.on('error', () => undefined)
    let head = ''
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n') || head.length > MAX_HEAD_BYTES) return
      const request = head
      head = ''
      void answer(socket, chooseAnswer(request, seed))
    })
  })
}

function chooseAnswer(request: string, seed: number): RawAnswer {
  const nth = Number(/^[A-Z]+ \/(\d+)/.exec(request)?.[1] ?? 0)
  const headers = Object.fromEntries(
    request.split('\r\n').flatMap((line) => {
      const [, name, value] = /^([^:]+): (.*)$/.exec(line) ?? []
      return name === undefined ? [] : [[name.toLowerCase(), value ?? '']]
    }),
  )
  const proof = readFakePayload(headers)
  const random = seeded(seed * 1_000_003 + nth * 2 + (proof ? 1 : 0))
  if (!proof) return random.chance(0.67) ? challengeAnswer() : makeRawAnswer(random, [])
  return makeRawAnswer(random, claimLines(random, proof.authorization.nonce))
}

function claimLines(random: Random, nonce: string): readonly string[] {
  if (random.chance(0.4)) return []
  const claim = fakeClaimHeader({ outcome: random.pick(['settled', 'refused']), nonce })
  return Object.entries(claim).map(([name, value]) => `${name}: ${value}`)
}

function challengeAnswer(): RawAnswer {
  const { network, address: asset } = fakeAsset
  const price = { atomic: 10_000n, payee: fakePayee, validForSeconds: PAID_SECONDS }
  const { headers, body } = fakeChallenge([{ scheme: 'exact', network, asset, ...price }])
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = ['HTTP/1.1 402 Payment Required', ...lines, `content-length: ${body.length}`]
  return { parts: [Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(body)], ending: 'ends' }
}

async function answer(socket: Socket, { parts, ending }: RawAnswer): Promise<void> {
  for (const part of parts) {
    socket.write(part)
    await setImmediate()
  }
  if (ending === 'ends') socket.end()
  if (ending === 'resets') socket.resetAndDestroy()
}
