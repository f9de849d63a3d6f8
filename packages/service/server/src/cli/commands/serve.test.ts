import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'

const program = fileURLToPath(new URL('../../cli.ts', import.meta.url))
const config = fileURLToPath(new URL('../../../test/fake.config.ts', import.meta.url))

test.each(['SIGINT', 'SIGTERM'] as const)('runs until %s, and ends cleanly', async (signal) => {
  const { environment } = commandWorld()
  const args = [program, 'serve', '--json', '--config', config]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { url } = JSON.parse(line)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  child.kill(signal)
  expect(await exited).toEqual([0, null])
})

test('does not start on what is unsafe', async () => {
  const { run } = commandWorld({ environment: { BURSAR_HOST: '0.0.0.0' } })
  const { code, error } = await run('serve')
  expect(code).toBe(4)
  expect(error).toContain('It would speak plain http on 0.0.0.0')
})

test('ends when it is asked to, and says where it was', async () => {
  const stop = Promise.withResolvers<void>()
  const { run } = commandWorld({ stopped: () => stop.promise })
  const running = run('serve')
  // No request is in flight, so the service ends at once.
  stop.resolve()
  const { code, out, error } = await running
  expect([code, out]).toEqual([0, ''])
  expect(error).toMatch(/^bursar: listening on http:\/\/127\.0\.0\.1:\d+\n$/)
})
