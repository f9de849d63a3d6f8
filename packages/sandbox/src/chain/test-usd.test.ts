import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileTestUsd } from '../../scripts/compile-test-usd.ts'

test('the committed artifact is what the contract compiles to', () => {
  const committed = readFileSync(new URL('./test-usd.compiled.json', import.meta.url), 'utf8')
  expect(compileTestUsd() === committed).toBe(true)
})
