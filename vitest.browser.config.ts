import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Tests in a real browser: Debian's Chromium, or the one that BURSAR_TEST_CHROMIUM names. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['examples/**/src/**/*.browser.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

export default config
