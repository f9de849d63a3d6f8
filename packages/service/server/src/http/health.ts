import type { Bursar } from '@bursar/core'
import type { Hono } from 'hono'

/** How long the ledger may take to answer a server that is asked whether it is ready. */
const READY_WITHIN_MS = 2_000

/** How long an answer of the ledger is good for, so that asking often costs nothing. */
const READY_FOR_MS = 1_000

/**
 * `/healthz`: the process lives. `/readyz`: it takes requests, and reaches its ledger. Neither needs a
 * key, and neither says more than that.
 */
export function healthRoutes(
  app: Hono,
  bursar: Pick<Bursar, 'administration'>,
  state: { readonly isDraining: boolean },
): void {
  let asked: { readonly at: number; readonly answer: Promise<boolean> } | undefined
  const reaches = (): Promise<boolean> => {
    const now = performance.now()
    if (!asked || now - asked.at > READY_FOR_MS) asked = { at: now, answer: reachesLedger(bursar) }
    return asked.answer
  }
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/readyz', async (context) => {
    if (state.isDraining) return context.json({ status: 'shutting_down' }, 503)
    const isReady = await reaches()
    return context.json({ status: isReady ? 'ok' : 'store_unavailable' }, isReady ? 200 : 503)
  })
}

async function reachesLedger({ administration }: Pick<Bursar, 'administration'>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), READY_WITHIN_MS)
  })
  const reached = administration.keys({ limit: 1 }).then(
    () => true,
    () => false,
  )
  return Promise.race([reached, late]).finally(() => clearTimeout(timer))
}
