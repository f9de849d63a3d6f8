import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BursarError } from '@bursar/core'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestPostgres, testPostgres } from '../test-process/postgres-server.ts'
import { openConnections } from './connections.ts'

let server: TestPostgres
const folder = mkdtempSync(join(tmpdir(), 'bursar-tls-'))
const [right, wrong] = [join(folder, 'right.pem'), join(folder, 'wrong.pem')]

beforeAll(async () => {
  const tls = await certificate()
  writeFileSync(right, tls.cert)
  writeFileSync(wrong, (await certificate()).cert)
  server = await testPostgres({ own: true, tls })
})

afterAll(async () => {
  rmSync(folder, { recursive: true })
  await server.stop()
})

/** Creates a self-signed certificate, its own authority, for the server's address only. */
async function certificate(): Promise<{ cert: string; key: string }> {
  const subject = [{ name: 'commonName', value: 'bursar test' }]
  const { cert, private: key } = await generate(subject, {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  })
  return { cert, key }
}

/** Returns whether the connection that writes is encrypted, or the error of opening it. */
async function tlsOf(parameters: string, host = '127.0.0.1'): Promise<string> {
  const url = Object.assign(new URL(server.url), { hostname: host, search: parameters }).href
  const connections = openConnections({ url, schema: 'bursar', connections: 2 })
  try {
    return await connections.write(async (client) => {
      const text = 'SELECT ssl::text, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
      const [row] = (await client.query<{ ssl: string; version: string }>(text)).rows
      return row?.ssl === 'true' ? 'encrypted' : 'plain'
    })
  } catch (error) {
    if (!BursarError.isInstance(error)) throw error
    return `${error.code}: ${error.message.replaceAll(/127\.0\.0\.1:\d+|localhost:\d+/g, '<server>')}`
  } finally {
    await connections.close()
  }
}

test('a certificate of the named authority for this host is accepted', async () => {
  expect(await tlsOf(`?sslmode=verify-full&sslrootcert=${right}`)).toBe('encrypted')
})

test('a certificate of another authority, or of none, is refused', async () => {
  const refused = [
    await tlsOf(`?sslmode=verify-full&sslrootcert=${wrong}`),
    await tlsOf('?sslmode=verify-full'),
  ]
  for (const one of refused) expect(one).toMatch(/^store_unavailable: .*certificate/)
})

test('a certificate for another host is refused', async () => {
  const refused = await tlsOf(`?sslmode=verify-full&sslrootcert=${right}`, 'localhost')
  expect(refused).toMatch(/^store_unavailable: .*(does not match|altnames)/)
})

test('a connection is not encrypted unless the URL asks for it', async () => {
  expect(await tlsOf('')).toBe('plain')
})
