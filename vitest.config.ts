import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** The files that every payment passes through: no branch of them may go untested. */
const nouns = [
  'decide',
  'sign-and-send',
  'amount',
  'pay',
  'reconcile',
  'reservation',
  'payment-transitions',
  'call-context',
  'approval-decision',
  'account-end',
]
const money = nouns.map((noun) => `packages/core/src/**/${noun}.ts`)

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: [
            'packages/**/src/**/*.test.ts',
            'examples/**/src/**/*.test.ts',
            'test/**/*.test.ts',
          ],
          // Tests in a browser need one: `pnpm test:browser`.
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.browser.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          // The rules of money once more, with PostgreSQL below them instead of SQLite.
          name: 'on PostgreSQL',
          include: [
            'test/{approval,archive,child-session,limits,names,open-wallet,state-table}.test.ts',
          ],
          globalSetup: 'test/places/one-server.ts',
          setupFiles: 'test/places/on-postgres.ts',
        },
      },
    ],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: money,
      reporter: ['text'],
      thresholds: { perFile: true, branches: 100 },
    },
  },
})

export default config
