import type { Bursar } from '@bursar/core'
import type { Hono } from 'hono'

/** The longest wait for the ledger's answer to a readiness check. */
const READY_WITHIN_MS = 2_000

/** The lifetime of a result, so that frequent checks do not load the ledger. */
const READY_FOR_MS = 1_000

/**
 * Adds the health checks. `/healthz` answers 200 while the process lives; `/readyz` answers 200 while
 * the service takes requests and reaches its ledger. Neither needs a key or reveals more.
 */
export function addHealthRoutes(
  app: Hono,
  bursar: Pick<Bursar, 'administration'>,
  state: { readonly isDraining: boolean },
): void {
  let lastProbe: { readonly at: number; readonly answer: Promise<boolean> } | undefined
  const isLedgerReachable = (): Promise<boolean> => {
    const now = performance.now()
    if (!lastProbe || now - lastProbe.at > READY_FOR_MS)
      lastProbe = { at: now, answer: probeLedgerHealth(bursar) }
    return lastProbe.answer
  }
  app.get('/healthz', (context) => context.json({ status: 'ok' }))
  app.get('/readyz', async (context) => {
    if (state.isDraining) return context.json({ status: 'shutting_down' }, 503)
    const isReady = await isLedgerReachable()
    return context.json({ status: isReady ? 'ok' : 'store_unavailable' }, isReady ? 200 : 503)
  })
}

async function probeLedgerHealth({
  administration,
}: Pick<Bursar, 'administration'>): Promise<boolean> {
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
