import { describe, expect, test } from 'vitest'
import { BursarError } from './errors.ts'
import { parseResourceUrl } from './resource-url.ts'

function refusal(text: string): string {
  try {
    parseResourceUrl(text)
  } catch (error) {
    if (BursarError.isInstance(error) && error.code === 'request_refused') return error.message
    throw error
  }
  return 'accepted'
}

describe('parseResourceUrl', () => {
  test.each([
    ['https://api.example.com/a?b=c', 'https://api.example.com/a?b=c'],
    ['HTTPS://API.Example.COM/A', 'https://api.example.com/A'],
    ['http://api.example.com', 'http://api.example.com/'],
    ['https://api.example.com./a', 'https://api.example.com/a'],
    ['https://api.example.com.:8443/', 'https://api.example.com:8443/'],
    ['https://api.example.com:443/', 'https://api.example.com/'],
    ['https://api.example.com:80/', 'https://api.example.com:80/'],
    ['https://api.example.com:1024/', 'https://api.example.com:1024/'],
    ['https://api.example.com/a#token=secret', 'https://api.example.com/a'],
    ['https://api.example.com/a@b', 'https://api.example.com/a@b'],
    ['https://api.example.com?user@host', 'https://api.example.com/?user@host'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://ex%61mple.com/', 'https://example.com/'],
    ['https://api_1.example.com/', 'https://api_1.example.com/'],
    // The Cyrillic letter is not the Latin one, and punycode shows it.
    ['https://аpi.example.com/', 'https://xn--pi-6kc.example.com/'],
    ['https://[2606:4700::1111]/', 'https://[2606:4700::1111]/'],
    // A percent-encoded letter is the letter, and policies are asked about one spelling.
    ['https://api.example.com/%61dmin?%6bey=%7E', 'https://api.example.com/admin?key=~'],
    ['https://api.example.com/a%2Fb%20c?d=%26', 'https://api.example.com/a%2Fb%20c?d=%26'],
    ['https://api.example.com/%2561dmin', 'https://api.example.com/%2561dmin'],
    ['https://api.example.com/%%36%31dmin', 'https://api.example.com/admin'],
    ['https://api.example.com/a/%%32E%%32e/b', 'https://api.example.com/b'],
    ['https://api.example.com/100%?', 'https://api.example.com/100%?'],
    // Every spelling of an IPv4 address becomes the one that is checked.
    ['https://127.1/', 'https://127.0.0.1/'],
    ['https://0x7f.1/', 'https://127.0.0.1/'],
    ['https://0177.0.0.1/', 'https://127.0.0.1/'],
    ['https://2130706433/', 'https://127.0.0.1/'],
    ['https://127.0.0.1./', 'https://127.0.0.1/'],
    ['https://①②⑦.⓪.⓪.①/', 'https://127.0.0.1/'],
  ])('reads %s', (text, href) => {
    expect(parseResourceUrl(text).href).toBe(href)
  })

  test.each([
    'file:///etc/passwd',
    'data:text/plain,hello',
    'gopher://example.com/_GET',
    'ftp://example.com/',
    'javascript:alert(1)',
    'blob:https://example.com/1',
    'ws://example.com/',
    '//example.com/',
    '/path',
    'example.com',
    'https:example.com',
    'https:/example.com',
    'https://',
    'https:///example.com',
    'https://?',
    '',
  ])('refuses %j: not an absolute http or https URL', (text) => {
    expect(refusal(text)).toBe(
      'The URL is not an absolute http or https URL. Give one such as https://host/path.',
    )
  })

  test.each([
    'https://user:secret@example.com/',
    'https://user@example.com/',
    'https://@example.com/',
    'https://:@example.com/',
    'https://good.example@evil.example/',
    'https://good.example%40x@evil.example/',
  ])('refuses %j: user info', (text) => {
    expect(refusal(text)).toBe(
      'The URL has user info before its host. Leave it out; credentials belong in a header.',
    )
  })

  test.each([
    ' https://example.com/',
    'https://example.com/ ',
    'https://example.com/a b',
    'https://exam\tple.com/',
    'https://exam\nple.com/',
    'https://example.com/\r\nhost: evil',
    'https://example.com/\u0000',
    'https://example.com/\u00a0',
    'https://example.com/\u202egpj.exe',
    'https://exam\u200bple.com/',
    'https://exam\u00adple.com/',
    'https://example.com/\ud800',
    'https://good.example\\@evil.example/',
    'https:\\\\example.com',
  ])('refuses %j: characters that are not seen or read in two ways', (text) => {
    expect(refusal(text)).toBe(
      'The URL contains whitespace, a backslash, or a control or invisible character. Percent-encode it.',
    )
  })

  test.each([
    'https://exa%20mple.com/',
    'https://example.com:99999/',
    'https://example.com:-1/',
    'https://example.com:1e3/',
    'https://[::1/',
    'https://[fe80::1%25eth0]/',
    'https://1.2.3.4.5/',
    'https://256.1.1.1/',
    'https://%00/',
  ])('refuses %j: host or port not valid', (text) => {
    expect(refusal(text)).toBe('The URL has a host or port that is not valid. Correct it.')
  })

  test.each([
    'https://a..b/',
    'https://example.com../',
    'https://.example.com/',
    'https://./',
    'https://*.example.com/',
    "https://a'b.example/",
    'https://a;b.example/',
    `https://${'a'.repeat(64)}.example/`,
    `https://${'a.'.repeat(130)}example/`,
  ])('refuses %j: a name that DNS cannot carry', (text) => {
    expect(refusal(text)).toBe(
      'The URL has a host name that DNS cannot carry. Give the host as its owner writes it.',
    )
  })

  test.each([0, 1, 22, 25, 79, 81, 442, 444, 1023])('refuses port %i', (port) => {
    const text = `https://example.com:${port}/`
    expect(refusal(text)).toBe(`The URL has port ${port}. Use 80, 443, or a port from 1024 on.`)
  })

  test('keeps to 2,048 characters, before and after percent-encoding', () => {
    const start = 'https://example.com/'
    const longest = start.padEnd(2_048, 'a')
    expect(parseResourceUrl(longest).href).toBe(longest)
    expect(refusal(`${longest}a`)).toBe('The URL is 2049 characters long. Keep it within 2048.')
    expect(refusal(start + 'é'.repeat(400))).toBe(
      'The URL is 2420 characters long. Keep it within 2048.',
    )
  })

  test('refuses what is not a string', () => {
    const notText = new URL('https://example.com/') as unknown as string
    expect(refusal(notText)).toBe('The URL is not a string. Give an absolute https URL.')
  })

  test('repeats nothing of what was given', () => {
    expect(refusal('https://user:hunter2@example.com/')).not.toContain('hunter2')
  })
})
