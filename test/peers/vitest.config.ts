import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, mergeConfig, type Plugin, type ViteUserConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** The folder with the installed peers, set by `main.ts`. */
const folder = process.env.BURSAR_TEST_PEERS ?? ''

/**
 * Resolves each peer from that folder, wherever it is imported. Its own imports stand beside it.
 */
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
    // A module that a cache kept from another run would have imports of other versions.
    test: { fsModuleCache: false },
  }),
)

export default config
