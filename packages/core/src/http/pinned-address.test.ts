import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { describe, expect, test, vi } from 'vitest'
import { pinAddress } from './pinned-address.ts'

vi.mock('node:dns/promises', () => ({ lookup: vi.fn() }))

/** Creates a resolver that returns one answer after the other, and records its calls. */
function scriptedLookup(...answers: readonly (readonly string[])[]) {
  const asked: string[] = []
  const left = [...answers]
  const lookup = async (hostname: string) => {
    asked.push(hostname)
    const answer = left.shift()
    if (answer === undefined) throw new Error('The script has no more answers.')
    return answer
  }
  return { asked, lookup }
}

const outside = { development: false }
const listed = { development: true }

describe('a name', () => {
  test('is asked for once, and the first of its public addresses is pinned', async () => {
    const { asked, lookup } = scriptedLookup(['2606:4700::1111', '8.8.8.8'])
    const address = await pinAddress(new URL('https://shop.example/'), { ...outside, lookup })
    expect(address).toBe('2606:4700::1111')
    expect(asked).toEqual(['shop.example'])
  })

  test.each([
    ['private IPv4', ['10.0.0.1'], '10.0.0.1'],
    ['private IPv6', ['fd12::1'], 'fd12::1'],
    ['metadata', ['169.254.169.254'], '169.254.169.254'],
    ['mapped', ['::ffff:127.0.0.1'], '::ffff:127.0.0.1'],
    ['public first', ['8.8.8.8', '127.0.0.1'], '127.0.0.1'],
    ['private first', ['127.0.0.1', '8.8.8.8'], '127.0.0.1'],
    ['public IPv4, private IPv6', ['8.8.8.8', '2606:4700::1111', '::1'], '::1'],
  ])('is refused for any address that is not public: %s', async (_what, answer, named) => {
    const { lookup } = scriptedLookup(answer)
    const pinned = pinAddress(new URL('https://shop.example/'), { ...outside, lookup })
    await expect(pinned).rejects.toMatchObject({
      code: 'request_refused',
      message: `shop.example stands for ${named}, which is not a public address. Ask for a public host, or list shop.example in development.hosts while developing.`,
    })
  })

  test('is checked anew every time: what was public may be private now', async () => {
    const { asked, lookup } = scriptedLookup(['8.8.8.8'], ['127.0.0.1'])
    const url = new URL('https://rebind.example/')
    expect(await pinAddress(url, { ...outside, lookup })).toBe('8.8.8.8')
    await expect(pinAddress(url, { ...outside, lookup })).rejects.toMatchObject({
      code: 'request_refused',
    })
    expect(asked).toEqual(['rebind.example', 'rebind.example'])
  })

  test('that cannot be resolved is a failure with its cause', async () => {
    const cause = new Error('ENOTFOUND')
    const lookup = () => Promise.reject(cause)
    const pinned = pinAddress(new URL('https://shop.example/'), { ...outside, lookup })
    await expect(pinned).rejects.toMatchObject({
      code: 'dns',
      message: 'shop.example could not be resolved',
      cause,
    })
  })

  test('without addresses is a failure', async () => {
    const { lookup } = scriptedLookup([])
    const pinned = pinAddress(new URL('https://shop.example/'), { ...outside, lookup })
    await expect(pinned).rejects.toMatchObject({ code: 'dns' })
  })

  test('whose answer is no address is refused, and the answer is not repeated', async () => {
    const { lookup } = scriptedLookup(['8.8.8.8\u202e'])
    const pinned = pinAddress(new URL('https://shop.example/'), { ...outside, lookup })
    await expect(pinned).rejects.toMatchObject({
      code: 'request_refused',
      message: expect.stringContaining('stands for something that is no IP address'),
    })
  })
})

describe('a literal', () => {
  test.each([
    ['https://8.8.8.8/', '8.8.8.8'],
    ['https://[2606:4700::1111]/', '2606:4700::1111'],
  ])('%s is pinned without a lookup', async (text, address) => {
    const { asked, lookup } = scriptedLookup()
    expect(await pinAddress(new URL(text), { ...outside, lookup })).toBe(address)
    expect(asked).toEqual([])
  })

  test.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://0.0.0.0/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://168.63.129.16/',
    'https://100.100.100.200/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[2002:7f00:1::]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
  ])('%s is refused', async (text) => {
    const pinned = pinAddress(new URL(text), outside)
    await expect(pinned).rejects.toMatchObject({ code: 'request_refused' })
  })
})

describe('a host listed for development', () => {
  test.each(['localhost', 'shop.localhost', 'a.b.localhost'])(
    '%s is 127.0.0.1 without a lookup',
    async (host) => {
      const { asked, lookup } = scriptedLookup()
      const url = new URL(`http://${host}:8402/`)
      expect(await pinAddress(url, { ...listed, lookup })).toBe('127.0.0.1')
      expect(asked).toEqual([])
    },
  )

  test.each(['127.0.0.2', '192.168.1.10', '::1', 'fd12::1', '8.8.8.8'])(
    'may stand for %s',
    async (address) => {
      const { lookup } = scriptedLookup([address])
      const url = new URL('http://shop.test/')
      expect(await pinAddress(url, { ...listed, lookup })).toBe(address)
    },
  )

  test('may never stand for a metadata service', async () => {
    const { lookup } = scriptedLookup(['169.254.169.254'])
    const pinned = pinAddress(new URL('http://shop.test/'), { ...listed, lookup })
    await expect(pinned).rejects.toMatchObject({
      code: 'request_refused',
      message:
        'shop.test stands for 169.254.169.254, which is neither public nor local to this machine or its network. Serve it from a loopback, private or public address.',
    })
  })

  test('a name that only ends in the same letters is looked up', async () => {
    const { asked, lookup } = scriptedLookup(['127.0.0.1'])
    await pinAddress(new URL('http://notlocalhost/'), { ...listed, lookup })
    expect(asked).toEqual(['notlocalhost'])
  })
})

test('localhost is refused when it is not listed, and no resolver is asked', async () => {
  const { asked, lookup } = scriptedLookup(['8.8.8.8'])
  const pinned = pinAddress(new URL('https://shop.localhost/'), { ...outside, lookup })
  await expect(pinned).rejects.toMatchObject({ code: 'request_refused' })
  expect(asked).toEqual([])
})

test('the system resolver is asked for all addresses when there is no other', async () => {
  const answers = [
    { address: '8.8.8.8', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]
  // The overload for one address comes first, and is what the mock is typed by.
  vi.mocked(lookup).mockResolvedValue(answers as unknown as LookupAddress)
  const pinned = pinAddress(new URL('https://shop.example/'), outside)
  await expect(pinned).rejects.toMatchObject({
    code: 'request_refused',
    message: expect.stringContaining('10.0.0.1'),
  })
  expect(lookup).toHaveBeenCalledExactlyOnceWith('shop.example', { all: true })
})
