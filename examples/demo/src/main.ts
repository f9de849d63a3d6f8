import { writeFile } from 'node:fs/promises'
import type { LanguageModel } from 'ai'
import { runAgent } from './agent.ts'
import { differences, generalChecks, scriptChecks } from './checks.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import type { Act } from './job.ts'
import { type Line, openPage, streamPrinter } from './page.ts'
import { drawPicture } from './picture.ts'
import { listenForPrices } from './prices.ts'
import { realModel } from './real-model.ts'
import { printClosing, printOpening } from './report.ts'
import { scriptedModel } from './scripted-model.ts'
import { settle } from './settlement.ts'
import { summarize } from './summary.ts'
import { timeline } from './timeline.ts'
import { openWorld } from './world.ts'

/** Plays the whole story, and returns one line for each claim that does not hold. */
async function demo({
  json,
  model,
  policy,
  record,
  wallet,
}: CommandLine): Promise<readonly string[]> {
  const real = model === undefined ? undefined : await realModel(model)
  await using world = await openWorld({ policy, wallet })
  const run: Line[] = []
  const print = json ? () => {} : streamPrinter(process.stdout)
  const page = openPage((line) => {
    run.push(line)
    print(line)
  })
  printOpening(page, world, model ?? 'a script, which needs no key and does all that can go wrong')
  const modelOf = (act: Act): LanguageModel => real ?? scriptedModel(act)
  const work = await runAgent(world, modelOf, timeline(page, listenForPrices(world.bursar)))
  const settlement = await settle(world)
  printClosing(page, settlement)
  const checks = [
    ...generalChecks(world, work, settlement),
    // A real model does as it likes: then only what holds whatever it does is checked.
    ...(real ? [] : scriptChecks(world, work, settlement)),
  ]
  const different = differences(checks)
  page.line()
  if (different.length === 0) page.line(`All ${checks.length} claims of this demo hold.`, 'green')
  if (record !== undefined && different.length === 0) await writeFile(record, drawPicture(run))
  if (json) process.stdout.write(`${JSON.stringify(summarize(work.visits, settlement))}\n`)
  return different
}

try {
  const different = await demo(parseCommandLine(process.argv.slice(2)))
  if (different.length > 0) {
    process.exitCode = 1
    process.stderr.write(`demo: ${different.length} claims do not hold\n`)
  }
  for (const line of different) process.stderr.write(`- ${line}\n`)
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
}
