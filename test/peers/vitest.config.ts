import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, mergeConfig, type Plugin, type ViteUserConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The folder in which the peers are installed; `main.ts` names it. */
const folder = process.env.BURSAR_TEST_PEERS ?? ''

/** Takes each of them from there, wherever it is imported; what it imports itself stands beside it. */
function peers(): Plugin {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const names = Object.keys(dependencies)
  return {
    name: 'peers',
    enforce: 'pre',
    resolveId(source) {
      if (!names.some((name) => source === name || source.startsWith(`${name}/`))) return undefined
      return this.resolve(source, join(folder, 'index.js'), { skipSelf: true })
    },
  }
}

const config: ViteUserConfig = mergeConfig(
  base,
  defineConfig({
    plugins: [peers()],
    // A module that was kept from another run has its imports resolved already, to other versions.
    test: { fsModuleCache: false },
  }),
)

export default config
