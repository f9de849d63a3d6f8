import type { Project } from '../check/project.ts'

const start = '<!-- badges: pnpm manifests -->\n'
const end = '<!-- /badges -->\n'

/** Replaces the badges of a page by those of the project. An empty address has no badge. */
export function writeBadges(page: string, { repository, homepage, bugs }: Project): string {
  const before = page.indexOf(start)
  const after = page.indexOf(end)
  if (before < 0 || after < before) throw new Error('The page has no place for badges.')
  const badges = [
    repository && badge('licence', 'Apache--2.0', `${repository}/blob/main/LICENSE`),
    homepage && badge('website', 'open', homepage),
    bugs && badge('bugs', 'report', bugs),
  ].filter((one) => one !== '')
  const line = badges.length === 0 ? '' : `\n${badges.join(' ')}\n\n`
  return `${page.slice(0, before)}${start}${line}${page.slice(after)}`
}

function badge(label: string, message: string, link: string): string {
  return `[![${label}](https://img.shields.io/badge/${label}-${message}-blue)](${link})`
}
