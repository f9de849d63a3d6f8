import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { createCommandTree } from '../src/cli/command-line.ts'
import { exitCodes } from '../src/cli/exit-code.ts'

const intro = `---
shape: reference
---

# Command line

<!-- Made of the commands themselves by packages/service/server/scripts/write-cli.ts. -->

The program \`bursar\` of the package [\`bursar\`](../service/server.md). It works with the guard that \`bursar.config.ts\` describes, in its
own process and on the ledger itself: no service has to run, and one that runs on the same ledger may go on meanwhile.

**Whoever can run it is the operator.** It reads the wallets' credentials and the ledger, so it could do anything, whatever its commands
are. Run it as the user of the service, on its machine, and give agents and applications a key instead: they reach the service over
the [HTTP API](http-api.md), by [the client](../service/client.md).

- **Configuration**: \`bursar.config.ts\` (\`.mts\`, \`.js\`, \`.mjs\`) of the current folder, or \`--config\`. Paths in it are relative to it.
  TypeScript needs Node 22.18 or newer. \`bursar.env\` beside it holds secrets for it, one \`NAME=value\` a line: it has to be readable by
  its owner alone, and what the environment says already stays.
- **Answers** are text for people; with \`--json\` one line of JSON, as the HTTP API has it. Errors are on the standard error; with \`--json\` as
  \`{"error":{"code","message"}}\`. Colours and progress are shown on a terminal only, and no colours with \`NO_COLOR\`.
- **Durations** are a whole number and a unit: \`30s\`, \`15m\`, \`8h\`, \`90d\`. Amounts are decimal: \`12.50\`.
`

const exits: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'It was done.',
  failed: 'It failed, and nobody foresaw how.',
  usage: 'The command line, the environment or the configuration cannot be understood.',
  refused:
    'The guard refuses it, or does not know what it is about. The same again is refused again.',
  unsound: 'What was checked is not in order: `doctor`, `audit verify`, an unsafe configuration.',
  unavailable: 'The ledger, the chain or the wallet cannot be reached. Later it may go.',
}

/** The page about the command line, made of its commands. */
export function renderCliPage(): string {
  const program = createCommandTree(
    {
      out: process.stdout,
      error: process.stderr,
      input: process.stdin,
      environment: {},
      folder: '.',
      stopped: () => Promise.resolve(),
    },
    () => {},
  )
  const codes = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${name} | ${exits[name as keyof typeof exitCodes]} |`,
  )
  const everywhere = renderOptions(program.options)
  const parts = program.commands.map((command) => renderCommand(command, 'bursar', 2))
  return [
    intro,
    ['## Everywhere', '', ...everywhere, ''].join('\n'),
    ...parts,
    ['## Exit codes', '', '| code | name | |', '| --- | --- | --- |', ...codes, ''].join('\n'),
  ].join('\n')
}

function renderCommand(command: CommandUnknownOpts, path: string, level: number): string {
  const name = `${path} ${command.name()}`
  const args = command.registeredArguments.map((argument) => {
    const shown = `${argument.name()}${argument.variadic ? '…' : ''}`
    return argument.required ? ` <${shown}>` : ` [${shown}]`
  })
  const described = command.registeredArguments.map(
    (argument) => `| \`${argument.name()}\` | ${argument.description} |`,
  )
  const rows = [...described, ...renderOptions(command.options).slice(2)]
  const table = rows.length === 0 ? [] : ['| argument | |', '| --- | --- |', ...rows, '']
  const own = [
    `${'#'.repeat(level)} \`${name}${args.join('')}\``,
    '',
    command.description(),
    '',
    ...table,
  ]
  const below = command.commands.map((one) => renderCommand(one, name, level + 1))
  return [own.join('\n'), ...below].join('\n')
}

function renderOptions(some: readonly Option[]): string[] {
  const rows = some
    .filter((option) => !option.hidden)
    .map(
      (option) =>
        `| \`${option.flags}\` | ${option.description}${option.mandatory ? '. Required' : ''} |`,
    )
  return rows.length === 0 ? [] : ['| argument | |', '| --- | --- |', ...rows]
}
