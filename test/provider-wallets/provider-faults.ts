import { BursarError, type SignRequest, type Wallet } from '@bursar/core'
import type { ProviderFault } from '@bursar/sandbox'
import { afterEach, expect, test, vi } from 'vitest'

/** The wallets of a provider over its service in the sandbox. */
export interface ProviderWallets {
  service(): {
    readonly log: readonly string[]
    failNext(fault: ProviderFault): void
  }
  walletOf(name: string): Wallet
  requestOf(name: string): Promise<SignRequest>
  /** The end of the path of the service's signing endpoint. */
  readonly signPath: string
}

const everywhere: readonly (readonly [string, ProviderFault])[] = [
  ['a connection that ends before the answer', { kind: 'drop-before' }],
  ['a connection that ends after the signature', { kind: 'drop-after' }],
  ['a gateway', status(502, 'Bad Gateway')],
  ['a gateway that forbids', status(403, '<html>blocked</html>')],
]

/**
 * Tests that a provider's wallet sends one request and reports doubt if it cannot know whether the
 * provider signed. `own` are further faults, in the error format of this provider.
 */
export function testProviderFaults(
  { service, walletOf, requestOf, signPath }: ProviderWallets,
  own: readonly (readonly [string, ProviderFault])[],
): void {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each([...everywhere, ...own])('%s is doubt', async (_what, fault) => {
    const request = await requestOf('doubts')
    service().failNext(fault)
    await expect(walletOf('doubts').sign(request)).rejects.toSatisfy(BursarError.isInstance)
  })

  test.each(['hang-before', 'hang-after'] as const)(
    '%s: no answer in time is doubt',
    async (kind) => {
      const request = await requestOf('hangs')
      const wallet = walletOf('hangs')
      await wallet.address('evm')
      const clock = new AbortController()
      vi.spyOn(AbortSignal, 'timeout').mockReturnValue(clock.signal)
      service().failNext({ kind })
      const before = service().log.length
      const signing = wallet.sign(request)
      const isHanging = () =>
        service()
          .log.slice(before)
          .some((line) => line.endsWith(' hang'))
      await vi.waitUntil(isHanging)
      clock.abort(new DOMException('The operation timed out.', 'TimeoutError'))
      await expect(signing).rejects.toMatchObject({ code: 'wallet_answer_lost' })
    },
  )

  test('is asked for once, whatever happens', async () => {
    const request = await requestOf('once')
    const asked = () => service().log.filter((line) => line.includes(signPath)).length
    for (const fault of [{ kind: 'drop-after' }, status(503, '')] as const) {
      service().failNext(fault)
      const before = asked()
      await expect(walletOf('once').sign(request)).rejects.toThrow()
      expect(asked()).toBe(before + 1)
    }
  })
}

/** A successful answer of the provider without a valid signature. */
export function status(code: number, body: unknown): ProviderFault {
  return { kind: 'status', status: code, body }
}
