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

/** The port that carries out a session's calls: the guard in this process, or one behind HTTP. */
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
 * A payment session for agent code, which pays within its limits and does nothing else.
 *
 * The session is opaque. Its token is in private state: printing and serialising give its id only, and a
 * clone cannot pay.
 */
export class PaymentSession {
  readonly id: string
  readonly #port: SessionPort

  constructor(id: string, port: SessionPort) {
    this.id = id
    this.#port = port
  }

  /**
   * Fetches a resource, and pays for it if it asks for payment and the guard allows. The result waits for
   * the block chain only if the merchant's answer says nothing believable. Refusals are values: see
   * `PayResult`. Throws `invalid_input` if `call` is not valid.
   */
  pay(request: PayRequest, call: Call = {}): Promise<PayResult> {
    return this.#port.pay(request, call)
  }

  /** Returns what `pay` would do, without reserving, signing or paying. */
  quote(request: PayRequest, call: Call = {}): Promise<QuoteResult> {
    return this.#port.quote(request, call)
  }

  /**
   * Signs the payload for a call that its caller sends, such as a paid tool of an MCP server, under the
   * rules of `pay`. Refusals are values.
   *
   * The guard has not dialled the server, so its name is the application's word: this session has to list
   * payees for it. Calls with one key get one payload until `conclude`. Send the payload to the server
   * only, and hand the answer to `conclude`.
   */
  prove(challenge: ToolChallenge, call: Call = {}): Promise<ProveResult> {
    return this.#port.prove(challenge, call)
  }

  /**
   * Takes the answer to the call that carried a payload: `{ result }` or `{ error }` of the JSON-RPC
   * response, or `undefined` if no answer came. Until then the payment is open.
   * Throws `payment_unknown` if the payment is not of this session.
   */
  conclude(paymentId: string, message: unknown): Promise<PayResult> {
    return this.#port.conclude(paymentId, message)
  }

  /** Reads state, budget and end of this session. */
  status(): Promise<SessionStatus> {
    return this.#port.status()
  }

  /** Ends this session for good. Signed payments are still reconciled. */
  close(): Promise<void> {
    return this.#port.close()
  }

  /**
   * Opens a session for a sub-agent. The child is no wider than this session, draws from its pool, and
   * ends with it. Throws `invalid_input` if the child would be wider, `session_too_deep`, and the code of
   * an account that has ended.
   */
  openChild(input: ChildInput, options: OnceOptions = {}): Promise<OpenedChild> {
    return this.#port.openChild(input, options)
  }

  /** Returns the id only: a session cannot be serialised. */
  toJSON(): { readonly session: string } {
    return { session: this.id }
  }

  /** Checks whether a value is a session that this package made. A plain object never is. */
  static is(value: unknown): value is PaymentSession {
    return typeof value === 'object' && value !== null && #port in value
  }
}
