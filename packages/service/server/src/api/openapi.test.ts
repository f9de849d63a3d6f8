import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { renderHttpApiPage } from '../../scripts/http-api-page.ts'
import { version } from './openapi.ts'

describe('the API’s description', () => {
  test('matches the page in the docs', () => {
    const page = new URL('../../../../../docs/reference/http-api.md', import.meta.url)
    // If this fails, run: pnpm exec node packages/service/server/scripts/write-http-api.ts
    expect(readFileSync(page, 'utf8')).toBe(renderHttpApiPage())
  })

  test('has the version of the package', () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    expect(JSON.parse(manifest).version).toBe(version)
  })
})
