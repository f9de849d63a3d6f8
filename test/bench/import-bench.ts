import { atMost, type Bench, type Plan, type Round, type Running } from './bench.ts'
import { builtPackages } from './built-packages.ts'
import { jsonOf } from './child.ts'
import { median } from './median.ts'

/** The number of processes of each kind in a round: one import is too short to measure once. */
const PROCESSES = 5

const core = 'import of @bursar/core / import of zod and the OpenTelemetry API'
const adapter = 'what @bursar/ai-sdk adds to the import of ai'

/** The benchmark of importing the packages, each time in a new process. */
export const importBench: Bench = {
  name: 'import',
  targets: [atMost(core, 1.3), atMost(adapter, 0.1)],
  open,
}

async function open({ folder, quick }: Plan): Promise<Running> {
  const built = await builtPackages(folder)
  return { round: () => round(built, quick ? 1 : PROCESSES), close: async () => {} }
}

async function round(folder: string, processes: number): Promise<Round> {
  const tookMs = { core: [] as number[], known: [] as number[], ai: [] as number[] }
  const added: number[] = []
  for (let count = 0; count < processes; count += 1) {
    tookMs.known.push(...(await importMs(folder, [['zod', '@opentelemetry/api']])))
    tookMs.core.push(...(await importMs(folder, [['@bursar/core']])))
    const [ai = Number.NaN, more = Number.NaN] = await importMs(folder, [
      ['ai'],
      ['@bursar/ai-sdk'],
    ])
    tookMs.ai.push(ai)
    added.push(more / ai)
  }
  const known = median(tookMs.known)
  return {
    values: { [core]: median(tookMs.core) / known, [adapter]: median(added) },
    yardsticks: {
      'ms to import zod and the OpenTelemetry API': known,
      'ms to import @bursar/core': median(tookMs.core),
      'ms to import ai': median(tookMs.ai),
    },
  }
}

/** Measures the milliseconds of each step of imports in one new process. */
async function importMs(
  folder: string,
  steps: readonly (readonly string[])[],
): Promise<readonly number[]> {
  const script = `
    const tookMs = []
    for (const names of ${JSON.stringify(steps)}) {
      const startedAt = performance.now()
      for (const name of names) await import(name)
      tookMs.push(performance.now() - startedAt)
    }
    console.log(JSON.stringify(tookMs))`
  return (await jsonOf(['--input-type=module', '--eval', script], folder)) as readonly number[]
}
