import { writeFileSync } from 'node:fs'
import { renderHttpApiPage } from './http-api-page.ts'

// Writes the page about the API. Run it after a change of the API.
writeFileSync(
  new URL('../../../../docs/reference/http-api.md', import.meta.url),
  renderHttpApiPage(),
)
