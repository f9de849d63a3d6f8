import { writeFile } from 'node:fs/promises'
import type { LanguageModel } from 'ai'
import { runAgent } from './agent.ts'
import { generalChecks, listDifferences, scriptChecks } from './checks.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import type { Act } from './job.ts'
import { type Line, openPage, streamPrinter } from './page.ts'
import { drawPicture } from './picture.ts'
import { listenForPrices } from './prices.ts'
import { realModel } from './real-model.ts'
import { printClosing, printOpening } from './report.ts'
import { scriptedModel } from './scripted-model.ts'
import { settleAll } from './settlement.ts'
import { summarize } from './summary.ts'
import { openTimeline } from './timeline.ts'
import { openWorld } from './world.ts'

/** Plays the whole story, and returns one line for each claim that does not hold. */
async function playDemo({
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
  const work = await runAgent(world, modelOf, openTimeline(page, listenForPrices(world.bursar)))
  const settlement = await settleAll(world)
  printClosing(page, settlement)
  const checks = [
    ...generalChecks(world, work, settlement),
    // A real model does as it likes: then only what holds whatever it does is checked.
    ...(real ? [] : scriptChecks(world, work, settlement)),
  ]
  const different = listDifferences(checks)
  page.line()
  if (different.length === 0) page.line(`All ${checks.length} claims of this demo hold.`, 'green')
  if (record !== undefined && different.length === 0) await writeFile(record, drawPicture(run))
  if (json) process.stdout.write(`${JSON.stringify(summarize(work.toolCalls, settlement))}\n`)
  return different
}

try {
  const different = await playDemo(parseCommandLine(process.argv.slice(2)))
  if (different.length > 0) {
    process.exitCode = 1
    process.stderr.write(`demo: ${different.length} claims do not hold\n`)
  }
  for (const line of different) process.stderr.write(`- ${line}\n`)
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
}
