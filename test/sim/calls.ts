import { wrongAnswer, wrongError } from './answers.ts'
import type { Asked } from './model.ts'
import type { GuardProcess, World } from './world.ts'

/** Follows a call of a guard: what it throws has to be an error that it may throw. */
export function follow<Result>(
  world: World,
  label: string,
  call: Promise<Result>,
  then?: (result: Result) => void,
): void {
  call.then(then, (error: unknown) => {
    world.trace.tell(`${label} throws ${error instanceof Error ? error.message : String(error)}`)
    world.fail(wrongError(label, error))
  })
}

/** Pays in a process, and holds the answer against what is so. */
export function makeCall(world: World, process: GuardProcess, token: string, call: Asked): void {
  const { asked, unanswered, trace, truth, model } = world
  const { session, url, key, maxAmount } = call
  const name = `call ${asked.size + 1}`
  asked.set(name, call)
  unanswered.set(name, process)
  trace.tell(`${process.name}: ${name} to ${url} in ${session}, key ${key}`)
  const [conversation, id] = key?.split(' ') ?? []
  const paying = process.bursar
    .openSession(token)
    .pay(
      { url, maxAmount, purpose: name },
      { conversation, id, onProgress: (step) => trace.tell(`  ${name} is ${step}`) },
    )
    .finally(() => unanswered.delete(name))
  follow(world, name, paying, (result) => {
    trace.tell(`${process.name}: ${name} is ${result.status}: ${result.message}`)
    world.check()
    world.fail(wrongAnswer(truth, model, asked, name, result))
  })
}
