import { describe, expect, test } from 'vitest'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'
import { parseResourceUrl } from '../primitives/resource-url.ts'
import { merchantsInput } from './merchant.ts'

function read(input: unknown): unknown {
  try {
    return parseInputFields(merchantsInput, input, 'merchants')
  } catch (error) {
    if (BursarError.isInstance(error) && error.code === 'invalid_input') return error.message
    throw error
  }
}

const payee = `0x${'Ab'.repeat(20)}`

describe('a host', () => {
  test.each([
    ['api.example.com', 'api.example.com'],
    ['API.Example.COM', 'api.example.com'],
    ['api.example.com.', 'api.example.com'],
    ['api.example.com:443', 'api.example.com'],
    ['api.example.com:8443', 'api.example.com:8443'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['127.1:4021', '127.0.0.1:4021'],
    ['[::1]:4021', '[::1]:4021'],
    ['localhost:4021', 'localhost:4021'],
  ])('%s is kept as a request to it has it', (written, host) => {
    expect(read([{ host: written }])).toEqual([{ host }])
    expect(parseResourceUrl(`https://${written}/path`).host).toBe(host)
  })

  test.each([
    '',
    ' ',
    '.',
    'a b.example',
    'https://api.example.com',
    'api.example.com/path',
    'api.example.com?x',
    'api.example.com#x',
    'user@api.example.com',
    'api.example.com\\evil',
    'api.example.com\n',
    'api.exa\u200bmple.com',
    '*.example.com',
    '*',
    'api..example.com',
    'api.example.com..',
    'api.example.com:0',
    'api.example.com:99999',
    'a'.repeat(64).concat('.example'),
    `${'a.'.repeat(130)}example`,
  ])('%j is refused', (host) => {
    expect(read([{ host }])).toMatch(/^merchants: 0\.host: /)
  })
})

describe('payees', () => {
  test('are lower case in the ledger', () => {
    expect(read([{ host: 'a.example', payees: [payee] }])).toEqual([
      { host: 'a.example', payees: [payee.toLowerCase()] },
    ])
  })

  test.each([
    ['none', []],
    ['too many', Array.from({ length: 21 }, () => payee)],
    ['an address that is too short', [payee.slice(0, -1)]],
    ['an address that is too long', [`${payee}0`]],
    ['an address with a line end', [`${payee}\n`]],
    ['a name', ['merchant.eth']],
    ['a number', [1]],
  ])('that are %s are refused', (_what, payees) => {
    expect(read([{ host: 'a.example', payees }])).toMatch(/^merchants: 0\.payees/)
  })
})

describe('a list', () => {
  test('names each host once: which of two entries holds would be a guess', () => {
    const message =
      'merchants: its argument: names a host twice; put all its payees into one entry.'
    expect(read([{ host: 'a.example' }, { host: 'A.example.', payees: [payee] }])).toBe(message)
  })

  test('is neither empty nor endless, and has no other fields', () => {
    const hosts = (length: number) =>
      Array.from({ length }, (_, index) => ({ host: `h${index}.example` }))
    expect(read(hosts(200))).toHaveLength(200)
    expect(read(hosts(201))).toContain('merchants: ')
    expect(read([])).toContain('merchants: ')
    expect(read([{ host: 'a.example', payee }])).toContain('payee')
    expect(read('a.example')).toContain('merchants: ')
  })
})
