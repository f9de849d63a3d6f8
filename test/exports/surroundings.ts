/** Values that the examples in doc comments use without making them. */
import type { Bursar, PaymentSession, Store } from '@bursar/core'
import type {
  AdapterWorld,
  PermissionsWorld,
  RailWorld,
  StoreWorld,
  WalletWorld,
} from '@bursar/core/testing'

/** A guard that is open. */
export declare const bursar: Bursar

/** A session of an end user who has consented. */
export declare const session: PaymentSession

/** The token of a session. */
export declare const token: string

/** An open store. */
export declare const store: Store

/** The worlds of conformance suites. */
export declare const makeAdapterWorld: () => Promise<AdapterWorld>
export declare const makePermissionsWorld: () => Promise<PermissionsWorld>
export declare const makeRailWorld: () => Promise<RailWorld>
export declare const makeStoreWorld: () => Promise<StoreWorld>
export declare const makeWalletWorld: () => Promise<WalletWorld>

/** The URL of a network's RPC endpoint. */
export declare const rpcUrl: string
