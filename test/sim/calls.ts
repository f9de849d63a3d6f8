import { wrongAnswer, wrongError } from './answers.ts'
import type { Asked } from './model.ts'
import type { GuardProcess, World } from './world.ts'

/** Runs a call of a guard, and checks that any thrown error is an expected one. */
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

/** Pays in a process, and compares the answer with the true state. */
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
