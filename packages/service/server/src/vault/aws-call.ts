import { BursarError } from '@bursar/core'

/** A payment waits for it, and its token lives for a minute. */
const CALL_MS = 5_000

/** Attempts of the SDK for one call, within its time: none of our calls changes anything at AWS. */
const MAX_ATTEMPTS = 2

/** Where AWS is reached. Its credentials are found as its SDK finds them. */
export interface AwsPlace {
  readonly region: string
  /** Another address, such as that of a VPC endpoint. */
  readonly endpoint?: string | undefined
}

/** Settings of a client of the SDK. */
export function createAwsClientConfig({ region, endpoint }: AwsPlace): {
  readonly region: string
  readonly maxAttempts: number
  readonly endpoint?: string
} {
  const config = { region, maxAttempts: MAX_ATTEMPTS }
  return endpoint === undefined ? config : { ...config, endpoint }
}

/** What AWS, or its SDK, said instead of an answer: the kind of error, and nothing that it quotes. */
export class AwsRefusal extends Error {
  readonly kind: string

  constructor(kind: string) {
    super(kind)
    this.kind = kind
  }
}

/**
 * One call, within a bounded time. Throws an `AwsRefusal`: what the SDK throws holds the request,
 * and with it what was to stay secret.
 */
export async function callAws<Answer>(
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
): Promise<Answer> {
  const abortSignal = AbortSignal.timeout(CALL_MS)
  try {
    return await send({ abortSignal })
  } catch (error) {
    throw new AwsRefusal(abortSignal.aborted ? 'no answer in time' : readErrorKind(error))
  }
}

/** Loads a package of the SDK when it is first needed. */
export async function loadAwsPackage<Package>(
  name: string,
  load: () => Promise<Package>,
): Promise<Package> {
  try {
    return await load()
  } catch (cause) {
    throw new BursarError('package_missing', `Install ${name}, which could not be loaded.`, {
      cause,
    })
  }
}

function readErrorKind(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const kind = error.name === 'Error' ? (code ?? '') : error.name
  return /^[A-Za-z_]{1,80}$/.test(kind) ? kind : 'no answer'
}
