import { readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './check/command.ts'
import { manifestLinks, parseProject, readProject } from './check/project.ts'
import { publishedPackages } from './check/published-package.ts'
import { riddlesIn } from './exports/comment-openings.ts'
import { faultsOfHouse } from './house/house-faults.ts'
import { buildHouses } from './house/houses.ts'
import { repositoryFiles } from './house/repository-files.ts'
import { isPackageSource, readSourceFiles } from './house/source-file.ts'

const files = repositoryFiles('*')
const tests = files.filter((file) => file.endsWith('.test.ts'))
const typescript = readSourceFiles()
const sources = typescript.filter(isPackageSource)
const packages = publishedPackages()
const entries = packages.flatMap(({ folder, manifest }) =>
  Object.values(manifest.exports).map((source) => posix.join(folder, String(source))),
)

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

describe('every package', () => {
  test.each(packages)('$name says what it is and what it needs', ({ folder, manifest }) => {
    expect(files).toContain(`${folder}/README.md`)
    expect(manifest.engines).toEqual({ node: '>=22.13' })
    expect(manifest.scripts).toHaveProperty('build')
    expect(manifest.keywords).toEqual(expect.arrayContaining(['bursar', 'ai-agents', 'payments']))
  })

  test.each(packages)('$name leads to the project (run: pnpm manifests)', (published) => {
    const { repository, homepage, bugs } = published.manifest
    const links = JSON.parse(JSON.stringify({ repository, homepage, bugs }))
    expect(links).toEqual(manifestLinks(readProject(), published.folder))
  })

  test.each(packages)('$name publishes the build of what the workspace uses', (published) => {
    const { exports, bin, publishConfig } = published.manifest
    const built = Object.entries(exports).map(([path, source]) => [path, builtFrom(String(source))])
    expect(publishConfig?.exports).toEqual({
      ...Object.fromEntries(
        built.map(([path, file]) => [path, { types: `${file}.d.ts`, default: `${file}.js` }]),
      ),
      './package.json': './package.json',
    })
    // Compilers without support for `exports` find the declarations by these fields.
    const { '.': main, ...others } = exports
    expect(publishConfig?.main).toBe(`${builtFrom(String(main))}.js`)
    expect(publishConfig?.types).toBe(`${builtFrom(String(main))}.d.ts`)
    const typesOf = Object.entries(others).map(([path, source]) => [
      path.replace('./', ''),
      [`${builtFrom(String(source))}.d.ts`],
    ])
    expect(publishConfig?.typesVersions ?? { '*': {} }).toEqual({
      '*': Object.fromEntries(typesOf),
    })
    const commands = Object.entries(bin ?? {})
    expect(publishConfig?.bin ?? {}).toEqual(
      Object.fromEntries(commands.map(([name, source]) => [name, `${builtFrom(source)}.js`])),
    )
    for (const source of [...Object.values(exports), ...Object.values(bin ?? {})]) {
      expect(files).toContain(posix.join(published.folder, String(source)))
      expect(published.manifest.scripts?.build).toContain(String(source).replace('./', ''))
    }
  })
})

describe('the addresses of the project', () => {
  const project = {
    repository: 'https://code.example/bursar',
    homepage: 'https://bursar.example',
    bugs: 'https://code.example/bursar/bugs',
  }

  test('become the links of a manifest', () =>
    expect(manifestLinks(parseProject(project), 'packages/core')).toEqual({
      repository: {
        type: 'git',
        url: 'git+https://code.example/bursar.git',
        directory: 'packages/core',
      },
      homepage: 'https://bursar.example',
      bugs: { url: 'https://code.example/bursar/bugs' },
    }))

  test('give no link while they are empty', () =>
    expect(manifestLinks({ repository: '', homepage: '', bugs: '' }, 'packages/core')).toEqual({}))

  test.each([
    { ...project, homepage: 'http://bursar.example' },
    { ...project, bugs: 'bugs@bursar.example' },
    { ...project, licence: 'Apache-2.0' },
    { repository: '', homepage: '' },
  ])('are https URLs, all of them and no other field: %j', (content) =>
    expect(() => parseProject(content)).toThrow(),
  )
})

/** Returns the built path: `./src/testing/index.ts` becomes `./dist/testing/index`. */
function builtFrom(source: string): string {
  return source.replace('./src/', './dist/').replace(/\.ts$/, '')
}

describe('every file', () => {
  test('an entry exports by name, and does nothing else', () => {
    const bodies = entries.map((entry) => read(entry).replace(/\/\*\*[\s\S]*?\*\//g, ''))
    const named = /export (type )?\{[^}]*\} from '[^']+'|export \{\}/g
    expect(bodies.map((body) => body.replace(named, '').trim())).toEqual(entries.map(() => ''))
    expect(entries.filter((entry) => !/(^|[/-])(index|entry)\.ts$/.test(entry))).toEqual([])
  })

  test('only a folder that is an entry has an index', () => {
    const indexes = sources.map(({ path }) => path).filter((path) => basename(path) === 'index.ts')
    expect(indexes.filter((path) => !entries.includes(path))).toEqual([])
  })

  test('is named after a noun', () => {
    const empty = /^(utils?|helpers?|commons?|types?|shared|misc|lib)$/
    const paths = typescript.map(({ path }) => path)
    expect(paths.filter((path) => path.split(/[/.-]/).some((part) => empty.test(part)))).toEqual([])
  })

  test('a test stands beside what it tests', () => {
    const alone = tests
      .filter((file) => file.startsWith('packages/'))
      .filter((file) => {
        const noun = posix.join(posix.dirname(file), basename(file).replace(/\..*/, ''))
        return !files.some((other) => !tests.includes(other) && other.startsWith(`${noun}.`))
      })
    expect(alone).toEqual([])
  })

  test('what a package offers is named by a test', () => {
    const tested = files
      // A published conformance suite is a test as well.
      .filter((file) => /\.test\.ts$|^test\/|\/src\/testing\/store-suite\//.test(file))
      .map(read)
      .join('\n')
    const untested = entries.flatMap((entry) =>
      valuesOf(entry)
        .filter((name) => !new RegExp(`\\b${name}\\b`).test(tested))
        .map((name) => `${entry} offers ${name}`),
    )
    expect(untested).toEqual([])
  })

  test('names no registry and no folder of a machine', () => {
    const forbidden = /registry\.[a-z]+\.[a-z]+|\/(work|root|tmp|home)\//
    const found = files
      .filter((file) => file !== 'test/tree.test.ts')
      .filter((file) => forbidden.test(read(file)))
    expect(found).toEqual([])
  })
})

describe('every doc comment', () => {
  test('begins with its subject', () => {
    expect(typescript.flatMap(riddlesIn)).toEqual([])
  })
})

describe('every room', () => {
  test.each(buildHouses(sources))('of $folder imports only the rooms before it', (house) => {
    expect(faultsOfHouse(house)).toEqual([])
  })
})

describe('every import', () => {
  test.each(packages)('of $name follows the arrows of the plan', ({ folder }) => {
    const arrow = arrows.find(({ from }) => from.test(folder))
    expect(arrow, `${folder} has no arrow`).toBeDefined()
    const own = sources.filter(({ path }) => path.startsWith(`${folder}/src/`))
    const forbidden = own.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => /^(@bursar\/|bursar(\/|$))/.test(specifier))
        .filter(({ specifier, typeOnly }) => {
          const allowed = [...(arrow?.to ?? []), ...(typeOnly ? (arrow?.typesOf ?? []) : [])]
          return !allowed.includes(specifier)
        })
        .map(({ specifier }) => `${path} imports ${specifier}`),
    )
    expect(forbidden).toEqual([])
  })

  test.each(packages)('of $name that is relative stays in its sources', ({ folder }) => {
    const own = sources.filter(({ path }) => path.startsWith(`${folder}/src/`))
    const outside = own.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .filter(({ specifier }) => !posix.join(path, '..', specifier).startsWith(`${folder}/src/`))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    )
    expect(outside).toEqual([])
  })
})

/** Which of our own packages the sources of a package may import; `typesOf` adds what is gone at run time. */
const arrows: readonly { from: RegExp; to: readonly string[]; typesOf?: readonly string[] }[] = [
  { from: /^packages\/core$/, to: [] },
  { from: /^packages\/sandbox$/, to: [] },
  // Its command is a process of its own, which reaches the guard as a client of the service.
  {
    from: /^packages\/adapters\/mcp$/,
    to: ['@bursar/core/session', '@bursar/client'],
    typesOf: ['@bursar/core'],
  },
  { from: /^packages\/adapters\//, to: ['@bursar/core/session'], typesOf: ['@bursar/core'] },
  { from: /^packages\/stores\//, to: ['@bursar/core', '@bursar/core/store'] },
  { from: /^packages\/(policies|rails|wallets)\//, to: ['@bursar/core'] },
  {
    from: /^packages\/service\/client$/,
    to: ['@bursar/core/session'],
    typesOf: ['@bursar/core'],
  },
  {
    from: /^packages\/service\/server$/,
    to: ['@bursar/core', '@bursar/store-sqlite', '@bursar/store-postgres', '@bursar/sandbox'],
  },
]

/** Returns the names of the values that an entry exports, types apart. */
function valuesOf(entry: string): string[] {
  return [...read(entry).matchAll(/^export \{([^}]*)\}/gm)]
    .flatMap((match) => (match[1] ?? '').split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.replace(/^\w+ as /, ''))
}
