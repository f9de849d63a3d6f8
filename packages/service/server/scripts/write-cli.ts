import { writeFileSync } from 'node:fs'
import { renderCliPage } from './cli-page.ts'

/** Writes the page about the command line anew, after a command has changed. */
writeFileSync(new URL('../../../../docs/reference/cli.md', import.meta.url), renderCliPage())
