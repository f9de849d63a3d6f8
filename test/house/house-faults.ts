import { posix } from 'node:path'
import type { House } from './house.ts'
import { collections, MAX_FILES_BESIDE_EACH_OTHER } from './rooms.ts'

/** Returns a sentence for each way in which a house breaks the rules of rooms. */
export function faultsOfHouse({ folder, rooms, upward, circles }: House): readonly string[] {
  return [
    ...rooms
      .filter(({ declared }) => !declared)
      .map(({ name }) => `${folder} has a room ${name}, which test/house/rooms.ts does not name`),
    ...upward.flatMap(({ from, to, pairs }) =>
      pairs.map((pair) => `upward from ${from} to ${to}: ${pair.from} imports ${pair.to}`),
    ),
    ...circles.map(
      ({ names, shortest }) => `${names.length} files in a circle: ${shortest.join(' → ')}`,
    ),
    ...crowdedFolders(rooms.flatMap(({ paths }) => paths)),
  ]
}

function crowdedFolders(paths: readonly string[]): readonly string[] {
  return [...Map.groupBy(paths, posix.dirname)]
    .filter(([folder]) => !collections.includes(folder))
    .filter(([, beside]) => beside.length > MAX_FILES_BESIDE_EACH_OTHER)
    .map(([folder, beside]) => `${folder} has ${beside.length} files beside each other`)
}
