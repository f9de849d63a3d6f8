import { BursarError, type SignResult } from '@bursar/core'
import { duringSecretUse } from '../../../core/src/signing/secret-use.ts'
import type { Vault } from '../src/vault/vault.ts'

const address = `0x${'a'.repeat(40)}`

/**
 * Returns each version of a secret that a wallet would open for a signature now, with its value,
 * newest first. The wallet refuses every version, so that all are opened. Throws the error of a
 * version that cannot be opened.
 */
export async function openVersions(vault: Vault, secret: string): Promise<readonly string[]> {
  const versions: string[] = []
  const values: string[] = []
  const wallet = vault.wallet({
    secret,
    address,
    wallet: (opened) => {
      values.push(opened.text())
      return {
        families: ['evm'],
        address: async () => address,
        sign: async () => ({ notSigned: 'credential_expired', reason: 'refused' }),
      }
    },
  })
  const result = await signWithSecrets(
    (version) => versions.push(version),
    () =>
      wallet.sign({
        kind: 'cancel-authorization',
        family: 'evm',
        token: { chainId: 1, address, name: 'Test USD', version: '1' },
        authorizer: address,
        nonce: `0x${'7e'.repeat(32)}`,
      }),
  )
  const reason = 'reason' in result ? result.reason : 'signed'
  const [, code = '', message = ''] = /could not be opened: (\w+): (.*)$/s.exec(reason) ?? []
  if (code !== '') throw new BursarError(code, message)
  return values.map((value, at) => `${versions[at]}: ${value}`)
}

function signWithSecrets(
  record: (version: string) => void,
  sign: () => Promise<SignResult>,
): Promise<SignResult> {
  const use = { purpose: 'payment', payment: 'pay_test' } as const
  return duringSecretUse(use, async ({ version }) => record(version), sign)
}
