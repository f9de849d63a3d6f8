import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import { createCommandTree } from '../src/cli/command-line.ts'
import { exitCodes } from '../src/cli/exit-code.ts'

const intro = `---
shape: reference
---

# Command line

<!-- Written by packages/service/server/scripts/write-cli.ts from the commands. -->

You run and manage the guard with the program \`bursar\` of the package [\`bursar\`](../service/server.md). Each command opens the guard of
\`bursar.config.ts\` in its own process and works on the ledger directly. The service does not have to run, and may run at the same time.

**Anyone who can run \`bursar\` is the operator.** The program reads the credentials of wallets and the ledger, so its user can do everything.
Run it on the machine of the service, as the same user. Give agents and applications a key instead: they reach the service over
the [HTTP API](http-api.md), by [the client](../service/client.md).

- **Configuration**: \`bursar.config.ts\` (\`.mts\`, \`.js\`, \`.mjs\`) in the current folder, or the file that \`--config\` names. Paths in the
  configuration are relative to its folder. TypeScript needs Node 22.18 or newer. The file \`bursar.env\` beside the configuration holds secrets, one
  \`NAME=value\` a line. Only its owner may be able to read it. Variables that are set in the environment win.
- **Output** is text for people, or with \`--json\` one line of JSON in the form of the HTTP API. Errors go to the standard error, with
  \`--json\` as \`{"error":{"code","message"}}\`. Colours and progress appear on a terminal only. \`NO_COLOR\` turns colours off.
- **Durations** are a whole number and a unit: \`30s\`, \`15m\`, \`8h\`, \`90d\`. Amounts are decimal: \`12.50\`.
`

const exits: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'The command succeeded.',
  failed: 'The command failed with an unexpected error.',
  usage: 'The command line, the environment or the configuration is not valid.',
  refused:
    'The guard refused the command, or its object does not exist. A retry is refused as well.',
  unsound: 'A check failed: `doctor`, `audit verify`, or the configuration is unsafe.',
  unavailable: 'The ledger, the chain or the wallet cannot be reached. A later retry may succeed.',
}

/** Renders the reference page of the command line from its commands. */
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
    ['## Options of every command', '', ...everywhere, ''].join('\n'),
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
