import { agents } from '../../../adapters/langchain/test/scripted-agent.ts'
import { testConnected } from '../test/connected-suite.ts'

/** The agent of the present version alone, because the session is alike in both. */
for (const agent of agents.filter(({ version }) => version === 'v2')) {
  testConnected('@bursar/langchain', agent)
}
