/** The agent's process. All that it has is in four variables: where the guard is, its key, its token, its task. */
import { paymentTools } from '@bursar/ai-sdk'
import { connect } from '@bursar/client'
import { generateText, stepCountIs } from 'ai'
// For a real model this is the one line to change: const model = 'anthropic/claude-sonnet-4.5'
import { model } from './scripted-model.ts'

const { BURSAR_URL = '', BURSAR_KEY = '', BURSAR_TOKEN = '', RESOURCE = '' } = process.env

// #region agent
const session = connect({ url: BURSAR_URL, key: BURSAR_KEY, token: BURSAR_TOKEN })

const result = await generateText({
  model,
  prompt: `What does ACME cost now? Ask ${RESOURCE}`,
  tools: paymentTools({ session, conversation: 'chat-1' }),
  stopWhen: stepCountIs(8),
})
// #endregion

console.log(result.text)
