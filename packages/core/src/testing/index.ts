/** Conformance suites, one for each seam, and the types of their arguments. */

export type { AdapterWorld } from './adapter-suite/bench.ts'
export { storeProcess } from './store-suite/store-process.ts'
export { type AdapterExceptions, testAdapter } from './test-adapter.ts'
export { type PermissionsWorld, testPermissions } from './test-permissions.ts'
export { type RailWorld, testRail } from './test-rail.ts'
export type { Expectation, TestRunner } from './test-runner.ts'
export { type StoreWorld, testStore } from './test-store.ts'
export { testWallet, type WalletWorld } from './test-wallet.ts'

/** Fakes of every seam, and a paid world that is made of them. */

export {
  type FakeChain,
  type FakeChainOptions,
  type FakeRefusal,
  type FakeSettlement,
  type FakeTransfer,
  type FakeUse,
  fakeAsset,
  fakeChain,
  type SignedAuthorization,
} from './fake-chain.ts'
export {
  type FakeConduct,
  type FakeMerchant,
  type FakeMerchantOptions,
  type FakeMoment,
  type FakeRequest,
  type FakeResource,
  fakeMerchant,
  fakePayee,
} from './fake-merchant.ts'
export { type FakeReach, fakePaidWorld } from './fake-paid-world.ts'
export {
  type FakePermissions,
  type FakePermissionsAnswer,
  fakePermissions,
} from './fake-permissions.ts'
export { type FakePolicyChanges, fakePolicyInput } from './fake-policy-input.ts'
export {
  type FakeOffer,
  type FakeRail,
  type FakeRailOptions,
  fakeChallenge,
  fakeClaimHeader,
  fakeRail,
  readFakePayload,
} from './fake-rail.ts'
export {
  type FakeWallet,
  type FakeWalletAnswer,
  type FakeWalletOptions,
  fakeSignature,
  fakeWallet,
} from './fake-wallet.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
export type { PaidSession, PaidSessionOptions, PaidWorld, ShopItem } from './paid-world.ts'

/** An agent whose turns are written down, for adapters. */

export type {
  AgentRun,
  AgentTurn,
  OfferedTool,
  ScriptedAgent,
  ScriptedCall,
} from './scripted-agent.ts'
