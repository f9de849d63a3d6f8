import { agents } from '../../../adapters/mastra/test/scripted-agent.ts'
import { testConnected } from '../test/connected-suite.ts'

for (const agent of agents.filter(({ loop }) => loop === 'stream')) {
  testConnected('@bursar/mastra', agent)
}
