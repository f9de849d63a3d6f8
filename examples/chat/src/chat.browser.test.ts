import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chat, startChat } from './start-chat.ts'

/** Chromium without what it would look for in the network, and without a sandbox where root runs it. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

let chat: Chat
let browser: Browser
let page: Page
const problems: string[] = []

beforeAll(async () => {
  chat = await startChat(0)
  browser = await chromium.launch({
    executablePath: process.env.BURSAR_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: flags,
  })
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // What the server refuses is told as an error of the network as well.
    const isRefusal = message.text().includes('status of 400')
    if (message.type() === 'error' && !isRefusal) problems.push(message.text())
  })
  await page.goto(chat.url)
})

afterAll(async () => {
  await browser?.close()
  await chat?.close()
})

describe('a person with an allowance', () => {
  test('is told to set a budget, and nothing is paid without one', async () => {
    await ask('What does ACME cost now?')
    await seen('I have no budget to pay from.')
    await seen('None yet.')
    await picture('1-no-budget')
  })

  test('sets a budget, and sees what is left', async () => {
    await page.getByLabel('Budget, in dollars').fill('0.00')
    await page.getByRole('button', { name: 'Set the budget' }).click()
    await seen('must be an amount such as 1.00')
    await page.getByLabel('Budget, in dollars').fill('0.50')
    await page.getByLabel('Ask me above, in dollars').fill('0.02')
    await page.getByRole('button', { name: 'Set the budget' }).click()
    await seen('0.50 USD left of 0.50')
  })

  test('sees a small payment happen, with its receipt and what is left', async () => {
    await ask('What does ACME cost now?')
    await seen('ACME costs 103.40 USD.')
    await seen('0.49 USD left of 0.50')
    await expect(payments()).resolves.toEqual(['0.01 USD'])
    await picture('2-paid')
  })

  test('is asked about a larger one, on a card that the guard made, and says yes', async () => {
    await ask('Get me the report on ACME.')
    const card = page.getByRole('region', { name: 'Approval' })
    await card.getByRole('heading', { name: /^Pay 0\.25 USD to market\.localhost/ }).waitFor()
    await expect(card.textContent()).resolves.toMatch(/GET \/report\.pdf[\s\S]*0x[0-9a-f]{40}/i)
    await seen('0.49 USD left of 0.50')
    await picture('3-asked')
    await card.getByRole('button', { name: 'Pay 0.25 USD' }).click()
    await seen('0.24 USD left of 0.50')
    await expect(payments()).resolves.toEqual(['0.25 USD', '0.01 USD'])
    await picture('4-approved')
  })

  test('says no, and nothing is paid', async () => {
    await ask('Some background, please.')
    const card = page.getByRole('region', { name: 'Approval' })
    await card.getByRole('button', { name: 'Do not pay' }).click()
    await seen('Not paid: you said no')
    await expect(payments()).resolves.toHaveLength(2)
  })

  test('is not asked about what the budget cannot pay', async () => {
    await ask('Get all the records.')
    await seen('Not paid')
    await expect(payments()).resolves.toHaveLength(2)
  })

  test('withdraws, and from then on nothing is paid', async () => {
    await page.getByRole('button', { name: 'Withdraw the budget' }).click()
    await seen('The budget has ended.')
    await ask('Give me the article.')
    await seen('The budget was withdrawn, so I could not buy it.')
    await expect(payments()).resolves.toHaveLength(2)
    await picture('5-withdrawn')
  })

  test('has a page that can be used without seeing or pointing, in both colour schemes', async () => {
    await expect(hindrances()).resolves.toEqual([])
  })

  test('begins anew after a reload, with a new budget', async () => {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.reload()
    await page.getByRole('button', { name: 'Set a new budget' }).click()
    await seen('1.00 USD left of 1.00')
    await ask('What does ACME cost now?')
    await seen('ACME costs 103.40 USD.')
    await page.reload()
    await ask('Some background, please.')
    await seen('I have it.')
    await expect(payments()).resolves.toEqual(['0.05 USD', '0.01 USD'])
  })

  test('sees all of a question on a small screen, and answers it before anything else', async () => {
    await ask('Get me the report on ACME.')
    const card = page.getByRole('region', { name: 'Approval' })
    await card.getByRole('heading').waitFor()
    await expect(page.getByLabel('Ask the assistant').isDisabled()).resolves.toBe(true)
    await expect(page.getByRole('button', { name: 'Send' }).isDisabled()).resolves.toBe(true)
    for (const part of [card.getByRole('heading'), card.getByRole('button').last()]) {
      const { y = -1, height = 0 } = (await part.boundingBox()) ?? {}
      expect(y).toBeGreaterThanOrEqual(0)
      expect(y + height).toBeLessThanOrEqual(844)
    }
    await expect(hindrances()).resolves.toEqual([])
    await picture('6-small-dark')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await seen('0.69 USD left of 1.00')
    await expect(page.evaluate(() => document.activeElement?.id)).resolves.toBe('question')
    await page.emulateMedia({ colorScheme: 'light' })
    await picture('7-small')
  })

  test('met no error in the page', () => {
    expect(problems).toEqual([])
  })
})

test('a page of somebody else cannot withdraw, answer or pay', async () => {
  const foreign = { origin: 'https://evil.example' }
  const paths = ['budget', 'answer', 'revoke', 'chat']
  const answers = await Promise.all(
    paths.map((path) =>
      fetch(`${chat.url}/api/${path}`, {
        method: 'POST',
        headers: { ...foreign, 'content-type': 'text/plain' },
        body: '{}',
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 403))
})

async function ask(question: string): Promise<void> {
  await page.getByLabel('Ask the assistant').fill(question)
  await page.getByRole('button', { name: 'Send' }).click()
}

async function seen(text: string): Promise<void> {
  await page.getByText(text).first().waitFor()
}

/** Returns the accessibility violations of the page as it is now, in both colour schemes. */
async function hindrances(): Promise<unknown[]> {
  await page.evaluate(axe.source)
  const found: unknown[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    )
    found.push(...violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))
  }
  return found
}

/** The amounts that the page lists, newest first. */
async function payments(): Promise<string[]> {
  return page.locator('aside li .amount').allInnerTexts()
}

/** A picture to look at, if a folder for it is named. */
async function picture(name: string): Promise<void> {
  const folder = process.env.BURSAR_TEST_PICTURES
  if (folder === undefined) return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}
