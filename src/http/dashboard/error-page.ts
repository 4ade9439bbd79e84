// The page of an error: what was wrong, where, and what to do. An error without a code is a bug,
// and its page reveals nothing of it.

import type { ErrorCode } from '../../core/error-table.ts'
import { toErrorResponse } from '../../core/error-response.ts'
import { html, type Html } from './html.ts'
import { words } from './parts/blocks.ts'
import { icon } from './parts/icons.ts'

/** Hints for people, where the hint of the error table is for programs. */
const HINTS: { readonly [Code in ErrorCode]?: string } = {
  'request/invalid': 'Change the filters, or open the page without them.',
  'request/unknown-path': 'Check the address, or begin at the overview.',
  'request/forbidden': 'Sign out, and sign in with ADMIN_KEY.',
  'request/unauthorized': 'Sign in with ADMIN_KEY, or with READ_KEY to only look.',
  'request/too-many-failures': 'Wait, and then sign in with the right key.',
  'db/unreachable':
    'This page tries again by itself. If it stays like this, check that Postgres runs and that DATABASE_URL reaches it.',
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'This address is not complete',
  401: 'You are not signed in',
  403: 'You may not do that',
  404: 'This page does not exist',
  409: 'That is not possible now',
  429: 'Too many wrong keys',
  503: 'The database does not respond',
}

export interface ErrorPage {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly title: string
  readonly main: Html
}

/** `path`: where it happened. */
export function describeErrorPage(error: unknown, path: string, correlationId: string): ErrorPage {
  const { status, headers, body } = toErrorResponse(error, correlationId, HINTS)
  const { code, message, hint } = body.error
  const title =
    code === 'request/invalid'
      ? 'The filters are not valid'
      : (TITLES[status] ?? 'Something went wrong')
  const main = html`<section class="error-page">
    <h1>${icon('warning')} ${title}</h1>
    <p>${message}.</p>
    <p>${words(hint)}</p>
    <p class="actions">
      ${
        status === 404
          ? html`<a href="/" role="button" class="main-button">Overview</a>`
          : html`<a href="${path}" role="button" class="main-button"
                >${code === 'request/invalid' ? 'Open without filters' : 'Try again'}</a
              >
              <a href="/">Overview</a>`
      }
    </p>
    <dl class="facts">
      <div>
        <dt>Page</dt>
        <dd><code>${path}</code></dd>
      </div>
      <div>
        <dt>Code</dt>
        <dd><code>${code ?? 'internal error'}</code></dd>
      </div>
      <div>
        <dt>Correlation id</dt>
        <dd><code>${correlationId}</code></dd>
      </div>
    </dl>
  </section>`
  return { status, headers, title, main }
}
