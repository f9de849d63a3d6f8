import { type Bursar, createBursar, type Wallet } from '@bursar/core'
import { fakeAsset } from '@bursar/core/testing'
import type { Process } from './scheduler.ts'
import { simulatedHttp, simulatedRail, simulatedWallet } from './seams.ts'
import { simulatedStore } from './simulated-store.ts'
import { wrongChange } from './truth.ts'
import { addressOf, endUsers, type World } from './world.ts'

/** Starts a process with a guard over the disk that all share. */
export async function openProcess(world: World): Promise<void> {
  world.opened += 1
  const process: Process = { name: `p${world.opened}`, alive: true }
  world.trace.tell(`${process.name} opens`)
  await world.scheduler.enter(process, () => {
    const bursar = openGuard(world, process)
    world.processes.push(Object.assign(process, { bursar }))
  })
}

/** Kills a process at its await. Commits that are not durable are lost. */
export function killProcess(world: World, process: Process): void {
  world.trace.tell(`${process.name} is killed`)
  world.scheduler.kill(process)
  const left = world.processes.filter((one) => one !== process)
  world.processes.splice(0, world.processes.length, ...left)
  for (const [call, of] of world.unanswered) if (of === process) world.unanswered.delete(call)
}

function openGuard(world: World, process: Process): Bursar {
  const { scheduler, faults, disk, outside, bug, clock } = world
  const store = simulatedStore({
    disk,
    clock,
    later: (label, work) => scheduler.later(process, label, work),
    afterwards: (label, work) => void scheduler.later(undefined, label, work),
    fate: () => faults.write(),
    isAlive: () => process.alive,
    runsAgain: true,
    onWrite: (change) => world.fail(wrongChange(disk, change)),
  })
  const rail = simulatedRail(outside, process)
  const walletOf = (endUser: string): Wallet => {
    const wallet = simulatedWallet(outside, process, addressOf(endUser))
    return bug?.wallet?.(wallet) ?? wallet
  }
  return createBursar({
    store: bug?.store?.(store, { process, clock }) ?? store,
    rails: [bug?.rail?.(rail, clock) ?? rail],
    http: simulatedHttp(outside, process),
    assets: [fakeAsset],
    instruments: Object.fromEntries(
      endUsers.map((endUser) => [`${endUser}-wallet`, { endUser, wallet: walletOf(endUser) }]),
    ),
  })
}
