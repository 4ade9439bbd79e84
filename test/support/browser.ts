// A real browser for tests: Debian's Chromium, driven by Playwright. It collects everything that a page
// must not do: script errors, violations of the Content-Security-Policy, and requests to other hosts.

import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import type { Lifetime } from './database.ts'

/** The first that exists is used. The headless shell needs a third less CPU time. */
const CHROMIUMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']
const CHROMIUM = CHROMIUMS.find((file) => existsSync(file))
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The option `skip` of a test that needs a browser. */
export const WITHOUT_BROWSER: string | false =
  CHROMIUM === undefined ? 'Chromium is not installed: apt-get install chromium' : false

/** A page of a busy machine may need longer than Playwright's 30 seconds. */
const PATIENCE_MS = 120_000

export const PHONE = { width: 390, height: 844 }
export const DESKTOP = { width: 1280, height: 900 }

export interface TabOptions {
  /** The `Cookie` header of a signed-in visitor. */
  readonly cookie?: string
  readonly size?: { readonly width: number; readonly height: number }
  readonly theme?: 'light' | 'dark'
  readonly javaScript?: boolean
}

export interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  /** Script errors, policy violations and requests to other hosts, in order. */
  readonly faults: readonly string[]
  close(): Promise<void>
}

export interface TestBrowser {
  /** Opens an empty tab with its own cookies. */
  open(url: string, options?: TabOptions): Promise<Tab>
}

export async function openBrowser(t: Lifetime): Promise<TestBrowser> {
  if (CHROMIUM === undefined) throw new Error(String(WITHOUT_BROWSER))
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, headless: true })
  t.after(() => browser.close())
  return { open: (url, options = {}) => openTab(browser, url, options) }
}

async function openTab(
  browser: Browser,
  url: string,
  { cookie = '', size = DESKTOP, theme = 'light', javaScript = true }: TabOptions,
): Promise<Tab> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: size,
    colorScheme: theme,
    javaScriptEnabled: javaScript,
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const cookies = cookie.split('; ').filter(Boolean)
  await context.addCookies(
    cookies.map((one) => {
      const [name = '', ...value] = one.split('=')
      return { name, value: value.join('='), url }
    }),
  )
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', ({ message }) => faults.push(`script error: ${message}`))
  page.on('console', (message) => {
    if (message.type() !== 'error' || isExpected(message.text())) return
    faults.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(url).origin && protocol !== 'data:')
      faults.push(`external request: ${request.url()}`)
  })
  return { page, context, faults, close: () => context.close() }
}

/** The console also reports responses with an error status, which tests request on purpose. */
function isExpected(text: string): boolean {
  return text.startsWith('Failed to load resource')
}
