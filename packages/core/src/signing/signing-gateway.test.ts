import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Payment } from '../ledger/payment.ts'
import type { SecretOpening } from '../ledger/secret-opening.ts'
import type {
  CancelAuthorization,
  SignRequest,
  SignResult,
  TransferAuthorization,
  Wallet,
} from '../ports/wallet.ts'
import { BursarError } from '../primitives/errors.ts'
import { fakeAsset } from '../testing/fake-chain.ts'
import { type FakeWallet, fakeSignature, fakeWallet } from '../testing/fake-wallet.ts'
import { PAYMENT_TOKEN_LIFE_MS, PaymentToken } from './payment-token.ts'
import { type CurrentSecretUse, currentSecretUse } from './secret-use.ts'
import { cancellationGateway, gateway, NotSigned } from './signing-gateway.ts'

const NOW = Date.UTC(2030, 0, 1)
const payer = `0x${'a11ce'.padStart(40, '0')}`
const payee = `0x${'5e11e4'.padStart(40, '0')}`
const stranger = `0x${'bad'.padStart(40, '0')}`

function paymentFor(token: PaymentToken): Payment {
  return {
    id: 'pay_1',
    session: 'ses_1',
    delegation: 'del_1',
    endUser: 'alice',
    instrument: 'alice-wallet',
    state: 'reserved',
    terms: {
      rail: 'fake',
      scheme: 'exact',
      network: fakeAsset.network,
      asset: fakeAsset.address,
      currency: 'USD',
      atomic: 10_000n,
      amountMicro: 10_000n,
      payee,
      host: 'shop.example',
      requestHash: '00',
    },
    termsHash: '00',
    payer,
    nonce: `0x${'7e'.repeat(32)}`,
    path: '/a',
    purpose: 'x',
    tokenHash: token.hash,
    reservedAt: NOW,
    tokenExpiresAt: NOW + PAYMENT_TOKEN_LIFE_MS,
    validBefore: NOW / 1_000 + 120,
    overrun: false,
  }
}

const right: TransferAuthorization = {
  kind: 'transfer-authorization',
  family: 'evm',
  token: { chainId: 31_337, address: fakeAsset.address, name: 'Fake USD', version: '1' },
  from: payer,
  to: payee,
  value: 10_000n,
  validAfter: 0n,
  validBefore: BigInt(NOW / 1_000 + 120),
  nonce: `0x${'7e'.repeat(32)}`,
}

function world(options: { wallet?: Wallet; now?: () => number } = {}) {
  const wallet = fakeWallet()
  const token = new PaymentToken()
  const openings: SecretOpening[] = []
  const sign = gateway(
    options.wallet ?? wallet,
    paymentFor(token),
    fakeAsset,
    token,
    options.now ?? (() => NOW),
    async (opening) => openings.push(opening),
  )
  return { wallet, token, sign, openings }
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
  } catch (error) {
    if (BursarError.isInstance(error) || error instanceof NotSigned) return error.code
    return error instanceof Error ? error.message : String(error)
  }
  return 'signed'
}

function answering(result: unknown): Wallet {
  return { ...fakeWallet(), sign: async () => result as SignResult }
}

describe('the terms', () => {
  test('are signed as they were reserved', async () => {
    const { sign, wallet, token } = world()
    expect(await sign(right)).toBe(fakeSignature(right))
    expect(wallet.requests).toEqual([right])
    expect(token.redeemed).toBe(true)
  })

  const changes: readonly [string, object][] = [
    ['kind', { kind: 'permit' }],
    ['family', { family: 'svm' }],
    ['chain', { token: { ...right.token, chainId: 1 } }],
    ['chain as text', { token: { ...right.token, chainId: '31337' } }],
    ['token contract', { token: { ...right.token, address: stranger } }],
    ['name of the token', { token: { ...right.token, name: 'USD Coin' } }],
    ['version of the token', { token: { ...right.token, version: '2' } }],
    ['payer', { from: stranger }],
    ['payee', { to: stranger }],
    ['higher amount', { value: 10_001n }],
    ['lower amount', { value: 9_999n }],
    ['amount as number', { value: 10_000 }],
    ['start', { validAfter: 1n }],
    ['longer validity', { validBefore: right.validBefore + 1n }],
    ['shorter validity', { validBefore: right.validBefore - 1n }],
    ['nonce', { nonce: `0x${'7f'.repeat(32)}` }],
  ]

  test.each(changes)(
    'with another %s are refused, and the token is not used up',
    async (_what, change) => {
      const { sign, wallet, token } = world()
      expect(await codeOf(sign({ ...right, ...change } as SignRequest))).toBe('terms_mismatch')
      expect(wallet.requests).toEqual([])
      expect(token.redeemed).toBe(false)
    },
  )

  test('are no cancellation', async () => {
    const { sign, wallet } = world()
    const { family, token, from, nonce } = right
    const cancellation = { kind: 'cancel-authorization', family, token, authorizer: from, nonce }
    expect(await codeOf(sign(cancellation as SignRequest))).toBe('terms_mismatch')
    expect(wallet.requests).toEqual([])
  })

  test('may be written with addresses in any case', async () => {
    const { sign } = world()
    const upper = { ...right, to: payee.toUpperCase().replace('0X', '0x') }
    expect(await sign(upper)).toBe(fakeSignature(right))
  })

  test('reach the wallet as the guard wrote them, and nothing that a rail changes later', async () => {
    const { sign, wallet } = world()
    let looks = 0
    const shifting = Object.defineProperty({ ...right, extra: 'x' }, 'to', {
      get: () => {
        looks += 1
        return looks > 1 ? stranger : payee
      },
    })
    await sign(shifting)
    expect(wallet.requests).toEqual([right])
  })
})

describe('the payment token', () => {
  test('gives one signature', async () => {
    const { sign, wallet } = world()
    await sign(right)
    expect(await codeOf(sign(right))).toBe('payment_token_redeemed')
    expect(wallet.requests).toHaveLength(1)
  })

  test('gives one signature to two that ask at once', async () => {
    const { sign, wallet } = world()
    expect(await Promise.all([codeOf(sign(right)), codeOf(sign(right))])).toEqual([
      'signed',
      'payment_token_redeemed',
    ])
    expect(wallet.requests).toHaveLength(1)
  })

  test('signs in its last millisecond, and not at its end', async () => {
    const last = world({ now: () => NOW + PAYMENT_TOKEN_LIFE_MS - 1 })
    expect(await codeOf(last.sign(right))).toBe('signed')
    const late = world({ now: () => NOW + PAYMENT_TOKEN_LIFE_MS })
    expect(await codeOf(late.sign(right))).toBe('payment_token_expired')
    expect(late.wallet.requests).toEqual([])
    expect(late.token.redeemed).toBe(false)
  })

  test('of another payment gives none', async () => {
    const wallet = fakeWallet()
    const sign = gateway(
      wallet,
      paymentFor(new PaymentToken()),
      fakeAsset,
      new PaymentToken(),
      () => NOW,
      async () => {},
    )
    expect(await codeOf(sign(right))).toBe('payment_token_invalid')
    expect(wallet.requests).toEqual([])
  })
})

describe('the wallet', () => {
  test.each(['wallet_unavailable', 'credential_expired'] as const)(
    'is believed when it says that it did not sign: %s',
    async (code) => {
      const { sign, wallet } = world()
      wallet.answerNext(code)
      const error = await sign(right).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(NotSigned)
      expect(error).toMatchObject({ code })
    },
  )

  const signature = `0x${'ab'.repeat(65)}`
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', signature],
    ['an empty object', {}],
    ['another reason not to sign', { notSigned: 'timed_out', reason: 'slow' }],
    ['a reason that every object has', { notSigned: 'constructor', reason: 'x' }],
    ['both', { signature: undefined, notSigned: 'wallet_unavailable', reason: 'x' }],
    ['a signature that is none', { signature: 'yes' }],
    ['a signature that is too short', { signature: signature.slice(0, 100) }],
    ['half a byte', { signature: `${signature}0` }],
    ['an endless signature', { signature: `0x${'ab'.repeat(5_000)}` }],
  ])('that answers %s is doubt, never a word that nothing was signed', async (_what, result) => {
    const { sign, token } = world({ wallet: answering(result) })
    const error = await sign(right).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(NotSigned)
    expect(token.redeemed).toBe(true)
  })

  test('that throws, at once or later, has used the token up: that is doubt', async () => {
    const atOnce: Wallet = {
      ...fakeWallet(),
      sign: () => {
        throw new Error('at once')
      },
    }
    for (const wallet of [atOnce, throwingLater()]) {
      const { sign, token } = world({ wallet })
      expect(await codeOf(sign(right))).not.toBe('signed')
      expect(token.redeemed).toBe(true)
    }
  })

  function throwingLater(): FakeWallet {
    const wallet = fakeWallet()
    wallet.answerNext('throw')
    return wallet
  }
})

describe('a wallet that opens a secret', () => {
  const opening = { secret: 'cdp', version: '1' }

  /** Opens a secret whenever it signs, and keeps what it was shown of the signature. */
  function opener(): Wallet & { readonly seen: (CurrentSecretUse | undefined)[] } {
    const seen: (CurrentSecretUse | undefined)[] = []
    return {
      ...fakeWallet(),
      seen,
      async sign(request) {
        await Promise.resolve()
        seen.push(currentSecretUse())
        await currentSecretUse()?.recordOpening(opening)
        return { signature: fakeSignature(request) }
      },
    }
  }

  test('does so for the payment whose token was redeemed', async () => {
    const wallet = opener()
    const { sign, openings, token } = world({ wallet })
    await sign(right)
    expect(wallet.seen[0]).toMatchObject({ payment: 'pay_1', purpose: 'payment' })
    expect(openings).toEqual([opening])
    expect(await codeOf(sign(right))).toBe('payment_token_redeemed')
    expect(openings).toHaveLength(1)
    expect(token.redeemed).toBe(true)
  })

  test('does so for nothing else: not outside, and not when it has answered', async () => {
    expect(currentSecretUse()).toBeUndefined()
    const wallet = opener()
    const { sign, openings } = world({ wallet })
    await sign(right)
    const late = wallet.seen[0]?.recordOpening(opening) ?? Promise.resolve()
    expect(await codeOf(late)).toBe('secret_use_over')
    expect(openings).toHaveLength(1)
  })

  test('may name it, and no more', async () => {
    const wallet = opener()
    await world({ wallet }).sign(right)
    for (const odd of [{ ...opening, value: 'x' }, { secret: 'a b', version: '1' }, undefined]) {
      const odder = odd as SecretOpening
      const answer = wallet.seen[0]?.recordOpening(odder) ?? Promise.resolve()
      expect(await codeOf(answer)).toBe('invalid_input')
    }
  })

  test('opens nothing that is not recorded in time', async () => {
    vi.useFakeTimers()
    const wallet = opener()
    const token = new PaymentToken()
    let write = (): void => {}
    const record = () => new Promise<void>((resolve) => (write = resolve))
    const sign = gateway(wallet, paymentFor(token), fakeAsset, token, () => NOW, record)
    const answer = codeOf(sign(right))
    await vi.advanceTimersByTimeAsync(PAYMENT_TOKEN_LIFE_MS)
    expect(await answer).toBe('timed_out')
    const opened = wallet.seen[0]?.recordOpening(opening)
    write()
    expect(await codeOf(opened ?? Promise.resolve())).toBe('secret_use_over')
    vi.useRealTimers()
  })
})

describe('a slow wallet', () => {
  afterEach(() => vi.useRealTimers())

  test('is waited for as long as the token lives, and then it is doubt', async () => {
    vi.useFakeTimers()
    const wallet = fakeWallet()
    wallet.answerNext('hang')
    const { sign, token } = world({ wallet })
    let ended = ''
    const answer = codeOf(sign(right)).then((code) => {
      ended = code
    })
    await vi.advanceTimersByTimeAsync(PAYMENT_TOKEN_LIFE_MS - 1)
    expect(ended).toBe('')
    await vi.advanceTimersByTimeAsync(1)
    await answer
    expect(ended).toBe('timed_out')
    expect(token.redeemed).toBe(true)
    // What it signs after all goes nowhere, and disturbs nobody.
    wallet.release()
  })

  test('that answers in time has signed, although the token died meanwhile', async () => {
    vi.useFakeTimers()
    let now = NOW
    const wallet = fakeWallet()
    wallet.answerNext('hang')
    const { sign } = world({ wallet, now: () => now })
    const answer = sign(right)
    now += PAYMENT_TOKEN_LIFE_MS
    wallet.release()
    expect(await answer).toBe(fakeSignature(right))
  })
})

describe('a cancellation', () => {
  const cancellation: CancelAuthorization = {
    kind: 'cancel-authorization',
    family: 'evm',
    token: right.token,
    authorizer: payer,
    nonce: right.nonce,
  }
  const cancelling = (wallet: Wallet = fakeWallet()) =>
    cancellationGateway(wallet, paymentFor(new PaymentToken()), fakeAsset, async () => {})

  test('is signed for the nonce of the payment, once', async () => {
    const wallet = fakeWallet()
    const sign = cancelling(wallet)
    expect(await sign(cancellation)).toBe(fakeSignature(cancellation))
    expect(await codeOf(sign(cancellation))).toBe('terms_mismatch')
    expect(wallet.requests).toEqual([cancellation])
  })

  test.each<[string, object]>([
    ['kind', { kind: 'permit' }],
    ['family', { family: 'svm' }],
    ['chain', { token: { ...right.token, chainId: 1 } }],
    ['token contract', { token: { ...right.token, address: stranger } }],
    ['name of the token', { token: { ...right.token, name: 'USD Coin' } }],
    ['version of the token', { token: { ...right.token, version: '2' } }],
    ['authorizer', { authorizer: stranger }],
    ['nonce', { nonce: `0x${'7f'.repeat(32)}` }],
  ])('with another %s is refused', async (_what, change) => {
    const wallet = fakeWallet()
    const request = { ...cancellation, ...change } as SignRequest
    expect(await codeOf(cancelling(wallet)(request))).toBe('terms_mismatch')
    expect(wallet.requests).toEqual([])
  })

  test('is no way to the signature of the transfer itself', async () => {
    const wallet = fakeWallet()
    expect(await codeOf(cancelling(wallet)(right))).toBe('terms_mismatch')
    expect(wallet.requests).toEqual([])
  })

  test('that the wallet refuses is known not to be signed', async () => {
    const refusing = answering({ notSigned: 'credential_expired', reason: 'old' })
    expect(await codeOf(cancelling(refusing)(cancellation))).toBe('credential_expired')
  })
})
