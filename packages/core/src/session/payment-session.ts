import type { OnceOptions } from '../ledger/operation.ts'
import type { ChildInput } from '../ledger/session.ts'
import type {
  Call,
  PayRequest,
  PayResult,
  ProveResult,
  QuoteResult,
  SessionStatus,
} from './pay-result.ts'
import type { ToolChallenge } from './tool-challenge.ts'

/** The other side of a session's calls: the guard in this process, or a guard behind HTTP. */
export interface SessionPort {
  pay(request: PayRequest, call: Call): Promise<PayResult>
  quote(request: PayRequest, call: Call): Promise<QuoteResult>
  prove(challenge: ToolChallenge, call: Call): Promise<ProveResult>
  conclude(paymentId: string, message: unknown): Promise<PayResult>
  status(): Promise<SessionStatus>
  close(): Promise<void>
  openChild(input: ChildInput, options?: OnceOptions): Promise<OpenedChild>
}

/**
 * A session for a sub-agent: as an object for one in this process, as a token for one elsewhere.
 */
export interface OpenedChild {
  readonly session: PaymentSession
  readonly token: string
}

/**
 * A payment session as agent code holds it: it can pay within its limits, and nothing else.
 *
 * It is opaque: its token is in private state, so printing, serialising or cloning it gives its id
 * only, and a clone pays nothing.
 */
export class PaymentSession {
  readonly id: string
  readonly #port: SessionPort

  constructor(id: string, port: SessionPort) {
    this.id = id
    this.#port = port
  }

  /**
   * Fetches a resource, and pays for it if it asks and the guard allows.
   * The answer never waits for the chain. Refusals are values; see `PayResult`.
   */
  pay(request: PayRequest, call: Call = {}): Promise<PayResult> {
    return this.#port.pay(request, call)
  }

  /** Asks what `pay` would do, without reserving, signing or paying anything. */
  quote(request: PayRequest, call: Call = {}): Promise<QuoteResult> {
    return this.#port.quote(request, call)
  }

  /**
   * Makes the proof for a call that its caller has to send itself, such as a paid tool of an MCP
   * server: the same rules as `pay`, in the same commit. Refusals are values.
   *
   * The guard has not dialled the server, so its name is the application's word: nothing is signed
   * unless this session lists payees for it. The same key gets the same proof until `conclude`.
   * Send the proof to nobody else, and hand the answer to `conclude`.
   */
  prove(challenge: ToolChallenge, call: Call = {}): Promise<ProveResult> {
    return this.#port.prove(challenge, call)
  }

  /**
   * Says what was answered to the call that carried a proof: `{ result }` or `{ error }` of the
   * JSON-RPC response, or `undefined` if no answer came. Until then the payment is open.
   * Throws `payment_unknown` for a payment that is not of this session.
   */
  conclude(paymentId: string, message: unknown): Promise<PayResult> {
    return this.#port.conclude(paymentId, message)
  }

  status(): Promise<SessionStatus> {
    return this.#port.status()
  }

  /** Ends this session for good. What is already signed is still reconciled. */
  close(): Promise<void> {
    return this.#port.close()
  }

  /**
   * Opens a session for a sub-agent: no wider than this one, drawn from the same pool, ended with
   * it. Throws `invalid_input` for what is wider, `session_too_deep`, and the code of what has
   * ended.
   */
  openChild(input: ChildInput, options: OnceOptions = {}): Promise<OpenedChild> {
    return this.#port.openChild(input, options)
  }

  toJSON(): { readonly session: string } {
    return { session: this.id }
  }

  /** True only for an object that this package made: a plain object is never a session. */
  static is(value: unknown): value is PaymentSession {
    return typeof value === 'object' && value !== null && #port in value
  }
}
