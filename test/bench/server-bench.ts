import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as sendRequest } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { against } from './against.ts'
import { atLeast, type Bench, type Plan, type Running } from './bench.ts'
import type { Served } from './served.ts'

/** The number of concurrent requests, each on a connection of its own. */
const CLIENTS = 32

const line = `server with durable reserve / raw node:http, clients: ${CLIENTS}`

/** The benchmark of a paid request over HTTP, compared with requests to a server without logic. */
export const serverBench: Bench = { name: 'server', targets: [atLeast(line, 0.45)], open }

interface StartedServer {
  readonly served: Served
  stop(): Promise<unknown>
}

async function open({ folder, quick }: Plan): Promise<Running> {
  const [raw, service] = [await start('raw'), await start(join(folder, 'server.db'))]
  const forMs = quick ? 20 : 600
  return {
    async round() {
      const measured = { name: line, measure: () => rate(service.served, forMs) }
      const { ratios, rates, yardstick } = await against(() => rate(raw.served, forMs), [measured])
      return {
        values: ratios,
        yardsticks: {
          'requests a second of raw node:http, 32 clients': yardstick,
          'paid requests a second over HTTP, 32 clients': rates[line] ?? Number.NaN,
        },
      }
    },
    close: async () => void (await Promise.all([raw.stop(), service.stop()])),
  }
}

async function start(what: string): Promise<StartedServer> {
  const script = fileURLToPath(new URL('./served.ts', import.meta.url))
  const child = spawn(process.execPath, [script, what], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [printed] = await once(createInterface({ input: child.stdout }), 'line')
  return {
    served: JSON.parse(String(printed)) as Served,
    stop() {
      child.stdin.end()
      return once(child, 'exit')
    },
  }
}

/** Measures requests per second, each for a new resource. Throws if one is not answered as paid. */
async function rate({ url, payers }: Served, forMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const startedAt = performance.now()
  let count = 0
  const client = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      count += 1
      const payer = payers[count % payers.length]
      if (!payer) throw new Error('There is nobody who pays.')
      await paid(agent, url, payer, `${process.hrtime.bigint()}`)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  const tookMs = performance.now() - startedAt
  agent.destroy()
  return (count / tookMs) * 1_000
}

function paid(
  agent: Agent,
  url: string,
  { key, token }: Served['payers'][number],
  name: string,
): Promise<void> {
  const body = JSON.stringify({
    request: { url: `https://shop.example/${name}`, purpose: 'the latest quote' },
    call: { conversation: 'thread', id: name },
  })
  const headers = {
    authorization: `Bearer ${key}`,
    'bursar-session': token,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent, headers }
    const sent = sendRequest(`${url}/v1/session/pay`, options, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        if (text.startsWith('{"status":"paid"')) resolve()
        else reject(new Error(`A request was answered with ${text.slice(0, 200)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
