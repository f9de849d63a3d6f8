import { type Bursar, BursarError } from '@bursar/core'
import { type Context, Hono } from 'hono'
import { openApi, operations } from '../api/openapi.ts'
import type { Operation } from '../api/operation.ts'
import {
  convertToProblem,
  createProblem,
  createProblemResponse,
  type Problem,
} from '../api/problem.ts'
import { MAX_STRANGERS_PER_MINUTE, MAX_URL_LENGTH } from '../api/service-limits.ts'
import { mayCall } from '../auth/access.ts'
import { type Caller, createAuthenticator, type IdentityProvider } from '../auth/caller.ts'
import type { LedgerVerifier } from '../ledger/ledger-verifier.ts'
import { type Admission, type AdmissionBounds, createAdmission } from './admission.ts'
import { healthRoutes } from './health.ts'
import { readInvocation } from './request.ts'
import { describeError, type RequestLog } from './request-log.ts'
import { respond } from './respond.ts'

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
  countInFlight(): number
}

/** What one request carries through the parts. */
interface RequestTrace {
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
  const parts: AppParts = {
    ...options,
    admission,
    authenticate,
    clock,
    state,
    runningExclusive: new Set(),
  }
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
      if (one) return handleRequest(parts, one, context)
      return refuseRequest(parts, context, 'method_not_allowed', `The resource has ${allow}.`, {
        allow,
      })
    })
  }
  app.notFound((context) =>
    refuseRequest(parts, context, 'not_found', 'There is nothing at this path.'),
  )
  app.onError((error, context) => {
    const trace = startTrace(parts, context, 'unknown')
    trace.error = describeError(error)
    return finishResponse(
      parts,
      trace,
      createProblemResponse(convertToProblem(error, trace.requestId)),
    )
  })
  return {
    fetch: async (request) => app.fetch(request),
    drain: () => {
      state.isDraining = true
    },
    countInFlight: admission.countInFlight,
  }
}

interface AppParts extends AppOptions {
  readonly admission: Admission
  readonly authenticate: ReturnType<typeof createAuthenticator>
  readonly clock: () => number
  readonly state: { readonly isDraining: boolean }
  /** Operations of which one at a time is enough for a server, and that are under way. */
  readonly runningExclusive: Set<string>
}

/** One request, from its first check to its log. */
async function handleRequest(
  parts: AppParts,
  operation: Operation,
  context: Context,
): Promise<Response> {
  const trace = startTrace(parts, context, operation.name)
  if (parts.state.isDraining)
    return endWithProblem(parts, trace, 'shutting_down', 'Ask another server.')
  if (context.req.url.length > MAX_URL_LENGTH) {
    return endWithProblem(
      parts,
      trace,
      'url_too_long',
      `A URL has at most ${MAX_URL_LENGTH} characters.`,
    )
  }
  const leave = parts.admission.enter()
  if (!leave) return endWithProblem(parts, trace, 'overloaded', 'Ask again in a moment.')
  let leaveAs = (): void => {}
  const done = (): void => {
    leaveAs()
    leave()
  }
  try {
    const caller = await authenticateCaller(parts, trace, context)
    if ('code' in caller) return leaveWithProblem(parts, trace, caller, done)
    trace.caller = caller
    const place = parts.admission.enterAs(caller.id, parts.clock())
    if (typeof place === 'string') {
      const [code, detail] = admissionProblems[place]
      return leaveWithProblem(parts, trace, createProblem(code, detail, trace.requestId), done)
    }
    leaveAs = place
    if (!mayCall(operation.name, caller.roles)) {
      const detail = `${operation.name} is not for ${caller.roles.join(' and ')}.`
      return leaveWithProblem(
        parts,
        trace,
        createProblem('forbidden', detail, trace.requestId),
        done,
      )
    }
    const response = await runOperation(parts, operation, caller, context, done)
    return finishResponse(parts, trace, response)
  } catch (error) {
    const problem = convertToProblem(error, trace.requestId)
    if (problem.status >= 500) trace.error = describeError(error)
    return leaveWithProblem(parts, trace, problem, done)
  }
}

const admissionProblems = {
  'too-often': ['request_rate_exceeded', 'The caller asks too often. Wait a minute.'],
  'too-many': ['overloaded', 'Too many requests of this caller are under way.'],
} as const

/** Who calls, or what is answered to nobody. */
async function authenticateCaller(
  { authenticate, admission, clock }: AppParts,
  { requestId }: RequestTrace,
  context: Context,
): Promise<Caller | Problem> {
  const caller = await authenticate(context.req.header('authorization'))
  if (typeof caller !== 'string') return caller
  if (admission.countStranger(clock()) === 'over') {
    return createProblem(
      'request_rate_exceeded',
      'Too many requests without a good key.',
      requestId,
    )
  }
  const detail = {
    unauthenticated: 'Send a key that is good as Authorization: Bearer.',
    roles_conflict: 'The token has roles that could both raise a budget and spend it.',
  }
  return createProblem(caller, detail[caller], requestId)
}

/** Validates what was sent, and does it. Verifying the whole ledger is for one at a time. */
async function runOperation(
  parts: AppParts,
  operation: Operation,
  caller: Caller,
  context: Context,
  done: () => void,
): Promise<Response> {
  const { bursar, archives, verify } = parts
  const who = { bursar, archives, verify, caller }
  const carry = (bytes: number): void => {
    if (parts.admission.countBytes(caller.id, bytes, parts.clock()) === 'within') return
    throw new BursarError('request_rate_exceeded', 'The caller sends too much. Wait a minute.')
  }
  const { raw } = context.req
  const invocation = await readInvocation(operation, raw, context.req.param(), who, carry)
  return respond(operation, invocation, parts.runningExclusive, done)
}

function startTrace({ clock }: AppParts, context: Context, operation: string): RequestTrace {
  const given = context.req.header('x-request-id') ?? ''
  const requestId = requestIdForm.test(given) ? given : crypto.randomUUID()
  return { requestId, startedAt: clock(), operation }
}

function refuseRequest(
  parts: AppParts,
  context: Context,
  code: string,
  detail: string,
  headers: HeadersInit = {},
): Response {
  const trace = startTrace(parts, context, 'none')
  trace.code = code
  return finishResponse(
    parts,
    trace,
    createProblemResponse(createProblem(code, detail, trace.requestId), headers),
  )
}

function endWithProblem(
  parts: AppParts,
  trace: RequestTrace,
  code: string,
  detail: string,
): Response {
  return leaveWithProblem(parts, trace, createProblem(code, detail, trace.requestId), () => {})
}

function leaveWithProblem(
  parts: AppParts,
  trace: RequestTrace,
  problem: Problem,
  done: () => void,
): Response {
  done()
  trace.code = problem.code
  return finishResponse(parts, trace, createProblemResponse(problem, problemHeaders(problem)))
}

/** How to go on after an answer. */
function problemHeaders({ status, code }: Problem): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer' }
  if (code === 'request_rate_exceeded') return { 'retry-after': '60' }
  return status === 503 ? { 'retry-after': '1' } : {}
}

/** What every answer has: its id, and that nobody may keep it or guess what it is. */
function finishResponse(parts: AppParts, trace: RequestTrace, response: Response): Response {
  const { requestId, startedAt, operation, caller, code, error } = trace
  response.headers.set('x-request-id', requestId)
  response.headers.set('cache-control', 'no-store')
  response.headers.set('x-content-type-options', 'nosniff')
  if (parts.state.isDraining) response.headers.set('connection', 'close')
  const now = parts.clock()
  parts.log({
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
