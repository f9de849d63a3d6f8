import { testAdapter } from '@bursar/core/testing'
import { type Sandbox, startSandbox } from '@bursar/sandbox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agents } from '../packages/adapters/ai-sdk/test/scripted-agent.ts'
import { sandboxPaidWorld } from './sandbox-paid-world.ts'

/** Every adapter on a real chain, with real merchants, honest and hostile. */

let sandbox: Sandbox

beforeAll(async () => {
  sandbox = await startSandbox()
})

afterAll(() => sandbox.stop())

const loops = agents.filter(({ version, loop }) => loop === (version === 7 ? 'stream' : 'generate'))
for (const agent of loops) {
  testAdapter(
    `@bursar/ai-sdk under ${agent.loop} of version ${agent.version}`,
    async () => ({ agent, world: await sandboxPaidWorld(sandbox) }),
    { describe, test, expect },
  )
}
