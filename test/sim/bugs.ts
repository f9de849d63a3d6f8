import {
  releaseProvenPayment,
  settlePayment,
} from '../../packages/core/src/rules/payment-transitions.ts'
import { PaymentToken } from '../../packages/core/src/signing/payment-token.ts'
import {
  type Account,
  changedPayment,
  forDecision,
  forgetful,
  isOf,
  lying,
  remembering,
  runScope,
  withCancellation,
  withoutOwnClock,
  withoutTwin,
} from './lie.ts'
import type { Bug } from './world.ts'

/** A planted bug, and the rule that must catch it. */
export interface PlantedBug extends Bug {
  readonly rule: RegExp
}

const evidence = { block: '0', reason: 'planted' }

/** The time after which a buggy guard releases a hold without proof. */
const BELIEVED_MS = 20_000

export const bugs: readonly PlantedBug[] = [
  {
    name: 'releases on a timeout',
    rule: /^L[17]: /,
    rail: (rail, clock) => ({
      ...rail,
      reconcile: async (payment) => {
        const verdict = await rail.reconcile(payment)
        const isOld = clock() - payment.reservedAt * 1_000 > BELIEVED_MS
        return verdict.outcome === 'open' && isOld ? { outcome: 'released', evidence } : verdict
      },
    }),
    store: (store) => lying(store, withoutOwnClock),
  },
  {
    name: 'releases what the chain cannot be asked about',
    rule: /^L[17]: /,
    rail: (rail) => ({
      ...rail,
      reconcile: (payment) =>
        rail.reconcile(payment).catch(() => ({ outcome: 'released', evidence }) as const),
    }),
  },
  {
    name: 'believes a claim',
    rule: /^L7: .* is settled, and nothing moved|^L7: .* heard of a settlement/,
    store: (store) =>
      lying(store, {
        everywhere: true,
        write: (change, state, now) =>
          isOf(change, 'payment-claimed') ? settlePayment(state, evidence, now) : change,
      }),
  },
  {
    name: 'believes a refusal',
    rule: /^L[17]: /,
    store: (store) =>
      lying(store, {
        everywhere: true,
        write: (change, state, now) =>
          change.events.some(
            (event) => event.type === 'payment-doubted' && event.reason.includes('refused'),
          )
            ? releaseProvenPayment(withCancellation(state, now), evidence, now)
            : change,
      }),
  },
  {
    name: 'believes that a signer that failed has not signed',
    rule: /^L[17]: /,
    wallet: (wallet) => ({
      ...wallet,
      sign: (request) =>
        wallet
          .sign(request)
          .catch(() => ({ notSigned: 'wallet_unavailable', reason: 'planted' }) as const),
    }),
  },
  {
    name: 'believes that what was to be cancelled is cancelled',
    rule: /^L[17]: /,
    rail: (rail) => {
      const asked = new Set<string>()
      return {
        ...rail,
        cancel: async (payment, sign) => {
          asked.add(payment.paymentId)
          return rail.cancel(payment, sign)
        },
        reconcile: async (payment) =>
          asked.has(payment.paymentId)
            ? { outcome: 'released', evidence }
            : rail.reconcile(payment),
      }
    },
  },
  {
    name: 'keys change with the run',
    rule: /^L3: a second payment for key|^L12: key/,
    store: (store, { process }) => ({
      ...lying(store, {
        everywhere: true,
        write: (change) => ({
          ...change,
          ...(change.keys && {
            keys: change.keys.map((one) => ({ ...one, key: one.key + process.name })),
          }),
        }),
      }),
      read: (scope) => store.read(runScope(scope, process.name)),
      commit: (scope, change, when) =>
        lying(store, {
          everywhere: true,
          write: (changed) => ({
            ...changed,
            ...(changed.keys && {
              keys: changed.keys.map((one) => ({ ...one, key: one.key + process.name })),
            }),
          }),
        }).commit(runScope(scope, process.name), change, when),
    }),
  },
  {
    name: 'releases twice',
    rule: /^L3: released when released|invariant_broken|^L2: /,
    store: (store) =>
      lying(store, {
        everywhere: true,
        see: (state) =>
          state.payment?.state === 'released'
            ? { ...state, payment: { ...state.payment, state: 'in_doubt' } }
            : state,
      }),
  },
  {
    name: 'credits twice what has settled',
    rule: /^L2: /,
    store: (store) =>
      lying(store, {
        everywhere: true,
        write: (change, state) => {
          if (!isOf(change, 'payment-settled')) return change
          const micro = state.payment?.terms.amountMicro ?? 0n
          const less = (held: bigint): bigint => (held > micro ? held - micro : 0n)
          return {
            ...change,
            sessions: (change.sessions ?? []).map((one) => ({
              ...one,
              usage: { ...one.usage, heldMicro: less(one.usage.heldMicro) },
            })),
          }
        },
      }),
  },
  {
    name: 'does not count the sessions above',
    rule: /^L(1|2|10): /,
    store: (store) =>
      lying(store, { everywhere: true, see: (state) => ({ ...state, ancestors: [] }) }),
  },
  {
    name: 'does not count in the account of the end user',
    rule: /^L[12]: .*user:/,
    store: (store) => lying(store, { everywhere: true, see: ({ endUser: _, ...state }) => state }),
  },
  {
    name: 'forgets what an end user spent before there were limits',
    rule: /^L2: user:/,
    store: (store) =>
      lying(store, {
        everywhere: true,
        see: (state) => (state.delegations ? { ...state, delegations: [] } : state),
      }),
  },
  {
    name: 'forgets what a merchant was paid',
    rule: /^L[12]: .* (merchant|at )/,
    store: (store) =>
      lying(store, {
        see: (state) => (state.merchantUsages ? { ...state, merchantUsages: [] } : state),
      }),
  },
  {
    name: 'takes each payee of a merchant for the same one',
    rule: /^L2: .* at /,
    store: (store) =>
      lying(store, {
        write: (change) => ({
          ...change,
          ...(change.merchantUsages && {
            merchantUsages: change.merchantUsages.map((one) => ({ ...one, payee: '0x' })),
          }),
        }),
      }),
  },
  {
    name: 'checks limits before the commit only',
    rule: /^L1: /,
    store: (store) =>
      lying(
        store,
        forDecision(({ limits }) => ({ limits: { ...limits, totalMicro: 10n ** 15n } })),
      ),
  },
  {
    name: 'checks expiry before the commit only',
    rule: /^L10: .* had expired/,
    store: (store) =>
      lying(
        store,
        forDecision(() => ({ expiresAt: Number.MAX_SAFE_INTEGER })),
      ),
  },
  {
    name: 'checks revocation before the commit only',
    rule: /^L10: .* had ended/,
    store: (store) =>
      lying(
        store,
        forDecision(() => ({ revokedAt: undefined, closedAt: undefined })),
      ),
  },
  {
    name: 'forgets the oldest bucket of a window too early',
    rule: /^L1: over the limit per minute/,
    bindingWindows: true,
    store: (store) =>
      lying(store, {
        see: (state, now) => ({
          ...state,
          ...(state.session && { session: forgetful(state.session, now) }),
          ancestors: state.ancestors.map((one) => forgetful(one, now)),
          ...(state.delegation && { delegation: forgetful(state.delegation, now) }),
        }),
        write: (change, state) => {
          const before = [state.session, ...state.ancestors, state.delegation]
          const whole = <One extends Account>(one: One): One =>
            remembering(
              one,
              before.find((other) => other?.id === one.id),
            )
          return {
            ...change,
            ...(change.sessions && { sessions: change.sessions.map(whole) }),
            ...(change.delegations && { delegations: change.delegations.map(whole) }),
          }
        },
      }),
  },
  {
    name: 'knows duplicates of its own session only',
    rule: /^L12: the same request is open/,
    store: (store) =>
      lying(store, {
        everywhere: true,
        see: (state) => (state.twin?.session === state.session?.id ? state : withoutTwin(state)),
      }),
  },
  {
    name: 'takes a nonce that does not follow from the payment',
    rule: /^L3: the nonce/,
    store: (store) =>
      lying(store, {
        write: (change) => {
          const payment = change.payments?.[0]
          if (!payment || !isOf(change, 'payment-reserved')) return change
          const nonce = `0x${payment.termsHash}` as const
          const events = change.events.map((event) =>
            event.type === 'payment-reserved' ? { ...event, nonce } : event,
          )
          return { ...changedPayment(change, (one) => ({ ...one, nonce })), events }
        },
      }),
  },
  {
    name: 'redeems a payment token twice',
    rule: /^L3: .* was signed twice/,
    install: () => {
      const { redeem } = PaymentToken.prototype
      PaymentToken.prototype.redeem = function (payment, now) {
        if (!this.redeemed) redeem.call(this, payment, now)
      }
      return () => {
        PaymentToken.prototype.redeem = redeem
      }
    },
  },
  {
    name: 'signs before the reservation is durable',
    rule: /^L4: /,
    store: (store) => ({
      ...store,
      commit: async (scope, change, when) => {
        if (scope.termsHash === undefined) return store.commit(scope, change, when)
        const { result } = change(await store.read(scope), store.now())
        store.commit(scope, change, 'soon').catch(() => undefined)
        return result
      },
    }),
  },
  {
    name: 'writes a change without its record',
    rule: /invariant_broken|^L11: |^L2: /,
    store: (store) =>
      lying(store, {
        everywhere: true,
        write: (change) => (isOf(change, 'payment-claimed') ? { ...change, events: [] } : change),
      }),
  },
  {
    name: 'records a change twice',
    rule: /^L11: two records/,
    store: (store) =>
      lying(store, {
        everywhere: true,
        write: (change) =>
          isOf(change, 'payment-doubted')
            ? { ...change, events: [...change.events, ...change.events] }
            : change,
      }),
  },
  {
    name: 'decides by a clock that runs back',
    rule: /^L(2|10): /,
    store: (store, { clock }) => lying(store, { now: clock }),
  },
  {
    name: 'goes on with a session that an overrun has locked',
    rule: /^L10: .* was locked/,
    store: (store) =>
      lying(
        store,
        forDecision(() => ({ lockedAt: undefined })),
      ),
  },
  {
    name: 'gives up for good when the store has failed once while it opened',
    rule: /was still open/,
    store: (store) => {
      let opening: Promise<unknown> | undefined
      return {
        ...store,
        commit: async (scope, change, when) => {
          if (scope.instrument === undefined || scope.delegation !== undefined) {
            await opening
            return store.commit(scope, change, when)
          }
          const registering = store.commit(scope, change, when)
          opening ??= registering
          registering.catch(() => undefined)
          await opening
          return registering
        },
      }
    },
  },
  {
    name: 'reserves without a yes',
    rule: /^L4: .* without a yes/,
    store: (store) =>
      lying(store, {
        see: (state) => {
          const { merchant, ...rest } = state
          return rest
        },
      }),
  },
]
