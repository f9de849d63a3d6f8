import { BursarError } from '@bursar/core'

/** The time limit of one call. A payment waits for it, and its payment token expires after a minute. */
const CALL_MS = 5_000

/** Attempts of the SDK within one call. Retries are safe: no call here changes anything at AWS. */
const MAX_ATTEMPTS = 2

/** The AWS region to call. The credentials come from the default provider chain of the AWS SDK. */
export interface AwsPlace {
  /** The region, such as `eu-central-1`. */
  readonly region: string
  /**
   * The URL of another endpoint, such as a VPC endpoint.
   *
   * @default the public endpoint of the region
   */
  readonly endpoint?: string | undefined
}

/** Builds the settings of a client of the AWS SDK. */
export function createAwsClientConfig({ region, endpoint }: AwsPlace): {
  readonly region: string
  readonly maxAttempts: number
  readonly endpoint?: string
} {
  const config = { region, maxAttempts: MAX_ATTEMPTS }
  return endpoint === undefined ? config : { ...config, endpoint }
}

/** A failed call to AWS. It keeps the name of the error only: the message may quote the request. */
export class AwsRefusal extends Error {
  readonly kind: string

  constructor(kind: string) {
    super(kind)
    this.kind = kind
  }
}

/**
 * Sends one call within `CALL_MS`. Throws an `AwsRefusal` instead of the SDK's error, which holds the
 * request and so may hold a secret.
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

/** Loads a package of the AWS SDK. Throws `package_missing` if the package is not installed. */
export async function loadAwsPackage<Package>(
  name: string,
  load: () => Promise<Package>,
): Promise<Package> {
  try {
    return await load()
  } catch (cause) {
    throw new BursarError(
      'package_missing',
      `The package ${name} could not be loaded. Install it: npm install ${name}`,
      {
        cause,
      },
    )
  }
}

function readErrorKind(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const kind = error.name === 'Error' ? (code ?? '') : error.name
  return /^[A-Za-z_]{1,80}$/.test(kind) ? kind : 'no answer'
}
