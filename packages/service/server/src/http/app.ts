import { type Bursar, BursarError } from '@bursar/core'
import { type Context, Hono } from 'hono'
import { openApi, operations } from '../api/openapi.ts'
import type { Operation } from '../api/operation.ts'
import { type Problem, problemFrom, problemOf, problemResponse } from '../api/problem.ts'
import { MAX_STRANGERS_PER_MINUTE, MAX_URL_LENGTH } from '../api/service-limits.ts'
import { mayCall } from '../auth/access.ts'
import { type Caller, createAuthenticator, type IdentityProvider } from '../auth/caller.ts'
import type { LedgerVerifier } from '../ledger/ledger-verifier.ts'
import { type Admission, type AdmissionBounds, createAdmission } from './admission.ts'
import { healthRoutes } from './health.ts'
import { readInvocation } from './request.ts'
import { errorLines, type RequestLog } from './request-log.ts'
import { answer } from './respond.ts'

/** What the API stands on. */
export interface AppOptions {
  readonly bursar: Bursar
  readonly identity?: IdentityProvider | undefined
  /** Where archives are kept: without it nothing can be archived over HTTP. */
  readonly archives?: string | undefined
  readonly verify: LedgerVerifier
  readonly log: RequestLog
  /** Smaller ones for a test. */
  readonly bounds?: Partial<AdmissionBounds> | undefined
  readonly clock?: (() => number) | undefined
}

/** The API, without a listener. */
export interface App {
  fetch(request: Request): Promise<Response>
  /** From now on new requests are turned away, and the service is not ready. */
  drain(): void
  /** Requests under way. */
  underWay(): number
}

/** What one request carries through the steps. */
interface Visit {
  readonly requestId: string
  readonly startedAt: number
  readonly operation: string
  caller?: Caller
  code?: string
  error?: readonly string[]
}

/** A request's own id, if it brings one that can be logged. */
const requestIdForm = /^[A-Za-z0-9._-]{1,64}$/

/** Joins authentication, admission, the table of roles and the operations into an API. */
export function createApp(options: AppOptions): App {
  const { bursar, clock = Date.now } = options
  const admission = createAdmission({
    strangersPerMinute: MAX_STRANGERS_PER_MINUTE,
    ...options.bounds,
  })
  const authenticate = createAuthenticator(bursar, options.identity)
  const state = { isDraining: false }
  const steps: Steps = { ...options, admission, authenticate, clock, state, alone: new Set() }
  const app = new Hono()
  healthRoutes(app, bursar, state)
  const description = openApi()
  app.get('/openapi.json', (context) => context.json(description))
  for (const path of new Set(operations.map((one) => one.path))) {
    const own = operations.filter((one) => one.path === path)
    const allow = own.map(({ method }) => method.toUpperCase()).join(', ')
    app.all(path.replace(/\{(\w+)\}/g, ':$1'), (context) => {
      // By the method as it was sent: lines that are asked for with HEAD would wait for a reader for ever.
      const one = own.find(({ method }) => method.toUpperCase() === context.req.method)
      if (one) return serve(steps, one, context)
      return refused(steps, context, 'method_not_allowed', `The resource has ${allow}.`, { allow })
    })
  }
  app.notFound((context) => refused(steps, context, 'not_found', 'There is nothing at this path.'))
  app.onError((error, context) => {
    const visit = newVisit(steps, context, 'unknown')
    visit.error = errorLines(error)
    return finished(steps, visit, problemResponse(problemFrom(error, visit.requestId)))
  })
  return {
    fetch: async (request) => app.fetch(request),
    drain: () => {
      state.isDraining = true
    },
    underWay: admission.underWay,
  }
}

interface Steps extends AppOptions {
  readonly admission: Admission
  readonly authenticate: ReturnType<typeof createAuthenticator>
  readonly clock: () => number
  readonly state: { readonly isDraining: boolean }
  /** Operations of which one at a time is enough for a server, and that are under way. */
  readonly alone: Set<string>
}

/** One request, from its first check to its log. */
async function serve(steps: Steps, operation: Operation, context: Context): Promise<Response> {
  const visit = newVisit(steps, context, operation.name)
  if (steps.state.isDraining) return stop(steps, visit, 'shutting_down', 'Ask another server.')
  if (context.req.url.length > MAX_URL_LENGTH) {
    return stop(steps, visit, 'url_too_long', `A URL has at most ${MAX_URL_LENGTH} characters.`)
  }
  const leave = steps.admission.enter()
  if (!leave) return stop(steps, visit, 'overloaded', 'Ask again in a moment.')
  let leaveAs = (): void => {}
  const done = (): void => {
    leaveAs()
    leave()
  }
  try {
    const caller = await recognise(steps, visit, context)
    if ('code' in caller) return stopWith(steps, visit, caller, done)
    visit.caller = caller
    const place = steps.admission.enterAs(caller.id, steps.clock())
    if (typeof place === 'string') {
      const [code, detail] = crowded[place]
      return stopWith(steps, visit, problemOf(code, detail, visit.requestId), done)
    }
    leaveAs = place
    if (!mayCall(operation.name, caller.roles)) {
      const detail = `${operation.name} is not for ${caller.roles.join(' and ')}.`
      return stopWith(steps, visit, problemOf('forbidden', detail, visit.requestId), done)
    }
    const response = await carryOut(steps, operation, caller, context, done)
    return finished(steps, visit, response)
  } catch (error) {
    const problem = problemFrom(error, visit.requestId)
    if (problem.status >= 500) visit.error = errorLines(error)
    return stopWith(steps, visit, problem, done)
  }
}

const crowded = {
  'too-often': ['request_rate_exceeded', 'The caller asks too often. Wait a minute.'],
  'too-many': ['overloaded', 'Too many requests of this caller are under way.'],
} as const

/** Who calls, or what is answered to nobody. */
async function recognise(
  { authenticate, admission, clock }: Steps,
  { requestId }: Visit,
  context: Context,
): Promise<Caller | Problem> {
  const caller = await authenticate(context.req.header('authorization'))
  if (typeof caller !== 'string') return caller
  if (admission.strange(clock()) === 'over') {
    return problemOf('request_rate_exceeded', 'Too many requests without a good key.', requestId)
  }
  const detail = {
    unauthenticated: 'Send a key that is good as Authorization: Bearer.',
    roles_conflict: 'The token has roles that could both raise a budget and spend it.',
  }
  return problemOf(caller, detail[caller], requestId)
}

/** Validates what was sent, and does it. Verifying the whole ledger is for one at a time. */
async function carryOut(
  steps: Steps,
  operation: Operation,
  caller: Caller,
  context: Context,
  done: () => void,
): Promise<Response> {
  const { bursar, archives, verify } = steps
  const who = { bursar, archives, verify, caller }
  const carry = (bytes: number): void => {
    if (steps.admission.carry(caller.id, bytes, steps.clock()) === 'within') return
    throw new BursarError('request_rate_exceeded', 'The caller sends too much. Wait a minute.')
  }
  const { raw } = context.req
  const invocation = await readInvocation(operation, raw, context.req.param(), who, carry)
  return answer(operation, invocation, steps.alone, done)
}

function newVisit({ clock }: Steps, context: Context, operation: string): Visit {
  const given = context.req.header('x-request-id') ?? ''
  const requestId = requestIdForm.test(given) ? given : crypto.randomUUID()
  return { requestId, startedAt: clock(), operation }
}

function refused(
  steps: Steps,
  context: Context,
  code: string,
  detail: string,
  headers: HeadersInit = {},
): Response {
  const visit = newVisit(steps, context, 'none')
  visit.code = code
  return finished(steps, visit, problemResponse(problemOf(code, detail, visit.requestId), headers))
}

function stop(steps: Steps, visit: Visit, code: string, detail: string): Response {
  return stopWith(steps, visit, problemOf(code, detail, visit.requestId), () => {})
}

function stopWith(steps: Steps, visit: Visit, problem: Problem, done: () => void): Response {
  done()
  visit.code = problem.code
  return finished(steps, visit, problemResponse(problem, headersOf(problem)))
}

/** How to go on after an answer. */
function headersOf({ status, code }: Problem): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer' }
  if (code === 'request_rate_exceeded') return { 'retry-after': '60' }
  return status === 503 ? { 'retry-after': '1' } : {}
}

/** What every answer has: its id, and that nobody may keep it or guess what it is. */
function finished(steps: Steps, visit: Visit, response: Response): Response {
  const { requestId, startedAt, operation, caller, code, error } = visit
  response.headers.set('x-request-id', requestId)
  response.headers.set('cache-control', 'no-store')
  response.headers.set('x-content-type-options', 'nosniff')
  if (steps.state.isDraining) response.headers.set('connection', 'close')
  const now = steps.clock()
  steps.log({
    at: new Date(now).toISOString(),
    requestId,
    operation,
    ...(caller ? { caller: caller.id } : {}),
    status: response.status,
    ms: Math.max(0, now - startedAt),
    ...(code === undefined ? {} : { code }),
    ...(error ? { error } : {}),
  })
  return response
}
