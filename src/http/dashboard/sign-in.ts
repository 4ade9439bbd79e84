// The sign-in: a key, and the name under which decisions are recorded.

import type { Context } from 'hono'
import { z } from 'zod'
import { SyncError } from '../../core/errors.ts'
import { isReservedName } from '../../core/reserved-name.ts'
import { escapeControls } from '../../lib/escape-controls.ts'
import type { KeyCheck, KeyKind } from '../server/key-check.ts'
import type { ServerEnv } from '../server/responses.ts'
import type { Fields } from './forms.ts'
import { attributes, EMPTY, html, type Html } from './html.ts'
import { notice } from './parts/blocks.ts'
import { toOwnPath } from './return-address.ts'
import type { Sessions } from './sessions.ts'

const NAME_CHARS_MAX = 60

const Form = z.object({
  key: z.string().trim().min(1).max(1000),
  name: z.string().trim().min(1).max(NAME_CHARS_MAX).refine(isVisible),
})

export type SignInResult = 'accepted' | 'wrong' | 'limited'

export interface SignInTools {
  readonly checkKey: KeyCheck
  /** Called with the result of every sign-in. */
  readonly onSignIn?: (result: SignInResult) => void
  readonly sessions: Sessions
  readonly hasReadKey: boolean
}

interface SignInPage {
  readonly status: 200 | 400 | 401 | 403 | 429
  readonly main: Html
}

/** Signs in and returns the path to go to, or the page with the reason of the refusal. */
export async function signIn(
  c: Context<ServerEnv>,
  fields: Fields,
  { checkKey, sessions, hasReadKey, onSignIn = () => undefined }: SignInTools,
): Promise<{ readonly to: string } | SignInPage> {
  const to = toOwnPath(fields['to'])
  const name = typeof fields['name'] === 'string' ? fields['name'] : ''
  const refuse = (status: SignInPage['status'], problem: string): SignInPage => ({
    status,
    main: signInForm({ to, name, problem, hasReadKey }),
  })
  const { data } = Form.safeParse(fields)
  if (!data)
    return refuse(400, `Enter a key, and a name of at most ${NAME_CHARS_MAX} visible characters.`)
  if (isReservedName(data.name))
    return refuse(400, `“${data.name}” stands for decisions without a person. Enter your own name.`)
  const kind = await findKind(c, data.key, checkKey)
  if (typeof kind !== 'string') {
    onSignIn(kind.status === 429 ? 'limited' : 'wrong')
    return refuse(kind.status, kind.problem)
  }
  if (kind === 'sync') {
    onSignIn('wrong')
    return refuse(403, 'A SYNC_KEY opens no dashboard. Use ADMIN_KEY, or READ_KEY to only look.')
  }
  await sessions.open(c, { name: data.name, mayWrite: kind === 'admin', key: data.key })
  c.var.log.info({ person: data.name, mayWrite: kind === 'admin' }, 'signed in')
  onSignIn('accepted')
  return { to }
}

interface Refusal {
  readonly status: 401 | 429
  readonly problem: string
}

async function findKind(
  c: Context<ServerEnv>,
  key: string,
  check: KeyCheck,
): Promise<KeyKind | Refusal> {
  try {
    // Keys in headers are decoded as Latin-1, so the check expects that.
    return await check(Buffer.from(key).toString('latin1'), c.var)
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    c.set('errorCode', error.code)
    if (error.code === 'request/unauthorized') return { status: 401, problem: 'The key is wrong.' }
    if (error.code !== 'request/too-many-failures') throw error
    const seconds = Math.ceil((error.retryAfterMs ?? 0) / 1000)
    c.header('Retry-After', String(seconds))
    return {
      status: 429,
      problem: `Too many wrong keys came from your network. Wait ${seconds} s; the right key works at once.`,
    }
  }
}

interface FormOptions {
  readonly to: string
  readonly name: string
  readonly problem: string | null
  readonly hasReadKey: boolean
}

export function signInForm({ to, name, problem, hasReadKey }: FormOptions): Html {
  const described = attributes({
    'aria-invalid': problem === null ? null : 'true',
    'aria-describedby': problem === null ? null : 'problem',
  })
  return html`<section class="sign-in">
    <h1>Sign in</h1>
    ${problem === null ? EMPTY : html`<div id="problem" role="alert">${notice('bad', problem)}</div>`}
    <form method="post" action="/sign-in">
      <input type="hidden" name="to" value="${to}" />
      <label
        ><span>Your name</span
        ><input
          type="text"
          name="name"
          value="${name}"
          autocomplete="username"
          required
          maxlength="${NAME_CHARS_MAX}"
          ${attributes({ autofocus: name === '' })}
      /></label>
      <p class="help">It is recorded with everything that you decide.</p>
      <label
        ><span>Key</span
        ><input
          type="password"
          name="key"
          autocomplete="current-password"
          required${described}${attributes({ autofocus: name !== '' })}
      /></label>
      <p class="help">
        The value of
        <code>ADMIN_KEY</code
        >${hasReadKey ? html`, or of <code>READ_KEY</code> to only look` : EMPTY}.
      </p>
      <button type="submit" class="main-button">Sign in</button>
    </form>
  </section>`
}

/** The name stands in logs and terminals. */
function isVisible(name: string): boolean {
  return escapeControls(name) === name
}
