import { readFileSync } from 'node:fs'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { withoutSession } from '../session/tool.ts'
import {
  type Denial,
  type DenialCode,
  type DenialFacts,
  denialCodes,
  deny,
  firstDenial,
} from './denial.ts'

/** The facts of the examples in `docs/reference/denials.md`. */
const facts: DenialFacts = {
  amountMicro: 7_000_000n,
  limitMicro: 5_000_000n,
  remainingMicro: 2_000_000n,
  currency: 'USD',
  host: 'api.example.com',
  problem: 'body: GET takes none',
}

describe('the texts', () => {
  test.each(denialCodes)(
    'of %s are two: a short one for the model, everything for the operator',
    (code) => {
      const cause = 'policy nights: payee 0xbadbadbadbadbadbadbadbadbadbadbadbadbad0 of del_1'
      const { message, detail, code: own } = deny(code, { ...facts, cause })
      expect(own).toBe(code)
      expect(message).not.toMatch(/0xbad|policy|del_1|nights/)
      expect(message).toMatch(/^[A-Z].*\.$/)
      expect(message.length).toBeLessThan(200)
      expect(detail).toBe(
        `${code}: host api.example.com; amount 7.00 USD; limit 5.00 USD; remaining 2.00 USD; body: GET takes none; ${cause}`,
      )
    },
  )

  test.each(denialCodes)('of %s need no facts, and then leave no gap', (code) => {
    const { message, detail } = deny(code)
    expect(message).not.toMatch(/undefined|null| {2}|\.\.|: \./)
    expect(message).toMatch(/^[A-Z].*\.$/)
    expect(detail).toBe(code)
  })

  test('say what to do: nothing is said in two ways', () => {
    const messages = denialCodes.map((code) => deny(code, facts).message)
    expect(new Set(messages).size).toBe(denialCodes.length)
    for (const message of messages) {
      expect(message).toMatch(
        /Do not try again|Tell the user|Ask for something cheaper|without paying|Use another|Make a new|Correct it|Wait a minute|Ask again/,
      )
    }
  })

  test('for the operator are bounded, whatever a merchant wrote', () => {
    const { detail } = deny('challenge_invalid', { cause: '🌦'.repeat(1_000_000) })
    expect(detail.length).toBe(1_000)
    expect(detail.isWellFormed()).toBe(true)
  })

  test('end a sentence once', () => {
    const problem = 'The URL has port 25. Use 80, 443, or a port from 1024 on.'
    expect(deny('request_not_allowed', { problem }).message).toBe(
      'This request is not allowed: The URL has port 25. Use 80, 443, or a port from 1024 on. Correct it or leave it.',
    )
  })

  test('of a call without a session are the same everywhere', () => {
    expect(withoutSession().message).toBe(deny('session_unknown').message)
  })

  test('are chosen by a code of the union only', () => {
    expectTypeOf<Denial['code']>().toEqualTypeOf<(typeof denialCodes)[number]>()
    expectTypeOf<'forbidden'>().not.toExtend<DenialCode>()
  })
})

describe('the order of precedence', () => {
  test('is the order of the codes, whatever order they are found in', () => {
    const all = denialCodes.map((code) => deny(code))
    expect(firstDenial(all)?.code).toBe('session_unknown')
    expect(firstDenial(all.toReversed())?.code).toBe('session_unknown')
    denialCodes.slice(1).forEach((code, index) => {
      const before = denialCodes[index] as DenialCode
      expect(firstDenial([deny(code), deny(before)])?.code).toBe(before)
      expect(firstDenial([deny(before), deny(code)])?.code).toBe(before)
    })
  })

  test('of two with the same code the first is answered, and of none nothing', () => {
    const first = deny('session_revoked', { cause: 'session ses_1' })
    expect(firstDenial([first, deny('session_revoked', { cause: 'session ses_2' })])).toBe(first)
    expect(firstDenial([])).toBe(undefined)
  })

  test('names each code once', () => {
    expect(new Set(denialCodes).size).toBe(denialCodes.length)
  })
})

describe('docs/reference/denials.md', () => {
  const page = readFileSync(
    new URL('../../../../docs/reference/denials.md', import.meta.url),
    'utf8',
  )
  const sections = page
    .split(/^## `/m)
    .slice(1)
    .map((section) => ({
      code: section.slice(0, section.indexOf('`')),
      model: /^> (.*)$/m.exec(section)?.[1],
      operator: /^Operator: ([a-z][^#>]+)\n$/m.exec(section)?.[1],
      meaning: section.split('\n\n')[1] ?? '',
    }))

  test('has every code, in order of precedence', () => {
    expect(sections.map(({ code }) => code)).toEqual([...denialCodes])
  })

  test.each(denialCodes)(
    'has of %s its meaning, the text for the model and the way out',
    (code) => {
      const section = sections.find((one) => one.code === code)
      expect(section?.model).toBe(deny(code, facts).message)
      expect(section?.operator?.length).toBeGreaterThan(20)
      expect(section?.meaning).toMatch(/^[A-Z][^>]{20,}\.$/s)
    },
  )
})
