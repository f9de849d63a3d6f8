import { type AdapterTest, type Bench, buyOnBench, codeOf, conversation } from './bench.ts'

/** A time after which an identical request is a new payment. */
const LATER_MS = 20 * 60_000

/** Tests that a tool that a framework runs twice pays once. */
export function testRepeats({ test, expect }: AdapterTest): void {
  const options = async ({ world }: Bench) => {
    const { session } = await world.openSession()
    return { session, conversation }
  }

  test('pays once for one call that comes three times in a step', async (bench) => {
    const call = buyOnBench(bench.world, 'paid', 'call-1')
    const { told } = await bench.run({
      options: await options(bench),
      script: [[call, call, call]],
    })
    expect(told.length > 0).toBe(true)
    for (const result of told) expect(result).toEqual(told[0])
    expect(codeOf(told[0])).toBe('paid')
    expect(await bench.moved()).toBe(1)
  })

  test('refuses one id for two requests', async (bench) => {
    const { world } = bench
    const other = { id: 'call-1', input: { url: world.url('paid', 'b'), purpose: 'a test' } }
    const turn = { options: await options(bench) }
    const first = await bench.run({ ...turn, script: [[buyOnBench(world, 'paid', 'call-1')]] })
    const second = await bench.run({ ...turn, script: [[other]] })
    expect([...first.told, ...second.told].map(codeOf)).toEqual(['paid', 'key_conflict'])
    expect(await bench.moved()).toBe(1)
  })

  test('pays once for a run that is carried out again, at once and later', async (bench) => {
    const script = [
      [buyOnBench(bench.world, 'paid', 'call-1'), buyOnBench(bench.world, 'free', 'call-2')],
    ]
    const run = await bench.run({ options: await options(bench), script })
    const again = await run.replay()
    await bench.world.advance(LATER_MS)
    const later = await again.replay()
    expect(run.told.map(codeOf)).toEqual(['paid', 'free'])
    for (const one of [again, later]) expect(one.told.at(0)).toEqual(run.told[0])
    expect(await bench.moved()).toBe(1)
  })

  test('pays once for a call that comes again in a turn of its own, later', async (bench) => {
    const turn = {
      options: await options(bench),
      script: [[buyOnBench(bench.world, 'paid', 'call-1')]],
    }
    const first = await bench.run(turn)
    await bench.world.advance(LATER_MS)
    const again = await bench.run(turn)
    expect(again.told.at(-1)).toEqual(first.told[0])
    expect(await bench.moved()).toBe(1)
  })

  test('pays again for the same thing in another conversation, later', async (bench) => {
    const script = [[buyOnBench(bench.world, 'paid', 'call-1')]]
    const { session } = await options(bench)
    await bench.run({ options: { session, conversation: 'chat-1' }, script })
    // A read waits for the claim, which is written soon after its answer.
    await session.status()
    await bench.world.advance(LATER_MS)
    const other = await bench.run({ options: { session, conversation: 'chat-2' }, script })
    expect(other.told.map(codeOf)).toEqual(['paid'])
    expect(await bench.moved()).toBe(2)
  })
}

/** Tests that aborting a run stops a payment only before its reservation. */
export function testRepeatsAfterStop({ test, expect }: AdapterTest): void {
  test('pays nothing once the run was stopped before it', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const stop = new AbortController()
    world.before('asking', () => stop.abort(new Error('the user went away')))
    const script = [[buyOnBench(world, 'paid', 'call-1')]]
    await run({ options: { session, conversation }, script, signal: stop.signal }).catch(() => {})
    await bench.close()
    expect(await bench.signed()).toBe(0)
  })

  test('loses nothing where the run is stopped while it pays', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const stop = new AbortController()
    world.before('paying', () => stop.abort(new Error('the user went away')))
    const turn = {
      options: { session, conversation },
      script: [[buyOnBench(world, 'paid', 'call-1')]],
    }
    await run({ ...turn, signal: stop.signal }).catch(() => {})
    const again = await run(turn)
    expect(again.told.map(codeOf)).toEqual(['paid'])
    expect([await bench.signed(), await bench.moved()]).toEqual([1, 1])
  })
}
