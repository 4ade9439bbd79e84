// The links to the first and the next page of a list with a cursor.

import { html, type Html } from '../html.ts'
import { withQuery } from './addresses.ts'
import { icon } from './icons.ts'

interface PagerOptions {
  /** The address of this page: `user.address`. */
  readonly address: string
  /** The cursor after the last row, or null at the end of the list. */
  readonly next: string | number | null
  /** The name of the cursor in the address. Default: `after`. */
  readonly parameter?: string
}

export function pager({ address, next, parameter = 'after' }: PagerOptions): Html {
  const isFirst = !new URL(address, 'http://here.invalid').searchParams.has(parameter)
  if (isFirst && next === null) return html``
  return html`<nav class="pager" aria-label="Pages of the list">
    ${isFirst ? html`<span></span>` : html`<a href="${withQuery(address, { [parameter]: null })}">${icon('previous')} First page</a>`}
    ${next === null ? html`<span class="quiet">End of the list</span>` : html`<a href="${withQuery(address, { [parameter]: next })}" rel="next">Next page ${icon('next')}</a>`}
  </nav>`
}
