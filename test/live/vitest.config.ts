import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** The time limit: a remote service is slow, and the suite sends requests one after the other. */
const TIMEOUT_MS = 60_000

const config: ViteUserConfig = defineConfig({
  test: { include: ['test/live/*.live.ts'], testTimeout: TIMEOUT_MS },
})

export default config
