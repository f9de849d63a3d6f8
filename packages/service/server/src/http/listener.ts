import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import {
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_CONNECTIONS,
  MAX_HEADER_BYTES,
  MAX_REQUESTS_PER_SOCKET,
  REQUEST_TIMEOUT_MS,
} from '../api/service-limits.ts'
import type { Settings } from '../config/config.ts'

/** A server that listens on an address. */
export interface Listener {
  readonly url: string
  /**
   * Refuses new connections, ends idle ones, and resolves when the others have ended. Connections
   * that are open after `withinMs` are cut.
   */
  closeServer(withinMs: number): Promise<void>
}

/** The oldest accepted version of TLS. */
const MIN_TLS = 'TLSv1.2'

const serverOptions: ServerOptions = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  // A lenient parser may read a request unlike the proxy in front, which lets requests be smuggled.
  insecureHTTPParser: false,
  requireHostHeader: true,
}

/** Listens with http or TLS. Rejects with the system's code if the address cannot be used. */
export async function openListener(
  fetch: (request: Request) => Promise<Response>,
  { host, port, tls }: Pick<Settings, 'host' | 'port' | 'tls'>,
): Promise<Listener> {
  const base = { fetch, overrideGlobalObjects: false }
  const server = (
    tls
      ? createAdaptorServer({
          ...base,
          createServer: createTlsServer,
          serverOptions: {
            ...serverOptions,
            cert: readFileSync(tls.certFile),
            key: readFileSync(tls.keyFile),
            minVersion: MIN_TLS,
            handshakeTimeout: HEADERS_TIMEOUT_MS,
          },
        })
      : createAdaptorServer({ ...base, createServer, serverOptions })
  ) as Server
  server.maxConnections = MAX_CONNECTIONS
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address() as AddressInfo
  const hostname = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: `${tls ? 'https' : 'http'}://${hostname}:${address.port}`,
    closeServer: (withinMs) => closeListener(server, withinMs),
  }
}

function closeListener(server: Server, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), withinMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
