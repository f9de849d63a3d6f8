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
import { access, mayAccessOperation } from '../auth/access.ts'
import { type Caller, createCallerAuthenticator, type IdentityProvider } from '../auth/caller.ts'
import type { LedgerVerifier } from '../ledger/ledger-verifier.ts'
import { type Admission, type AdmissionBounds, createAdmission } from './admission.ts'
import { addHealthRoutes } from './health.ts'
import { readRequestInvocation } from './request.ts'
import { describeLoggedError, type RequestLog } from './request-log.ts'
import { respond } from './respond.ts'

/** The options of `createApp`. */
export interface AppOptions {
  readonly bursar: Bursar
  /** The verifier of tokens (JWT); without it only keys of the ledger are accepted. */
  readonly identity?: IdentityProvider | undefined
  /** The folder for archives; without it archiving is refused. */
  readonly archives?: string | undefined
  readonly verify: LedgerVerifier
  readonly log: RequestLog
  /** Lower limits of admission, for a test. */
  readonly bounds?: Partial<AdmissionBounds> | undefined
  readonly clock?: (() => number) | undefined
}

/** The API, without a listener. */
export interface App {
  fetch(request: Request): Promise<Response>
  /** Refuses new requests from now on, and reports the service as not ready. */
  drain(): void
  /** Returns the number of requests in flight. */
  countInFlight(): number
}

/** The facts about one request that its log entry needs. */
interface RequestTrace {
  readonly requestId: string
  readonly startedAt: number
  readonly operation: string
  caller?: Caller
  code?: string
  error?: readonly string[]
}

/** The form of an `X-Request-Id` that is accepted from the peer, because it can be logged. */
const requestIdForm = /^[A-Za-z0-9._-]{1,64}$/

/** Creates the API from authentication, admission, the table of roles and the operations. */
export function createApp(options: AppOptions): App {
  const { bursar, clock = Date.now } = options
  const admission = createAdmission({
    strangersPerMinute: MAX_STRANGERS_PER_MINUTE,
    ...options.bounds,
  })
  const authenticate = createCallerAuthenticator(bursar, options.identity)
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
  addHealthRoutes(app, bursar, state)
  const description = openApi()
  app.get('/openapi.json', (context) => context.json(description))
  for (const path of new Set(operations.map((one) => one.path))) {
    const own = operations.filter((one) => one.path === path)
    const allow = own.map(({ method }) => method.toUpperCase()).join(', ')
    app.all(path.replace(/\{(\w+)\}/g, ':$1'), (context) => {
      // Hono would route HEAD to a GET handler, and the stream of a GET would then wait for a
      // reader for ever.
      const one = own.find(({ method }) => method.toUpperCase() === context.req.method)
      if (one) return handleAppRequest(parts, one, context)
      return refuseAppRequest(
        parts,
        context,
        'method_not_allowed',
        `${context.req.method} is not allowed here. Use ${allow}.`,
        {
          allow,
        },
      )
    })
  }
  app.notFound((context) =>
    refuseAppRequest(
      parts,
      context,
      'not_found',
      'There is no resource at this path. /openapi.json lists all.',
    ),
  )
  app.onError((error, context) => {
    const trace = startAppTrace(parts, context, 'unknown')
    trace.error = describeLoggedError(error)
    return finishAppResponse(
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
  readonly authenticate: ReturnType<typeof createCallerAuthenticator>
  readonly clock: () => number
  readonly state: { readonly isDraining: boolean }
  /** The places of running operations that are exclusive: one runs at a time. */
  readonly runningExclusive: Set<string>
}

/** Handles one request, from the first check to the log entry. */
async function handleAppRequest(
  parts: AppParts,
  operation: Operation,
  context: Context,
): Promise<Response> {
  const trace = startAppTrace(parts, context, operation.name)
  const refusal = findAppEntryRefusal(parts, context.req.url)
  const leave = refusal ? undefined : parts.admission.enter()
  if (!leave) return endAppRequestWithProblem(parts, trace, ...(refusal ?? noPlace))
  let leaveAs = (): void => {}
  const done = (): void => {
    leaveAs()
    leave()
  }
  try {
    const caller = await authenticateAppCaller(parts, trace, operation, context)
    if ('code' in caller) return leaveAppWithProblem(parts, trace, caller, done)
    trace.caller = caller
    const place = parts.admission.enterAs(caller.id, parts.clock())
    if (typeof place === 'string') {
      const [code, detail] = admissionProblems[place]
      return leaveAppWithProblem(parts, trace, createProblem(code, detail, trace.requestId), done)
    }
    leaveAs = place
    if (!mayAccessOperation(operation.name, caller.roles)) {
      const detail = `The caller has the roles ${caller.roles.join(', ')}. None of them may call ${operation.name}.`
      return leaveAppWithProblem(
        parts,
        trace,
        createProblem('forbidden', detail, trace.requestId),
        done,
      )
    }
    const response = await runAppOperation(parts, operation, caller, context, done)
    return finishAppResponse(parts, trace, response)
  } catch (error) {
    const problem = convertToProblem(error, trace.requestId)
    if (problem.status >= 500) trace.error = describeLoggedError(error)
    return leaveAppWithProblem(parts, trace, problem, done)
  }
}

/**
 * Returns the code and detail if a request is refused regardless of its sender; undefined
 * otherwise.
 */
function findAppEntryRefusal(
  { state }: AppParts,
  url: string,
): readonly [code: string, detail: string] | undefined {
  if (state.isDraining) {
    return ['shutting_down', 'The server is closing. Send the request to another server.']
  }
  if (url.length <= MAX_URL_LENGTH) return undefined
  const detail = `The URL has ${url.length} characters. At most ${MAX_URL_LENGTH} are allowed.`
  return ['url_too_long', detail]
}

const noPlace = ['overloaded', 'The server has no free place. Try again in a moment.'] as const

const admissionProblems = {
  'too-often': ['request_rate_exceeded', 'The caller sends too many requests. Wait a minute.'],
  'too-many': ['overloaded', 'The caller has too many requests in flight. Wait for one to end.'],
} as const

/** Returns the caller, or the problem to answer with if the request is not authenticated. */
async function authenticateAppCaller(
  { authenticate, admission, clock }: AppParts,
  { requestId }: RequestTrace,
  { name }: Operation,
  context: Context,
): Promise<Caller | Problem> {
  const urgent = access[name].effect === 'narrows'
  const caller = await authenticate(context.req.header('authorization'), { urgent })
  if (typeof caller !== 'string') return caller
  if (admission.countStranger(clock()) === 'over') {
    return createProblem(
      'request_rate_exceeded',
      'Too many requests came without a valid key. Wait a minute.',
      requestId,
    )
  }
  const detail = {
    unauthenticated: 'Send a valid key or token as Authorization: Bearer.',
    roles_conflict: 'The token has roles that can both raise a budget and spend it. Separate them.',
  }
  return createProblem(caller, detail[caller], requestId)
}

/** Reads and validates the request, and runs its operation. */
async function runAppOperation(
  parts: AppParts,
  operation: Operation,
  caller: Caller,
  context: Context,
  done: () => void,
): Promise<Response> {
  const { bursar, archives, verify } = parts
  const source = { bursar, archives, verify, caller }
  const countBytes = (bytes: number): void => {
    if (parts.admission.countBytes(caller.id, bytes, parts.clock()) === 'within') return
    const detail = 'The bodies of the caller are too large together. Wait a minute.'
    throw new BursarError('request_rate_exceeded', detail)
  }
  const { raw } = context.req
  const invocation = await readRequestInvocation(
    operation,
    raw,
    context.req.param(),
    source,
    countBytes,
  )
  return respond(operation, invocation, parts.runningExclusive, done)
}

function startAppTrace({ clock }: AppParts, context: Context, operation: string): RequestTrace {
  const given = context.req.header('x-request-id') ?? ''
  const requestId = requestIdForm.test(given) ? given : crypto.randomUUID()
  return { requestId, startedAt: clock(), operation }
}

function refuseAppRequest(
  parts: AppParts,
  context: Context,
  code: string,
  detail: string,
  headers: HeadersInit = {},
): Response {
  const trace = startAppTrace(parts, context, 'none')
  trace.code = code
  return finishAppResponse(
    parts,
    trace,
    createProblemResponse(createProblem(code, detail, trace.requestId), headers),
  )
}

function endAppRequestWithProblem(
  parts: AppParts,
  trace: RequestTrace,
  code: string,
  detail: string,
): Response {
  return leaveAppWithProblem(parts, trace, createProblem(code, detail, trace.requestId), () => {})
}

function leaveAppWithProblem(
  parts: AppParts,
  trace: RequestTrace,
  problem: Problem,
  done: () => void,
): Response {
  done()
  trace.code = problem.code
  return finishAppResponse(
    parts,
    trace,
    createProblemResponse(problem, createAppProblemHeaders(problem)),
  )
}

/** Returns the headers that tell a client how to continue after a problem. */
function createAppProblemHeaders({ status, code }: Problem): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer' }
  if (code === 'request_rate_exceeded') return { 'retry-after': '60' }
  return status === 503 ? { 'retry-after': '1' } : {}
}

/** Adds the headers of every response, and writes the log entry of the request. */
function finishAppResponse(parts: AppParts, trace: RequestTrace, response: Response): Response {
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
