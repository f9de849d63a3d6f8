import { posix } from 'node:path'
import { type Circle, circlesOf, type Graph, groupsOf } from './circles.ts'
import type { SourceFile } from './source-file.ts'

/** The rooms of one package, and the arrows between them. */
export interface House {
  /** The folder of the package, relative to the root of the repository. */
  readonly folder: string
  /** The rooms in the declared order, followed by those without a place in it. */
  readonly rooms: readonly Room[]
  readonly floors: number
  readonly arrows: readonly Arrow[]
  /** The imports that go against the declared order. */
  readonly upward: readonly Arrow[]
  /** The groups of files that import each other, types included. */
  readonly circles: readonly Circle[]
}

/** A folder directly below `src`, or `root` for the files beside those folders. */
export interface Room {
  readonly name: string
  readonly paths: readonly string[]
  readonly lines: number
  /** The floor: 1 if the room imports no other, else one above the highest room that it imports. */
  readonly floor: number
  /** Whether the order of the package names the room. */
  readonly declared: boolean
}

/** The imports of one room from another. */
export interface Arrow {
  readonly from: string
  readonly to: string
  readonly pairs: readonly FilePair[]
}

/** An import of one file from another. */
export interface FilePair {
  readonly from: string
  readonly to: string
}

/** Builds the house of a package from its source files and the declared order of its rooms. */
export function buildHouse(
  folder: string,
  files: readonly SourceFile[],
  order: readonly string[],
): House {
  const placeOf = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
  const imports = importGraph(files)
  const arrows = arrowsOf(folder, imports).toSorted(
    (one, other) => placeOf(one.from) - placeOf(other.from) || placeOf(one.to) - placeOf(other.to),
  )
  const inside = Map.groupBy(files, ({ path }) => roomOf(folder, path))
  const floors = floorsOf([...inside.keys()], arrows)
  const rooms = [...inside].map(([name, own]) => ({
    name,
    paths: own.map(({ path }) => path),
    lines: own.reduce((sum, { lines }) => sum + lines, 0),
    floor: floors.get(name) ?? 1,
    declared: order.includes(name),
  }))
  return {
    folder,
    rooms: rooms.toSorted((one, other) => placeOf(one.name) - placeOf(other.name)),
    floors: Math.max(0, ...floors.values()),
    arrows,
    upward: arrows.filter(({ from, to }) => placeOf(to) > placeOf(from)),
    circles: circlesOf(imports),
  }
}

function importGraph(files: readonly SourceFile[]): Graph {
  const own = new Set(files.map(({ path }) => path))
  const edges = files.map(({ path, imports }) => {
    const targets = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => posix.join(path, '..', specifier))
    return [path, new Set(targets.filter((target) => own.has(target)))] as const
  })
  return new Map(edges)
}

function roomOf(folder: string, path: string): string {
  const [first = '', ...deeper] = path.slice(`${folder}/src/`.length).split('/')
  return deeper.length === 0 ? 'root' : first
}

function arrowsOf(folder: string, imports: Graph): readonly Arrow[] {
  const arrows = new Map<string, Arrow & { pairs: FilePair[] }>()
  for (const [file, targets] of imports) {
    for (const target of targets) {
      const [from, to] = [roomOf(folder, file), roomOf(folder, target)]
      if (from === to) continue
      const arrow = arrows.get(`${from} ${to}`) ?? { from, to, pairs: [] }
      arrow.pairs.push({ from: file, to: target })
      arrows.set(`${from} ${to}`, arrow)
    }
  }
  return [...arrows.values()]
}

/** Assigns floors. Rooms that reach each other share one. */
function floorsOf(names: readonly string[], arrows: readonly Arrow[]): ReadonlyMap<string, number> {
  const below = (name: string) => arrows.filter(({ from }) => from === name).map(({ to }) => to)
  const floors = new Map<string, number>()
  for (const group of groupsOf(new Map(names.map((name) => [name, new Set(below(name))])))) {
    const highest = Math.max(0, ...group.flatMap(below).map((name) => floors.get(name) ?? 0))
    for (const name of group) floors.set(name, highest + 1)
  }
  return floors
}
