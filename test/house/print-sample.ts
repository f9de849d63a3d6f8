/**
 * Prints random functions and comments of the packages, and their files: `pnpm house:sample --seed 7`. A
 * newcomer says where each belongs; `--answers` prints where each stands.
 */
import { parseArgs } from 'node:util'
import { drawSample, reportSample } from './sample.ts'
import { isPackageSource, readSourceFiles } from './source-file.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    answers: { type: 'boolean', default: false },
  },
})
if (!/^[0-9]{1,9}$/.test(values.seed)) {
  throw new RangeError(`--seed has to be a whole number, not ${values.seed}.`)
}
console.log(
  reportSample(
    drawSample(readSourceFiles().filter(isPackageSource), Number(values.seed)),
    values.answers,
  ),
)
