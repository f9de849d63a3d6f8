import { connect } from '@bursar/client'

// An agent's process: it pays once, and tells everything that it was given and has got.
const { AGENT_URL = '', AGENT_TOKEN = '', AGENT_KEY = '', AGENT_SHOP = '' } = process.env
const session = connect({ url: AGENT_URL, token: AGENT_TOKEN, key: AGENT_KEY })
const result = await session.pay({ url: AGENT_SHOP, purpose: 'to have it' })
process.stdout.write(JSON.stringify({ result, environment: process.env, argv: process.argv }))
