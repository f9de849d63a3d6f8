/** A graph: for each name, the names that it points to. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/** A group of names that reach each other. */
export interface Circle {
  readonly names: readonly string[]
  /** The shortest way round, which ends with the name that it begins with. */
  readonly shortest: readonly string[]
}

/**
 * Groups the names of a graph so that two names are in one group if each reaches the other.
 *
 * A group comes after every other group that it points to (Tarjan's algorithm).
 */
export function groupsOf(graph: Graph): readonly (readonly string[])[] {
  const groups: string[][] = []
  const visited = new Map<string, number>()
  const open: string[] = []
  const visit = (name: string): number => {
    const index = visited.size
    visited.set(name, index)
    open.push(name)
    let lowest = index
    for (const next of graph.get(name) ?? []) {
      const reached = visited.get(next)
      if (reached === undefined) lowest = Math.min(lowest, visit(next))
      else if (open.includes(next)) lowest = Math.min(lowest, reached)
    }
    if (lowest === index) groups.push(open.splice(open.indexOf(name)))
    return lowest
  }
  for (const name of graph.keys()) if (!visited.has(name)) visit(name)
  return groups
}

/** Returns every group of names that reach each other. */
export function circlesOf(graph: Graph): readonly Circle[] {
  return groupsOf(graph)
    .filter(([name = '', ...others]) => others.length > 0 || graph.get(name)?.has(name))
    .map((names) => {
      const ways = names.map((name) => shortestWayRound(graph, name))
      const shortest = ways.reduce((best, way) => (way.length < best.length ? way : best))
      return { names: names.toSorted(), shortest }
    })
}

function shortestWayRound(graph: Graph, start: string): readonly string[] {
  const ways = [[start]]
  const seen = new Set<string>()
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) ?? start) ?? []) {
      if (next === start) return [...way, start]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  throw new Error(`${start} is in no circle.`)
}
