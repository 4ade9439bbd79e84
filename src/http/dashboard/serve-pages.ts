// Serves the pages: finds the session, renders, executes actions, streams live regions, and turns
// errors into pages.

import { gzipSync } from 'node:zlib'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { SyncError } from '../../core/errors.ts'
import { toSyncError } from '../../db/errors.ts'
import type { App } from '../server/app.ts'
import { RESPONSE_MS, withDeadline } from '../server/deadline.ts'
import type { KeyCheck } from '../server/key-check.ts'
import { sendError, type ServerEnv } from '../server/responses.ts'
import { loadAssets, type Assets } from './assets.ts'
import { describeErrorPage } from './error-page.ts'
import { readFields, toFields, type Fields } from './forms.ts'
import type { Html } from './html.ts'
import { bareLayout, layout } from './layout.ts'
import { LiveStreams, readRegions, streamRegions } from './live.ts'
import { NAVIGATION, type NavigationEntry } from './navigation.ts'
import { leaveNotice, takeNotice } from './notices.ts'
import type { DashboardPage, DashboardServices, RawInput, User } from './page.ts'
import { PAGES } from './pages.ts'
import { redactHtml } from './redact-html.ts'
import { toOwnPath } from './return-address.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { isCsrfToken, type Session, type Sessions } from './sessions.ts'
import { signIn, signInForm, type SignInResult } from './sign-in.ts'
import { readTheme, saveTheme } from './theme.ts'

export interface DashboardOptions extends DashboardServices {
  readonly checkKey: KeyCheck
  readonly sessions: Sessions
  /** Called with the result of every sign-in. */
  readonly onSignIn?: (result: SignInResult) => void
  /** True if a READ_KEY is set, which the sign-in then mentions. */
  readonly hasReadKey: boolean
  /** Ends when the process stops: the open streams then end. */
  readonly stopping: AbortSignal
  /** Deadline of a page. Default 5,000 ms. */
  readonly responseMs?: number
  /** Default: those of pages.ts. */
  readonly pages?: readonly DashboardPage[]
}

/** State shared by all requests. */
interface Dashboard {
  readonly options: DashboardOptions
  readonly responseMs: number
  readonly assets: Assets
  readonly sessions: Sessions
  readonly streams: LiveStreams
  readonly navigation: readonly NavigationEntry[]
}

type WebContext = Context<ServerEnv>

/** Adds the pages to an app whose other routes respond in JSON. */
export function serveDashboard(app: App, options: DashboardOptions): void {
  const { pages = PAGES, settings, responseMs = RESPONSE_MS } = options
  const enabled = pages.filter(({ isEnabled }) => isEnabled(settings))
  const paths = new Set(enabled.map(({ path }) => path))
  const dashboard: Dashboard = {
    options,
    responseMs,
    assets: loadAssets(),
    sessions: options.sessions,
    streams: new LiveStreams(),
    navigation: NAVIGATION.filter(({ path }) => paths.has(path)),
  }
  app.use(setSecurityHeaders)
  app.get('/assets/:hash/:name', dashboard.assets.send)
  addAccountRoutes(app, dashboard)
  for (const page of enabled) addPage(app, dashboard, page)
  const jsonErrors = (c: WebContext): boolean =>
    c.req.path.startsWith('/api/') || c.req.path === '/mcp'
  app.notFound((c) => {
    const error = new SyncError('request/unknown-path', 'No page has this address')
    return jsonErrors(c) ? sendError(c, error) : sendErrorPage(c, dashboard, error)
  })
  app.onError((error, c) => {
    if (jsonErrors(c) || c.req.path === '/metrics') return sendError(c, error)
    return sendErrorPage(c, dashboard, error)
  })
}

function addAccountRoutes(app: App, dashboard: Dashboard): void {
  const { options, sessions, assets } = dashboard
  const { webUrl } = options.settings
  const tools = { ...options, sessions }
  const sendForm = (c: WebContext, status: ContentfulStatusCode, main: Html): Response =>
    sendPage(
      c,
      status,
      bareLayout({ assets, theme: readTheme(c), title: 'Sign in', main, isLive: false }),
    )
  app.get('/sign-in', (c) => {
    const to = toOwnPath(c.req.query('to'))
    const main = signInForm({ to, name: '', problem: null, hasReadKey: tools.hasReadKey })
    return sendForm(c, 200, main)
  })
  app.post('/sign-in', async (c) => {
    const signed = await signIn(c, await readFields(c, webUrl), tools)
    return 'to' in signed ? c.redirect(signed.to, 303) : sendForm(c, signed.status, signed.main)
  })
  app.post('/sign-out', async (c) => {
    await readSignedForm(c, dashboard)
    await sessions.end(c)
    return c.redirect('/sign-in', 303)
  })
  app.post('/theme', async (c) => {
    const { fields } = await readSignedForm(c, dashboard)
    saveTheme(c, fields['theme'])
    return c.redirect(toOwnPath(fields['back']), 303)
  })
}

function addPage(app: App, dashboard: Dashboard, page: DashboardPage): void {
  app.get(page.path, async (c) => {
    const session = page.access === 'public' ? null : await dashboard.sessions.find(c)
    if (page.access === 'key' && session === null) return requireSignIn(c)
    const { pathname, search, searchParams } = new URL(c.req.url)
    const user = toUser(session, pathname + search)
    const read = (signal: AbortSignal): RawInput => ({
      ...toVisit(c, dashboard, user),
      params: c.req.param(),
      fields: toFields(searchParams),
      request: c.req.raw,
      signal,
    })
    if (c.req.header('Accept') === 'text/event-stream')
      return streamPage(c, dashboard, { page, session, read })
    const rendering = page.render(read(AbortSignal.timeout(dashboard.responseMs)))
    const rendered = await withDeadline(rendering, dashboard.responseMs)
    if (rendered instanceof Response) return rendered
    const { title, main, status = 200, assets: own = [] } = rendered
    const isLive = readRegions(main).size > 0
    const frame = { assets: dashboard.assets, theme: readTheme(c), title, main, isLive, own }
    if (session === null) return sendPage(c, status, bareLayout(frame))
    const { navigation } = dashboard
    const notice = takeNotice(c)
    return sendPage(c, status, layout({ ...frame, user, path: pathname, navigation, notice }))
  })
  for (const [name, run] of page.actions)
    app.post(page.path === '/' ? `/${name}` : `${page.path}/${name}`, (c) => act(c, dashboard, run))
}

interface StreamedPage {
  readonly page: DashboardPage
  readonly session: Session | null
  readonly read: (signal: AbortSignal) => RawInput
}

function streamPage(
  c: WebContext,
  { sessions, streams, options, responseMs }: Dashboard,
  { page, session, read }: StreamedPage,
): Response {
  return streamRegions(c, {
    streams,
    session: session?.token ?? 'public',
    stopping: options.stopping,
    async render(signal) {
      if (session !== null && (await sessions.find(c)) === null) return null
      const timed = AbortSignal.any([signal, AbortSignal.timeout(responseMs)])
      const rendered = await withDeadline(page.render(read(timed)), responseMs)
      return rendered instanceof Response ? '' : redactHtml(String(rendered.main), c.var.redact)
    },
  })
}

/** Executes an action, and returns to its page with a notice. */
async function act(
  c: WebContext,
  dashboard: Dashboard,
  run: (input: RawInput) => Promise<{ readonly notice: string; readonly to?: string }>,
): Promise<Response> {
  const { fields, session } = await readSignedForm(c, dashboard)
  if (!session.mayWrite)
    throw new SyncError('request/forbidden', 'You signed in with READ_KEY, which may only look')
  const { csrf: _, back, ...form } = fields
  const address = toOwnPath(back)
  const { signal } = c.req.raw
  const visit = toVisit(c, dashboard, toUser(session, address))
  try {
    const input = { ...visit, params: c.req.param(), fields: form, request: c.req.raw, signal }
    const { notice, to = address } = await withDeadline(run(input), dashboard.responseMs)
    leaveNotice(c, { tone: 'good', text: notice })
    return c.redirect(to, 303)
  } catch (thrown) {
    const error = toSyncError(thrown)
    if (!(error instanceof SyncError) || error.code.startsWith('db/')) throw error
    c.set('errorCode', error.code)
    leaveNotice(c, { tone: 'bad', text: `${error.message}. ${error.hint}` })
    return c.redirect(address, 303)
  }
}

/**
 * Returns the fields of a form and the session that sent it.
 *
 * @throws SyncError `request/unauthorized` · `request/other-site`
 */
async function readSignedForm(
  c: WebContext,
  { sessions, options }: Dashboard,
): Promise<{ readonly fields: Fields; readonly session: Session }> {
  const fields = await readFields(c, options.settings.webUrl)
  const session = await sessions.find(c)
  if (session === null)
    throw new SyncError('request/unauthorized', 'Your session has ended, and nothing was changed')
  if (!isCsrfToken(session, fields['csrf']))
    throw new SyncError('request/other-site', 'The form belongs to another session')
  return { fields, session }
}

/** A stream gets a status instead of a page. */
function requireSignIn(c: WebContext): Response {
  if (c.req.header('Accept') === 'text/event-stream') return c.body(null, 401)
  const { pathname, search } = new URL(c.req.url)
  const to = pathname + search
  return c.redirect(to === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(to)}`, 303)
}

function toVisit(c: WebContext, { options }: Dashboard, user: User) {
  return { services: options, user, correlationId: c.var.correlationId, log: c.var.log }
}

function toUser(session: Session | null, address: string): User {
  const { name = '', mayWrite = false, csrfToken = '' } = session ?? {}
  return { name, mayWrite, csrfToken, address }
}

function sendErrorPage(c: WebContext, { assets }: Dashboard, thrown: unknown): Response {
  const error = toSyncError(thrown)
  // Logs it; the JSON of the response is for programs.
  sendError(c, error)
  const { path } = c.req
  const { status, headers, title, main } = describeErrorPage(error, path, c.var.correlationId)
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  if (status === 503 && c.req.method === 'GET') c.header('Refresh', '10')
  const page = bareLayout({ assets, theme: readTheme(c), title, main, isLive: false })
  return sendPage(c, status as ContentfulStatusCode, page)
}

/**
 * Sends HTML without secrets, compressed. The cookie of a session is never sent from another site, so
 * that an attacker cannot learn from the length of a compressed page.
 */
function sendPage(c: WebContext, status: ContentfulStatusCode, page: Html): Response {
  const text = redactHtml(String(page), c.var.redact)
  const isGzip = /\bgzip\b/.test(c.req.header('Accept-Encoding') ?? '')
  const bytes = isGzip ? gzipSync(text, { level: 5 }) : Buffer.from(text)
  return c.body(Uint8Array.from(bytes), status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': String(bytes.byteLength),
    Vary: 'Accept-Encoding',
    ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
  })
}
