import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { sdks } from '../test/sdk.ts'

test.each(sdks)('fits the types of version $version', async ({ consumer }) => {
  const project = new URL(consumer.href.replace(/ts$/, 'json'))
  const compiler = new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url)
  const command = [fileURLToPath(compiler), '-p', fileURLToPath(project)]
  const compiled = promisify(execFile)(process.execPath, command)
  expect(await compiled.catch((error: { stdout: string }) => error)).toMatchObject({
    stdout: '',
    stderr: '',
  })
})
