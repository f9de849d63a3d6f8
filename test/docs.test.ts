import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import {
  type PaymentState,
  type PayStatus,
  payTool,
  pinnedAssets,
  toModelResult,
} from '@bursar/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type * as base from '../examples/ai-sdk-agent/src/base.ts'
import type * as sandbox from '../examples/ai-sdk-agent/src/sandbox.ts'
import { root } from './check/command.ts'
import { readProject } from './check/project.ts'
import { publishedPackages } from './check/published-package.ts'
import { writeBadges } from './docs/badges.ts'
import { examples } from './docs/example.ts'
import {
  anchorsOf,
  fencesOf,
  firstColumn,
  linksOf,
  type Page,
  pages,
  sectionOf,
  shapeOf,
  wordsOf,
} from './docs/page.ts'
import { isTakenFrom } from './docs/source.ts'
import { guardWorld, shop } from './guard-world.ts'
import { repositoryFiles } from './house/repository-files.ts'
import { roomOrders } from './house/rooms.ts'

const all = pages()
const guides = all.filter(({ path }) => /^(README|docs\/.*|packages\/core\/README)\.md$/.test(path))
const fences = all.flatMap(fencesOf)
const readme = pageAt('README.md')
const sources = repositoryFiles('*.ts')

/** Every status of a result: the compiler checks that none is left out. */
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

/** Every state of a payment: the compiler checks that none is left out. */
const states = Object.keys({
  reserved: true,
  signed: true,
  claimed: true,
  in_doubt: true,
  settled: true,
  released: true,
} satisfies Record<PaymentState, true>)

/** The headings of the index, by the shape of the pages below them. */
const shapes: Readonly<Record<string, string>> = {
  tutorial: 'Tutorial',
  'how-to': 'How-to',
  reference: 'Reference',
  explanation: 'Explanation',
}

/** The longest page that is read from its beginning to its end, in words. */
const MAX_WORDS = 1_500

/** The longest README, in words: a reader gives it two minutes. */
const MAX_README_WORDS = 700

/** The commands of pnpm itself that pages name. */
const pnpmCommands = ['changeset', 'exec', 'install']

/** The time limit of an example, which starts a chain. */
const EXAMPLE_BUDGET_MS = 60_000

function pageAt(path: string): Page {
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
    const [joined, whole] = fencesOf(readme).filter(({ source }) => source?.includes('#'))
    expect(joined?.source).toContain('+')
    for (const { text = '', source = '' } of [joined ?? {}, whole ?? {}]) {
      expect(isTakenFrom(text, source)).toBe(true)
      expect(isTakenFrom(`${text} `, source)).toBe(false)
      expect(isTakenFrom(text, `${source}-elsewhere`)).toBe(false)
    }
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
  test('every source file that a page names is there', () => {
    const named = all.flatMap(({ path, text }) =>
      [...text.matchAll(/`(?:\.\/)?([a-z][\w/.-]*\.tsx?)`/g)].map((match) => ({
        path,
        file: match[1] ?? '',
      })),
    )
    const missing = named
      .filter(({ path }) => !path.startsWith('.changeset/'))
      .filter(({ file }) => !sources.some((one) => `/${one}`.endsWith(`/${file}`)))
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

  test.each(guides.filter(({ path }) => path.startsWith('docs/')))(
    '$path names its shape, and keeps to its length',
    (page) => {
      expect(Object.keys(shapes)).toContain(shapeOf(page))
      if (shapeOf(page) !== 'reference') expect(wordsOf(page)).toBeLessThanOrEqual(MAX_WORDS)
    },
  )

  test('the index lists each page below the heading of its shape', () => {
    const index = pageAt('docs/README.md')
    const listed = Object.entries(shapes).flatMap(([shape, heading]) =>
      linksOf({ path: index.path, text: sectionOf(index, heading) })
        .map((link) => targetOf(index.path, link))
        .filter((path) => path.startsWith('docs/'))
        .map((path) => `${shape}: ${path}`),
    )
    const expected = guides
      .filter((page) => page.path.startsWith('docs/') && page !== index)
      .map((page) => `${shapeOf(page)}: ${page.path}`)
    expect(listed.toSorted()).toEqual(expected.toSorted())
  })

  test('the ledger draws the states of a payment, and no others', () => {
    const [drawn = ''] = fencesOf(pageAt('docs/design/ledger.md'))
      .map(({ text }) => text)
      .filter((text) => text.startsWith('stateDiagram') && text.includes('reserved'))
    const named = [...drawn.matchAll(/^ {2}([a-z_]+|\[\*\]) --> ([a-z_]+): [a-z]/gm)].flatMap(
      ([, from = '', to = '']) => [from, to],
    )
    expect(new Set(named)).toEqual(new Set(['[*]', ...states]))
  })

  test('no sentence of a page begins with a riddle', () => {
    const riddle = /(?:^|[.!?:|] |^- \*{0,2})(?:What|Whose?|Whoever|Nobody|None|In what)\b.*/gm
    const found = all
      .filter(({ path }) => !/^(\.changeset|packages|examples)\//.test(path))
      .filter(({ path }) => !/^docs\/reference\/(cli|http-api)\.md$/.test(path))
      .flatMap(({ path, text }) =>
        [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(riddle)].map(
          ([begin]) => `${path}: ${begin.slice(0, 60)}`,
        ),
      )
    expect(found).toEqual([])
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

test('contributors read of every room of the core', () => {
  const rooms = roomOrders['packages/core'] ?? []
  const folders = rooms.filter((room) => room !== 'root')
  expect(firstColumn(pageAt('CONTRIBUTING.md'), 'room')).toEqual(folders)
})

describe('the README', () => {
  test('is short', () => expect(wordsOf(readme)).toBeLessThanOrEqual(MAX_README_WORDS))

  test('has the badges of the project (run: pnpm manifests)', () => {
    expect(readme.text).toBe(writeBadges(readme.text, readProject()))
  })

  test('has a badge for each address of a project, and none without', () => {
    const empty = { repository: '', homepage: '', bugs: '' }
    const bare = writeBadges(readme.text, empty)
    const links = (page: string) => [...page.matchAll(/\)\]\((https:[^)]+)\)/g)].map(([, to]) => to)
    const full = writeBadges(bare, {
      repository: 'https://git.example/bursar',
      homepage: 'https://bursar.example',
      bugs: 'https://git.example/bursar/issues',
    })
    expect(links(full)).toEqual([
      'https://git.example/bursar/blob/main/LICENSE',
      'https://bursar.example',
      'https://git.example/bursar/issues',
    ])
    expect(links(bare)).toEqual([])
    expect(writeBadges(full, empty)).toBe(bare)
    expect(() => writeBadges('# A page', empty)).toThrow('no place for badges')
  })

  test('names the two commands', () => {
    expect(readme.text).toContain('\nnpx -y pnpm@12 demo ')
    expect(readme.text).toContain('\nnpx -y pnpm@12 test ')
  })
})

describe('the page of the tool', () => {
  const page = pageAt('docs/reference/tool.md')

  test('has the name, the description, the arguments and every status', () => {
    const { name, description, inputSchema } = payTool
    expect(page.text).toContain(`\`${name}\``)
    expect(fencesOf(page).map(({ text }) => text.replaceAll('\n', ' '))).toContain(description)
    const required = (argument: string) => !argument.endsWith('?')
    const listed = firstColumn(page, 'argument')
    expect(listed.map((argument) => argument.replace('?', ''))).toEqual(
      Object.keys(inputSchema.properties),
    )
    expect(listed.filter(required)).toEqual(inputSchema.required)
    expect(firstColumn(page, 'status')).toEqual(statuses)
    expect(firstColumn(pageAt('docs/reference/pay.md'), 'status')).toEqual(statuses)
  })

  test('shows a result as the guard gives it', async () => {
    const body = new TextEncoder().encode('{"symbol":"ACME","price":"103.40"}')
    const { session, bursar } = await guardWorld({ resource: () => ({ content: { body } }) })
    const result = await session.pay({ url: shop('quote'), purpose: 'a test' })
    const given = JSON.stringify(toModelResult(result), undefined, 2)
    const shown = fencesOf(page).filter(({ language }) => language === 'json')
    expect(shown.map(({ text }) => text)).toEqual([given.replace(/pay_\w+/, 'pay_…')])
    await bursar.close()
  })
})

describe('the examples', () => {
  test('have a page that says how to run them', () =>
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

  // The examples run one after the other, because each starts a chain and needs the machine.
  test.each(examples())(
    '%s runs, and its own checks hold',
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
