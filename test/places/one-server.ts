import type { TestProject } from 'vitest/node'
import { testPostgres } from '../../packages/stores/postgres/src/test-process/postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    readonly postgres: string
  }
}

/** Starts one PostgreSQL server for all files of a run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await testPostgres()
  project.provide('postgres', server.url)
  return () => server.stop()
}
