import { defineConfig, type Options } from 'tsup'

/** One build for every package: its entries are the files that its `publishConfig.exports` name. */
const config: ReturnType<typeof defineConfig> = defineConfig(
  (options): Options => ({
    entry: options.entry ?? ['src/index.ts'],
    format: 'esm',
    target: 'node22',
    platform: 'node',
    // tsup rewrites `node:sqlite` to `sqlite`, which does not exist, unless it is told not to.
    removeNodeProtocol: false,
    clean: true,
    splitting: true,
    sourcemap: true,
    // Whatever is not a relative import is a dependency and stays one.
    skipNodeModulesBundle: true,
  }),
)

export default config
