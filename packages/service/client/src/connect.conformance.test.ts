import { agents } from '../../../adapters/ai-sdk/test/scripted-agent.ts'
import { testConnected } from '../test/connected-suite.ts'

const loops = agents.filter(({ version, loop }) => loop === (version === 7 ? 'stream' : 'generate'))
for (const agent of loops) {
  testConnected(`@bursar/ai-sdk under ${agent.loop} of version ${agent.version}`, agent)
}
