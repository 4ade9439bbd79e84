// The blocks of a page: headings, panels, facts, empty states, progress, tabs, notices and raw
// text.

import { attributes, EMPTY, html, type Content, type Html } from '../html.ts'
import { icon, type IconName } from './icons.ts'

interface HeadingOptions {
  readonly title: Content
  /** One line under the title. */
  readonly about?: Content
  /** Badges beside the title. */
  readonly state?: Content
  readonly actions?: Content
  /** Links to the pages above this one. */
  readonly trail?: readonly { readonly href: string; readonly label: string }[]
}

/** The head of a page, with its only h1. */
export function pageHeading({ title, about, state, actions, trail = [] }: HeadingOptions): Html {
  return html`<header class="page-head">
    ${
      trail.length === 0
        ? EMPTY
        : html`<nav class="trail" aria-label="Pages above">
            <ol>
              ${trail.map(({ href, label }) => html`<li><a href="${href}">${label}</a></li>`)}
            </ol>
          </nav>`
    }
    <div class="page-title">
      <h1 tabindex="-1">${title}</h1>
      ${state}
    </div>
    ${about ? html`<p class="about">${about}</p>` : EMPTY}
    ${actions ? html`<div class="actions">${actions}</div>` : EMPTY}
  </header>`
}

interface PanelOptions {
  readonly title: Content
  readonly actions?: Content
  readonly id?: string
}

/** A part of a page with a heading of level 2. */
export function panel({ title, actions, id }: PanelOptions, content: Content): Html {
  return html`<section class="panel" ${attributes({ id })}>
    <header>
      <h2>${title}</h2>
      ${actions ? html`<div class="actions">${actions}</div>` : EMPTY}
    </header>
    ${content}
  </section>`
}

/** Names and values. Rows without a value are left out. */
export function facts(rows: readonly (readonly [name: string, value: Content])[]): Html {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== false)
  return html`<dl class="facts">
    ${known.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

interface Figure {
  readonly label: string
  readonly value: Content
  readonly about?: Content
  readonly href?: string
  /** For a number that a person should look at. */
  readonly tone?: 'warn' | 'bad'
}

const FIGURE_ICONS = { warn: 'warning', bad: 'cross' } as const

/** A row of important numbers. */
export function figures(all: readonly Figure[]): Html {
  return html`<dl class="figures">
    ${all.map(
      ({ label, value, about, href, tone }) =>
        html`<div>
          <dt>${label}</dt>
          <dd ${attributes({ class: tone })}>
            ${tone ? icon(FIGURE_ICONS[tone]) : EMPTY}${href === undefined ? value : html`<a href="${href}">${value}</a>`}
          </dd>
          ${about ? html`<dd class="quiet">${about}</dd>` : EMPTY}
        </div>`,
    )}
  </dl>`
}

interface Line {
  readonly badge: Html
  readonly sentence: Content
  /** The next step, such as a link. */
  readonly step?: Content
}

/** Findings, one below the other: a state, its reason and the next step. */
export function lines(all: readonly Line[]): Html {
  return html`<ul class="lines">
    ${all.map(
      ({ badge, sentence, step }) =>
        html`<li>
          ${badge}<span class="sentence">${sentence}</span><span class="step">${step}</span>
        </li>`,
    )}
  </ul>`
}

interface EmptyOptions {
  readonly title: string
  /** Why there is nothing, and what to do. */
  readonly about?: Content
  readonly icon?: IconName
  readonly actions?: Content
}

export function emptyState({ title, about, icon: name = 'info', actions }: EmptyOptions): Html {
  return html`<div class="empty">
    ${icon(name)}
    <p><strong>${title}</strong></p>
    ${about ? html`<p>${about}</p>` : EMPTY}${actions ? html`<div class="actions">${actions}</div>` : EMPTY}
  </div>`
}

interface ProgressOptions {
  readonly label: string
  readonly done: number
  /** Null when the total is unknown. */
  readonly total: number | null
  /** Replaces the share, such as `1,200 of 60,000`. */
  readonly text?: Content
}

export function progressBar({ label, done, total, text }: ProgressOptions): Html {
  const share = total === null || total === 0 ? null : Math.min(1, done / total)
  return html`<div class="progress">
    <progress
      aria-label="${label}"
      ${attributes({ max: share === null ? null : 100, value: share === null ? null : (share * 100).toFixed(1) })}
    ></progress
    ><span class="number"
      >${text ?? (share === null ? 'total unknown' : `${Math.floor(share * 100)} %`)}</span
    >
  </div>`
}

interface Tab {
  readonly href: string
  readonly label: Content
  readonly isCurrent: boolean
  readonly count?: number
}

/** Tabs are links: each has its own address. */
export function tabs(label: string, all: readonly Tab[]): Html {
  return html`<nav class="tabs" aria-label="${label}">
    <ul>
      ${all.map(
        ({ href, label: text, isCurrent, count }) =>
          html`<li>
            <a href="${href}" ${attributes({ 'aria-current': isCurrent ? 'page' : null })}
              >${text}${count === undefined ? EMPTY : html` <span class="count">${count}</span>`}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`
}

export type NoticeTone = 'info' | 'good' | 'warn' | 'bad'
const NOTICE_ICONS = { info: 'info', good: 'check', warn: 'warning', bad: 'cross' } as const

export function notice(tone: NoticeTone, content: Content): Html {
  return html`<div class="notice ${tone}">
    ${icon(NOTICE_ICONS[tone])}
    <div>${content}</div>
  </div>`
}

/** Text as it is, such as a raw record. It scrolls sideways on its own. */
export function code(text: string, label: string): Html {
  return html`<pre
    class="code"
    tabindex="0"
    role="region"
    aria-label="${label}"
  ><code>${text}</code></pre>`
}

/** Content that opens on request. */
export function disclosure(summary: Content, content: Content): Html {
  return html`<details class="disclosure">
    <summary>${summary}</summary>
    ${content}
  </details>`
}

/** Text with `code` in backticks. */
export function words(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`
}
