import { writeFileSync } from 'node:fs'
import { renderCliPage } from './cli-page.ts'

// Writes the page about the command line. Run it after a change of a command.
writeFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), renderCliPage())
