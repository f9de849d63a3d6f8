import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const bundle = async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('./index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    conditions: ['import'],
    write: false,
    metafile: true,
  })
  return {
    code: outputFiles[0]?.contents ?? new Uint8Array(),
    inputs: Object.keys(metafile.inputs),
  }
}

test('the client has less than 5 kB, with what it takes from the core, minified and compressed', async () => {
  const { code } = await bundle()
  expect(code.length).toBeGreaterThan(1_000)
  expect(gzipSync(code).length).toBeLessThan(5_000)
})

test('it needs no Node and no validator', async () => {
  // On a neutral platform no module of Node can be resolved.
  const { inputs } = await bundle()
  expect(inputs.filter((input) => /node:|zod/.test(input))).toEqual([])
})
