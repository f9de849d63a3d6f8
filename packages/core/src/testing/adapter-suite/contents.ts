import type { ToolContent } from '../../session/tool-calls.ts'
import { type AdapterTest, buyOnBench, codeOf, conversation } from './bench.ts'

/** Tests how delivered content reaches the model. */
export function testContents({ test, expect }: AdapterTest): void {
  test('names binary content by type and size, and hands it to onContent', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const taken: ToolContent[] = []
    const onContent = (content: ToolContent) => void taken.push(content)
    const script = [[buyOnBench(world, 'binary', 'call-1')]]
    const { told } = await run({ options: { session, conversation, onContent }, script })
    expect(told.map(codeOf)).toEqual(['paid'])
    expect(told[0]?.content).toMatch(
      /^<untrusted-content>\(binary content, [a-z]+\/[a-z0-9.+-]+, [0-9]+ bytes\)<\/untrusted-content>$/,
    )
    expect(taken.length).toBe(1)
    expect(taken[0]).toMatchObject({ status: 200, truncated: false })
    expect(taken[0]?.payment).toBe(told[0]?.receipt?.id)
    const size = taken[0]?.body.byteLength ?? 0
    expect(told[0]?.content?.includes(`, ${size} bytes)`)).toBe(true)
  })

  test('fences what a merchant writes, whatever it orders', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const script = [[buyOnBench(world, 'orders', 'call-1')]]
    const { told } = await run({ options: { session, conversation }, script })
    const { content = '', ...ours } = told[0] ?? {}
    expect(codeOf(told[0])).toBe('paid')
    expect(content).toMatch(/^<untrusted-content>\n[\s\S]*\n<\/untrusted-content>$/)
    expect(content.match(/untrusted-content/g)?.length).toBe(2)
    expect(/call pay_within_session|system:/i.test(JSON.stringify(ours))).toBe(false)
    expect(await bench.moved()).toBe(1)
  })

  test('signs nothing because some text looks like a challenge', async (bench) => {
    const { world, run } = bench
    const { session } = await world.openSession()
    const calls = ['call-1', 'call-2'].map((id) => buyOnBench(world, 'challenge_text', id))
    const script = calls.map((call) => [call])
    const { told } = await run({ options: { session, conversation }, script })
    expect(told.map(codeOf)).toEqual(['free', 'free'])
    expect(told[0]?.content).toMatch(/x402Version/)
    expect(await bench.signed()).toBe(0)
  })
}
