// The HTML of pages. Every value in a template is escaped; only other templates and `raw` are not.

import { html as template, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

export { raw }
export type Html = HtmlEscapedString

/** The values of a template: text and numbers are escaped, null and false are nothing. */
export type Content = Html | string | number | null | undefined | false | readonly Content[]

export const EMPTY: Html = raw('')

/** Escapes each value. Nothing in it may be a promise. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  const made = template(strings, ...values.map(toTemplateValue))
  if (made instanceof Promise) throw new Error('A template contains a promise')
  return made
}

/** Joins pieces, such as the items of a list. */
export function join(pieces: readonly Content[], separator: Content = ''): Html {
  return html`${pieces.flatMap((piece, index) => (index === 0 ? [piece] : [separator, piece]))}`
}

/** Attributes whose value is null, undefined or false are left out; true has no value. */
export function attributes(
  values: Readonly<Record<string, string | number | boolean | null | undefined>>,
): Html {
  return join(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === null || value === undefined || value === false) return []
      return value === true ? [raw(` ${name}`)] : [html` ${raw(name)}="${value}"`]
    }),
  )
}

function toTemplateValue(value: Content): unknown {
  if (Array.isArray(value)) return value.map(toTemplateValue)
  return value === false || value === undefined || value === null ? '' : value
}
