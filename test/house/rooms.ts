/**
 * The rooms of each package, ground first: each imports only those before it. A room is a folder directly
 * below `src`; `root` is the room of the files beside those folders. A package that is not here has no other.
 */
export const roomOrders: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [
    'primitives',
    'money',
    'ledger',
    'ports',
    'persistence',
    'http',
    'session',
    'signing',
    'guard',
    'rules',
    'views',
    'audit',
    'pay',
    'settlement',
    'archive',
    'facets',
    'root',
    'testing',
  ],
  'packages/sandbox': ['chain', 'merchants', 'hostile', 'providers', 'root'],
  'packages/service/server': ['vault', 'auth', 'config', 'ledger', 'api', 'http', 'cli', 'root'],
  'packages/stores/postgres': [
    'database',
    'tables',
    'transaction',
    'queue',
    'root',
    'test-process',
  ],
  'packages/stores/sqlite': ['database', 'tables', 'transaction', 'queue', 'root', 'test-process'],
}

/** The folders with one file for each thing of a kind, which may hold any number of files. */
export const collections: readonly string[] = [
  'packages/core/src/rules/policies',
  'packages/sandbox/src/hostile',
]

/** The most source files that may stand beside each other, so that a reader finds one by looking. */
export const MAX_FILES_BESIDE_EACH_OTHER = 25
