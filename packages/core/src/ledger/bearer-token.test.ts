import { describe, expect, test } from 'vitest'
import { sha256Hash } from '../primitives/hash.ts'
import { newId } from '../primitives/id.ts'
import { newSecret } from '../primitives/secret.ts'
import { readSessionToken, sessionToken } from './bearer-token.ts'

describe('a session token', () => {
  const session = newId('ses')

  test('is read back to its session, and only its hash is stored', () => {
    const { token, tokenHash } = sessionToken(session, newSecret())
    expect(readSessionToken(token)).toEqual({ session, tokenHash })
    expect(tokenHash).toBe(sha256Hash(token))
    expect(tokenHash).not.toContain(token.slice(-43))
  })

  test('has 256 bits, new ones each time', () => {
    const tokens = Array.from({ length: 100 }, () => sessionToken(session, newSecret()).token)
    expect(new Set(tokens).size).toBe(100)
    expect(Buffer.from(tokens[0]?.slice(-43) ?? '', 'base64url')).toHaveLength(32)
  })

  test('in another spelling of the same bits is another token', () => {
    const { token, tokenHash } = sessionToken(session, newSecret())
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = letters.indexOf(token.slice(-1))
    const respelt = `${token.slice(0, -1)}${letters[last ^ 1]}`
    expect(Buffer.from(respelt.slice(-43), 'base64url')).toEqual(
      Buffer.from(token.slice(-43), 'base64url'),
    )
    expect(readSessionToken(respelt)?.tokenHash).not.toBe(tokenHash)
  })

  const { token } = sessionToken(session, newSecret())
  test.each([
    ['nothing', undefined],
    ['an object', { toString: () => token }],
    ['a list', [token]],
    ['an empty text', ''],
    ['the session alone', session],
    ['a blank before', ` ${token}`],
    ['a line end', `${token}\n`],
    ['a letter less', token.slice(0, -1)],
    ['a letter more', `${token}A`],
    ['a letter of plain base64', `${token.slice(0, -1)}+`],
    ['another prefix', token.replace('bursar_', 'bursa_')],
    ['an id of another kind', token.replace('_ses_', '_del_')],
    ['upper case', token.toUpperCase()],
    ['a very long text', `bursar_ses_${'0'.repeat(1_000_000)}`],
  ])('is not %s', (_what, value) => {
    expect(readSessionToken(value)).toBe(undefined)
  })
})
