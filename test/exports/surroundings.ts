/** Values that the examples in doc comments use without making them. */
import type { Bursar, PaymentSession, Store } from '@bursar/core'

/** A guard that is open. */
export declare const bursar: Bursar

/** A session of an end user who has consented. */
export declare const session: PaymentSession

/** The token of a session. */
export declare const token: string

/** An open store. */
export declare const store: Store

/** Where a network's node is asked. */
export declare const rpcUrl: string
