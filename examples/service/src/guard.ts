/** The guard's process: it holds the wallets and the ledger, and ends with SIGTERM. */
import { serve } from 'bursar'
import config from './bursar.config.ts'

const service = await serve(config)
console.log(service.url)
process.once('SIGTERM', () => void service.close())
