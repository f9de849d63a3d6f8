import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { type PayStatus, payTool, pinnedAssets, toModelResult } from '@bursar/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type * as base from '../examples/ai-sdk-agent/src/base.ts'
import type * as sandbox from '../examples/ai-sdk-agent/src/sandbox.ts'
import { root } from './check/command.ts'
import { publishedPackages } from './check/published-package.ts'
import { examples } from './docs/example.ts'
import { anchorsOf, fencesOf, firstColumn, linksOf, pages } from './docs/page.ts'
import { isTakenFrom } from './docs/source.ts'
import { guardWorld, shop } from './guard-world.ts'
import { repositoryFiles } from './house/repository-files.ts'

const all = pages()
const guides = all.filter(({ path }) => /^(README|docs\/.*|packages\/core\/README)\.md$/.test(path))
const fences = all.flatMap(fencesOf)
const readme = pageAt('README.md')
const sources = repositoryFiles('*.ts')

/** The keys are all there are: the compiler counts them. */
const statuses = Object.keys({
  paid: true,
  free: true,
  denied: true,
  approval_required: true,
  in_progress: true,
  in_doubt: true,
  undelivered: true,
  failed: true,
} satisfies Record<PayStatus, true>)

/** Commands of pnpm that are not scripts of ours. */
const pnpmCommands = ['changeset', 'exec', 'install']

/** An example starts a chain, and the machine may be busy. */
const EXAMPLE_BUDGET_MS = 60_000

function pageAt(path: string): (typeof all)[number] {
  const found = all.find((page) => page.path === path)
  if (found) return found
  throw new Error(`There is no page ${path}.`)
}

describe('the code in the pages', () => {
  test('every block of TypeScript in a guide says where it is compiled', () => {
    const without = fences
      .filter(({ page }) => guides.some(({ path }) => path === page) || isOfAdapter(page))
      .filter(({ language, source }) => /^(ts|tsx|typescript)$/.test(language) && !source)
      .map(({ page, line }) => `${page}:${line}`)
    expect(without).toEqual([])
  })

  test('every block is what its source has', () => {
    const drifted = fences
      .filter(({ source, text }) => source !== undefined && !isTakenFrom(text, source))
      .map(({ page, line, source }) => `${page}:${line} is not ${source}`)
    expect(drifted).toEqual([])
    expect(fences.filter(({ source }) => source !== undefined).length).toBeGreaterThan(10)
  })

  test('a block that was changed by one character is found', () => {
    const [fence] = fencesOf(readme).filter(({ source }) => source?.includes('#'))
    expect(isTakenFrom(fence?.text ?? '', fence?.source ?? '')).toBe(true)
    expect(isTakenFrom(`${fence?.text} `, fence?.source ?? '')).toBe(false)
    expect(isTakenFrom(fence?.text ?? '', `${fence?.source}-elsewhere`)).toBe(false)
  })

  test('every command of pnpm exists', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const known = [...Object.keys(scripts), ...pnpmCommands]
    const unknown = all.flatMap(({ path, text }) =>
      [...text.matchAll(/npx -y pnpm@12 ([a-z-]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((command) => !known.includes(command))
        .map((command) => `${path}: ${command}`),
    )
    expect(unknown).toEqual([])
  })

  test('the line to change for real money leads to what fits in its place', () => {
    type Taken = 'account' | 'assets' | 'development' | 'model' | 'networks' | 'path' | 'resource'
    expectTypeOf<Taken>().toExtend<keyof typeof base>()
    expectTypeOf<Taken>().toExtend<keyof typeof sandbox>()
    const main = readFileSync(join(root, 'examples/ai-sdk-agent/src/main.ts'), 'utf8')
    expect(main).toContain(
      "import { account, assets, development, model, networks, path, resource } from './sandbox.ts'",
    )
  })
})

describe('the pages', () => {
  test('every source file that a guide names is there', () => {
    const named = guides.flatMap(({ path, text }) =>
      [...text.matchAll(/`(?:\.\/)?([a-z][\w/-]*(?:\.test)?\.ts)`/g)].map((match) => ({
        path,
        file: match[1] ?? '',
      })),
    )
    const missing = named.filter(
      ({ file }) => !sources.some((one) => `/${one}`.endsWith(`/${file}`)),
    )
    expect(missing).toEqual([])
    expect(named.length).toBeGreaterThan(50)
  })

  test('the page of x402 lists the networks whose assets are known', () => {
    const page = pageAt('docs/rails/x402.md')
    expect(firstColumn(page, 'network')).toEqual(pinnedAssets.map(({ network }) => network))
  })

  test('every link within the repository leads somewhere', () => {
    const broken = all.flatMap((page) =>
      linksOf(page)
        .filter((link) => !isThere(page.path, link))
        .map((link) => `${page.path}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  test('every guide can be reached from the README', () => {
    const reached = new Set<string>()
    const follow = (path: string): void => {
      const page = all.find((one) => one.path === path)
      if (!page || reached.has(path)) return
      reached.add(path)
      for (const link of linksOf(page)) follow(targetOf(path, link))
    }
    follow('README.md')
    const lost = guides.map(({ path }) => path).filter((path) => !reached.has(path))
    expect(lost).toEqual([])
  })

  test.each(
    publishedPackages().filter(({ folder }) => /^packages\/[a-z]+\/[a-z0-9-]+$/.test(folder)),
  )('$name has a page among the guides', ({ folder }) => {
    expect(guides.map(({ path }) => path)).toContain(`${folder.replace('packages', 'docs')}.md`)
  })

  test.each(guides.filter(({ path }) => path.startsWith('docs/adapters/')))(
    '$path says how to install, start, serve many, ask, keep code and test',
    ({ text }) => {
      expect(text).toMatch(/```sh\nnpm install @bursar\/core @bursar\/[a-z-]+ /)
      const known = [
        'Many users',
        'When a human has to agree',
        'Code that exists already',
        'Testing',
        'Pitfalls',
      ]
      const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading ?? '')
      expect(headings).toEqual(expect.arrayContaining(known))
    },
  )

  test.each(['policies', 'rails', 'stores', 'wallets'])('%s can be written by others', (seam) => {
    expect(guides.map(({ path }) => path)).toContain(`docs/${seam}/write-your-own.md`)
  })
})

describe('the README', () => {
  test('names the two commands', () => {
    expect(readme.text).toContain('\nnpx -y pnpm@12 demo ')
    expect(readme.text).toContain('\nnpx -y pnpm@12 test ')
  })

  test('says what the model sees: the tool, its arguments, and every status', () => {
    const { name, description, inputSchema } = payTool
    expect(readme.text).toContain(`\`${name}\``)
    expect(fencesOf(readme).map(({ text }) => text.replaceAll('\n', ' '))).toContain(description)
    const required = (argument: string) => !argument.endsWith('?')
    const argumentsSeen = firstColumn(readme, 'argument')
    expect(argumentsSeen.map((argument) => argument.replace('?', ''))).toEqual(
      Object.keys(inputSchema.properties),
    )
    expect(argumentsSeen.filter(required)).toEqual(inputSchema.required)
    expect(firstColumn(readme, 'status')).toEqual(statuses)
    expect(firstColumn(pageAt('docs/concepts.md'), 'status')).toEqual(statuses)
  })

  test('shows a result as it is', async () => {
    const body = new TextEncoder().encode('{"symbol":"ACME","price":"103.40"}')
    const { session, bursar } = await guardWorld({ resource: () => ({ content: { body } }) })
    const result = await session.pay({ url: shop('quote'), purpose: 'a test' })
    const told = JSON.stringify(toModelResult(result), undefined, 2)
    const shown = fencesOf(readme).filter(({ language }) => language === 'json')
    expect(shown.map(({ text }) => text)).toEqual([told.replace(/pay_\w+/, 'pay_…')])
    await bursar.close()
  })
})

describe('the examples', () => {
  test('are told of', () =>
    expect(examples()).toEqual([
      'examples/ai-sdk-agent/src/ask-a-human.ts',
      'examples/ai-sdk-agent/src/ask-in-a-chat.ts',
      'examples/ai-sdk-agent/src/main.ts',
      'examples/ai-sdk-agent/src/start-small.ts',
      'examples/ai-sdk-agent/src/stop-everything.ts',
      'examples/existing-client/src/main.ts',
      'examples/langchain-agent/src/main.ts',
      'examples/mastra-workflow/src/main.ts',
      'examples/paid-mcp/src/main.ts',
      'examples/service/src/main.ts',
      'examples/sub-agents/src/main.ts',
    ]))

  // One after the other: each starts a chain, and side by side they take each other's time.
  test.each(examples())(
    '%s runs, and finds everything as it must be',
    async (path) => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(root, path)])
      expect(stdout).not.toBe('')
      expect(stderr).toBe('')
    },
    EXAMPLE_BUDGET_MS,
  )
})

function isOfAdapter(page: string): boolean {
  return /^packages\/adapters\/[a-z-]+\/README\.md$/.test(page)
}

function targetOf(from: string, link: string): string {
  const path = link.replace(/#.*/, '')
  return path === '' ? from : posix.join(posix.dirname(from), path)
}

function isThere(from: string, link: string): boolean {
  const target = targetOf(from, link)
  const anchor = /#(.+)/.exec(link)?.[1]
  if (anchor === undefined) return existsSync(join(root, target))
  const page = all.find(({ path }) => path === target)
  return page !== undefined && anchorsOf(page).includes(anchor)
}
