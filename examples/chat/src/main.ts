import { startChat } from './start-chat.ts'

/** Where the chat listens, unless PORT says otherwise. */
const PORT = 3_000

const chat = await startChat(Number(process.env.PORT ?? PORT))
console.log(`The chat is at ${chat.url}. It ends with Ctrl-C.`)
process.once('SIGINT', () => void chat.close())
