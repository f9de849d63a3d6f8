/**
 * Prints the rooms of every package, their floors and the arrows between them: `pnpm house`. `--json` prints
 * the same as one array. Ends with 1 if an import goes against the order of `rooms.ts` or round in a circle.
 */
import { parseArgs } from 'node:util'
import { faultsOfHouse } from './house-faults.ts'
import { reportHouse } from './house-report.ts'
import { buildHouses } from './houses.ts'
import { isPackageSource, readSourceFiles } from './source-file.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const houses = buildHouses(readSourceFiles().filter(isPackageSource))
console.log(values.json ? JSON.stringify(houses) : houses.map(reportHouse).join('\n'))
for (const fault of houses.flatMap(faultsOfHouse)) {
  console.error(fault)
  process.exitCode = 1
}
