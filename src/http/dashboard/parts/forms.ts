// Forms: filters, whose values are in the address, and actions, which change something. Every form
// works without a script.

import { attributes, EMPTY, html, type Content, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { icon, type IconName } from './icons.ts'

export type Option = string | { readonly value: string; readonly label: string }

export type Field =
  | {
      readonly kind: 'search' | 'text' | 'number' | 'date'
      readonly name: string
      readonly label: string
      readonly value: string | number | null | undefined
      readonly placeholder?: string
    }
  | {
      readonly kind: 'select'
      readonly name: string
      readonly label: string
      readonly value: string | null | undefined
      readonly options: readonly Option[]
      /** The option for no filter. */ readonly any?: string
    }
  | {
      /** Text of several lines. */
      readonly kind: 'area'
      readonly name: string
      readonly label: string
      readonly value: string
      readonly placeholder?: string
    }
  | {
      readonly kind: 'checkbox'
      readonly name: string
      readonly label: string
      readonly value: boolean
    }
  | { readonly kind: 'hidden'; readonly name: string; readonly value: string }

interface FilterOptions {
  readonly path: string
  readonly fields: readonly Field[]
  /** The element whose content the filters change, so that a script replaces only that. */
  readonly results?: string
}

/** A form whose fields become the query of the address. With a script, it applies at once. */
export function filterForm({ path, fields, results }: FilterOptions): Html {
  const isFiltered = fields.some((one) => one.kind !== 'hidden' && Boolean(one.value))
  return html`<search>
    <form class="filters" method="get" action="${path}" ${attributes({ 'data-results': results })}>
      ${fields.map(field)}
      <div class="filter-buttons">
        <button type="submit" class="quiet-button">Apply</button
        >${isFiltered ? html` <a href="${path}">Clear</a>` : EMPTY}
      </div>
    </form>
  </search>`
}

export function field(given: Field): Html {
  if (given.kind === 'hidden')
    return html`<input type="hidden" name="${given.name}" value="${given.value}" />`
  if (given.kind === 'checkbox')
    return html`<label class="check"
      ><input
        type="checkbox"
        name="${given.name}"
        value="true"
        ${attributes({ checked: given.value })}
      />
      ${given.label}</label
    >`
  if (given.kind === 'select') return selectField(given)
  if (given.kind === 'area')
    return html`<label
      ><span>${given.label}</span
      ><textarea
        name="${given.name}"
        rows="4"
        spellcheck="false"
        ${attributes({ placeholder: given.placeholder })}
      >
${given.value}</textarea>
    </label>`
  const { kind, name, label, value, placeholder } = given
  return html`<label
    ><span>${label}</span
    ><input
      type="${kind}"
      name="${name}"
      value="${value ?? ''}"
      ${attributes({ placeholder, step: kind === 'number' ? 'any' : null })}
  /></label>`
}

function selectField({
  name,
  label,
  value,
  options,
  any,
}: Extract<Field, { kind: 'select' }>): Html {
  const all = options.map((option) =>
    typeof option === 'string' ? { value: option, label: option } : option,
  )
  return html`<label
    ><span>${label}</span
    ><select name="${name}">
      ${any === undefined ? EMPTY : html`<option value="">${any}</option>`}
      ${all.map((option) => html`<option value="${option.value}" ${attributes({ selected: option.value === value })}>${option.label}</option>`)}
    </select></label
  >`
}

interface ActionOptions {
  readonly user: User
  /** The path of the action, such as `/runs/5/approve`. */
  readonly action: string
  readonly label: string
  /** Fields that are sent without being shown. */
  readonly values?: Readonly<Record<string, string | number | readonly string[]>>
  /** Fields that the person fills in. */
  readonly fields?: Content
  /** A question: the button opens it, and a second button in it confirms. */
  readonly confirm?: {
    readonly question: string
    readonly detail?: Content
    readonly label?: string
  }
  readonly tone?: 'main' | 'quiet' | 'danger'
  readonly icon?: IconName
}

/** A button that posts. A person who may only look sees nothing. */
export function actionForm(options: ActionOptions): Html {
  const { user, label, confirm, tone = 'quiet' } = options
  if (!user.mayWrite) return EMPTY
  const mark = options.icon === undefined ? EMPTY : icon(options.icon)
  if (confirm === undefined)
    return html`<form class="action" method="post" action="${options.action}">
      ${hiddenFields(options)}${options.fields}<button type="submit" class="${tone}-button">
        ${mark}${label}
      </button>
    </form>`
  // Without a script this is a disclosure; with one it is a modal dialog.
  return html`<details class="confirm" data-confirm>
    <summary role="button" class="${tone}-button">${mark}${label}</summary>
    <form method="post" action="${options.action}" class="confirm-box">
      <p><strong>${confirm.question}</strong></p>
      ${confirm.detail} ${hiddenFields(options)}${options.fields}
      <div class="confirm-buttons">
        <button type="button" class="quiet-button" data-close hidden>Cancel</button>
        <button type="submit" class="${tone === 'quiet' ? 'main' : tone}-button">
          ${confirm.label ?? label}
        </button>
      </div>
    </form>
  </details>`
}

/** The reason of an action, for the log. It may stay empty. */
export function reasonField(): Html {
  return html`<label
    ><span>Reason, for the log (optional)</span
    ><input type="text" name="reason" value="" maxlength="2000"
  /></label>`
}

/**
 * The hidden fields of every form that posts: the token of the session and the page to return to.
 */
export function hiddenFields({ user, values = {} }: Pick<ActionOptions, 'user' | 'values'>): Html {
  const all = Object.entries({ csrf: user.csrfToken, back: user.address, ...values })
  return html`${all.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (one) => html`<input type="hidden" name="${name}" value="${one}" />`,
    ),
  )}`
}
