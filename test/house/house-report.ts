import type { House } from './house.ts'

/** Returns a house in lines for people: a table of its rooms, or one line if it has a single room. */
export function reportHouse({ folder, rooms, floors, arrows, upward, circles }: House): string {
  const files = rooms.reduce((sum, { paths }) => sum + paths.length, 0)
  const lines = rooms.reduce((sum, room) => sum + room.lines, 0)
  const head = `${folder}: ${count(files, 'file')}, ${lines} lines, ${count(circles.length, 'circle')}`
  if (rooms.length < 2) return head
  const widest = Math.max(...rooms.map(({ name }) => name.length))
  const rows = rooms.map(({ name, floor, paths, lines: own }) => {
    const below = arrows.filter(({ from }) => from === name)
    return [
      `  ${name.padEnd(widest)}${right(floor, 7)}${right(paths.length, 7)}${right(own, 8)}`,
      below.map(({ to, pairs }) => `${to} ${pairs.length}`).join(', '),
    ].join('  ')
  })
  const between = count(arrows.length, 'arrow')
  return [
    `${head}, ${rooms.length} rooms on ${count(floors, 'floor')}, ${between}, ${upward.length} upward`,
    `  ${'room'.padEnd(widest)}  floor  files   lines  imports (pairs of files)`,
    ...rows.map((row) => row.trimEnd()),
  ].join('\n')
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function right(number: number, width: number): string {
  return String(number).padStart(width)
}
