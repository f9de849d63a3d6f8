import type { Simulation } from './simulation.ts'

/** The number of trace lines that are shown before a broken rule. */
const SHOWN_LINES = 30

/** Returns the result of a simulation as text: for a broken rule, with the command to repeat it. */
export function report(simulation: Simulation): string {
  const { seed, steps, bug, violation, trace, states } = simulation
  const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`)
  const made = counts.length === 0 ? 'no payments' : `payments: ${counts.join(', ')}`
  if (!violation) return `seed ${seed}, ${steps} steps: every rule holds; ${made}`
  // The work that the scheduler picked is indented: it is in the whole trace only.
  const told = trace.filter((line) => !line.startsWith(' '))
  const planted = bug === undefined ? '' : ` --bug '${bug}'`
  return [
    ...told.slice(-SHOWN_LINES),
    `seed ${seed}, step ${violation.step}: ${violation.rule}`,
    `Again, with everything that happened: pnpm sim --seed ${seed} --steps ${steps}${planted} --trace`,
  ].join('\n')
}
