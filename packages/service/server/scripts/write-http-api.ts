import { writeFileSync } from 'node:fs'
import { renderHttpApiPage } from './http-api-page.ts'

/** Writes the page about the API anew, after the API has changed. */
writeFileSync(
  new URL('../../../../docs/reference/http-api.md', import.meta.url),
  renderHttpApiPage(),
)
