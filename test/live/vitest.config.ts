import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** A service far away takes its time, and the suite asks one after the other. */
const TIMEOUT_MS = 60_000

const config: ViteUserConfig = defineConfig({
  test: { include: ['test/live/*.live.ts'], testTimeout: TIMEOUT_MS },
})

export default config
