import type { ApprovalCard } from '../../ledger/approval.ts'
import type { PaidSession } from '../paid-world.ts'
import type { AgentRun } from '../scripted-agent.ts'
import { type AdapterTest, type Bench, buyOnBench, codeOf, conversation } from './bench.ts'

/** A time longer than an approval waits for its answer. */
const UNANSWERED_MS = 16 * 60_000

/** A time after which an identical request is a new payment. */
const LATER_MS = 20 * 60_000

interface Stopped extends PaidSession {
  readonly run: AgentRun
}

/** Tests approvals. A framework's yes approves nothing: the guard's own approval decides. */
export function testApprovals(suite: AdapterTest): void {
  testApprovalQuestions(suite)
  testApprovalAnswers(suite)
  testApprovalChanges(suite)
}

/** Tests which calls are stopped for a human. */
function testApprovalQuestions({ test, expect }: AdapterTest): void {
  test('stops for nobody where no human has to agree', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession({ ask: { above: '0.05' } })
    const script = [
      [buyOnBench(world, 'free', 'call-1')],
      [buyOnBench(world, 'paid', 'call-2')],
      [buyOnBench(world, 'forbidden', 'call-3')],
      [{ id: 'call-4', input: { url: 'nonsense', purpose: 'a test' } }],
    ]
    const turn = { options: { session, conversation }, script, stops: true }
    const { told, waiting } = await run(turn)
    expect(waiting).toBe(0)
    expect(told.map(codeOf)).toEqual(['free', 'paid', 'policy_denied', 'request_not_allowed'])
    expect(await bench.moved()).toBe(1)
  })

  test('stops for nobody where there is no session', async ({ world, run }) => {
    const options = { session: () => undefined, conversation }
    const script = [[buyOnBench(world, 'paid', 'call-1')]]
    const { told, waiting } = await run({ options, script, stops: true })
    expect([waiting, ...told.map(codeOf)]).toEqual([0, 'session_unknown'])
  })

  test('tells the model where the framework does not stop, and pays the same call later', async (bench) => {
    const { world, run } = bench
    const paid = await world.openSession({ ask: { always: true } })
    const { session } = paid
    const turn = {
      options: { session, conversation },
      script: [[buyOnBench(world, 'paid', 'call-1')]],
    }
    const asked = await run(turn)
    expect([asked.waiting, ...asked.told.map(codeOf)]).toEqual([0, 'approval_required'])
    expect(asked.told[0]?.message).toMatch(/not try again before the user has agreed/)
    await answerApproval(paid, 'approve')
    const { told } = await run(turn)
    expect(codeOf(told.at(-1))).toBe('paid')
    expect(await bench.moved()).toBe(1)
  })
}

/** Tests the outcomes of an approval. */
function testApprovalAnswers({ test, expect }: AdapterTest): void {
  test('pays once after a yes, however often the run is carried out again', async (bench) => {
    const { run, ...paid } = await runUntilApprovalNeeded(bench)
    await answerApproval(paid, 'approve')
    const resumed = await run.resume('yes')
    expect(resumed.told.map(codeOf)).toEqual(['paid'])
    const again = await resumed.replay()
    await bench.world.advance(LATER_MS)
    const later = await again.replay()
    for (const one of [again, later]) expect(one.told.at(-1)).toEqual(resumed.told[0])
    expect(await bench.moved()).toBe(1)
  })

  test('pays once where another request goes on, with the session from its token', async (bench) => {
    const paid = await bench.world.openSession({ ask: { always: true } })
    let { session } = paid
    const options = { session: () => session, conversation }
    const script = [[buyOnBench(bench.world, 'paid', 'call-1')]]
    const asked = await bench.run({ options, script, stops: true })
    await answerApproval(paid, 'approve')
    session = paid.again()
    const resumed = await asked.resume('yes')
    session = paid.again()
    const again = await resumed.replay()
    expect(resumed.told.map(codeOf)).toEqual(['paid'])
    expect(again.told.at(-1)).toEqual(resumed.told[0])
    expect(await bench.moved()).toBe(1)
  })

  test('pays nothing for a yes of the framework alone', async (bench) => {
    const { run } = await runUntilApprovalNeeded(bench)
    const resumed = await run.resume('yes')
    const again = resumed.waiting > 0 ? await resumed.resume('yes') : resumed
    expect(again.told.map(codeOf).includes('paid')).toBe(false)
    expect(await bench.signed()).toBe(0)
  })

  test('pays nothing after a no of the end user, whatever the framework says', async (bench) => {
    const { run, ...paid } = await runUntilApprovalNeeded(bench)
    await answerApproval(paid, 'deny')
    const resumed = await run.resume('yes')
    expect(resumed.told.map(codeOf)).toEqual(['approval_denied'])
    expect(await bench.signed()).toBe(0)
  })

  test('pays nothing after a no of the framework', async (bench) => {
    const { run, ...paid } = await runUntilApprovalNeeded(bench)
    await answerApproval(paid, 'approve')
    const resumed = await run.resume('no')
    expect(resumed.told.map(codeOf).includes('paid')).toBe(false)
    expect(await bench.signed()).toBe(0)
  })
}

/** Tests changes between an approval's request and its answer. */
function testApprovalChanges({ test, expect }: AdapterTest): void {
  test('pays nothing where the end user did not answer in time', async (bench) => {
    const { run } = await runUntilApprovalNeeded(bench)
    await bench.world.advance(UNANSWERED_MS)
    const resumed = await run.resume('yes')
    expect(resumed.told.map(codeOf)).toEqual(['approval_expired'])
    expect(await bench.signed()).toBe(0)
  })

  test('pays nothing with a yes that came too late', async (bench) => {
    const { run, ...paid } = await runUntilApprovalNeeded(bench)
    await answerApproval(paid, 'approve')
    await bench.world.advance(UNANSWERED_MS)
    const resumed = await run.resume('yes')
    expect(resumed.told.map(codeOf)).toEqual(['approval_expired'])
    expect(await bench.signed()).toBe(0)
  })

  test('pays nothing where the merchant has changed its price since', async (bench) => {
    const { run, ...paid } = await runUntilApprovalNeeded(bench, 'repriced')
    await answerApproval(paid, 'approve')
    const resumed = await run.resume('yes')
    expect(resumed.told.map(codeOf).includes('paid')).toBe(false)
    expect(await bench.signed()).toBe(0)
  })

  test('pays nothing where the session has ended since', async (bench) => {
    const { run, ...paid } = await runUntilApprovalNeeded(bench)
    await answerApproval(paid, 'approve')
    await paid.management.revokeSession(paid.id)
    const resumed = await run.resume('yes')
    expect(resumed.told.map(codeOf)).toEqual(['session_revoked'])
    expect(await bench.signed()).toBe(0)
  })

  test('pays what was agreed to, and nothing else of the same step', async (bench) => {
    const { world } = bench
    const paid = await world.openSession({ ask: { always: true } })
    const options = { session: paid.session, conversation }
    const other = { id: 'call-2', input: { url: world.url('paid', 'b'), purpose: 'a test' } }
    const script = [[buyOnBench(world, 'paid', 'call-1'), other]]
    let run = await bench.run({ options, script, stops: true })
    expect(run.waiting > 0).toBe(true)
    // Some frameworks ask about both calls at once, and some about one after the other.
    for (let times = 0; run.waiting > 0 && times < 2; times += 1) {
      await answerApproval(paid, ({ resource }) => (resource.endsWith('/a') ? 'approve' : 'deny'))
      run = await run.resume('yes')
    }
    const { told } = run
    expect(told.map(codeOf)).toEqual(['paid', 'approval_denied'])
    expect(await bench.moved()).toBe(1)
  })
}

/** Runs a turn that stops at one call, and checks that nothing is signed. */
async function runUntilApprovalNeeded(
  bench: Bench,
  item: 'paid' | 'repriced' = 'paid',
): Promise<Stopped> {
  const { world } = bench
  const paid = await world.openSession({ ask: { always: true } })
  const options = { session: paid.session, conversation }
  const script = [[buyOnBench(world, item, 'call-1')]]
  const run = await bench.run({ options, script, stops: true })
  if (run.waiting === 1 && run.told.length === 0 && (await bench.signed()) === 0) {
    return { ...paid, run }
  }
  throw new Error(`It did not stop: ${run.waiting} calls wait; told ${JSON.stringify(run.told)}.`)
}

type Word = 'approve' | 'deny'

/** Answers the waiting approvals by the end user's facet. */
async function answerApproval(
  { endUser, id }: PaidSession,
  word: Word | ((card: ApprovalCard) => Word),
): Promise<void> {
  const { rows } = await endUser.approvals({ waiting: true })
  const asked = rows.filter(({ session }) => session === id)
  if (asked.length === 0) throw new Error('Nobody was asked.')
  for (const { id: approval, card } of asked) {
    await endUser[typeof word === 'function' ? word(card) : word](approval)
  }
}
