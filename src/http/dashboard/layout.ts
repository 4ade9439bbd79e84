// The frame around every page: head, navigation, notices and the state of the live updates.

import type { AssetName, Assets } from './assets.ts'
import { attributes, EMPTY, html, type Html } from './html.ts'
import { isCurrent, type NavigationEntry } from './navigation.ts'
import type { Notice } from './notices.ts'
import type { User } from './page.ts'
import { notice, words } from './parts/blocks.ts'
import { icon } from './parts/icons.ts'
import type { Theme } from './theme.ts'

interface Frame {
  readonly assets: Assets
  readonly theme: Theme
  /** Files of this page alone. */
  readonly own?: readonly AssetName[]
}

export interface LayoutOptions extends Frame {
  readonly title: string
  readonly main: Html
  readonly user: User
  readonly path: string
  readonly navigation: readonly NavigationEntry[]
  readonly notice: Notice | null
  /** True if the page has live regions. */
  readonly isLive: boolean
}

/** A page for a signed-in person. */
export function layout(options: LayoutOptions): Html {
  const { user, path, navigation, isLive } = options
  return document(
    options,
    html`<a class="skip-link" href="#main">Skip to the content</a>
      <header class="top">
        <a class="brand" href="/">${brandMark()}<span>Shelfsync</span></a>
        <details class="menu" data-menu>
          <summary aria-label="Menu">${icon('menu')}<span>Menu</span></summary>
        </details>
        <nav class="main-navigation" aria-label="Main">
          <ul>
            ${navigation.map((entry) => navigationLink(entry, path))}
          </ul>
          ${accountBox(user, options.theme)}
        </nav>
        ${isLive ? liveState() : EMPTY}
      </header>
      <main id="main" tabindex="-1">
        ${options.notice === null ? EMPTY : html`<div role="status">${notice(options.notice.tone, words(options.notice.text))}</div>`}
        ${options.main}
      </main>`,
  )
}

/** A page without navigation: the sign-in, an error, or a page without a key. */
export function bareLayout(
  options: Frame & Pick<LayoutOptions, 'title' | 'main' | 'isLive'>,
): Html {
  return document(
    options,
    html`<main id="main" class="bare">
        <p class="brand">${brandMark()}<span>Shelfsync</span></p>
        ${options.main}
      </main>
      ${options.isLive ? liveState() : EMPTY}`,
  )
}

function document(
  { assets, theme, title, own = [] }: Frame & Pick<LayoutOptions, 'title'>,
  body: Html,
): Html {
  const { addressOf } = assets
  return html`<!doctype html>
    <html lang="en" ${attributes({ 'data-theme': theme === 'system' ? null : theme })}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content="includeIndicatorCSS:false" />
        <title>${title} · Shelfsync</title>
        <link rel="icon" href="${addressOf('icon.svg')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${addressOf('pico.css')}" />
        <link rel="stylesheet" href="${addressOf('dashboard.css')}" />
        <link rel="stylesheet" href="${addressOf('parts.css')}" />
        <link rel="stylesheet" href="${addressOf('runs.css')}" />
        <script src="${addressOf('htmx.js')}" defer></script>
        <script src="${addressOf('dashboard.js')}" defer></script>
        <script src="${addressOf('live.js')}" defer></script>
        ${own.map((name) => ownAsset(name, addressOf(name)))}
      </head>
      <body>
        ${body}
      </body>
    </html>`
}

function ownAsset(name: AssetName, address: string): Html {
  return name.endsWith('.css')
    ? html`<link rel="stylesheet" href="${address}" />`
    : html`<script src="${address}" defer></script>`
}

function navigationLink(entry: NavigationEntry, path: string): Html {
  const current = isCurrent(entry, path) ? (entry.path === path ? 'page' : 'true') : null
  return html`<li>
    <a href="${entry.path}" ${attributes({ 'aria-current': current })}
      >${icon(entry.icon)}<span>${entry.label}</span></a
    >
  </li>`
}

function accountBox(user: User, theme: Theme): Html {
  return html`<div class="account">
    <p class="person">
      ${icon('person')}<span>${user.name}</span>${user.mayWrite ? EMPTY : html`<span class="badge calm">may only look</span>`}
    </p>
    ${themeSwitch(user, theme)}
    <form method="post" action="/sign-out">
      <input type="hidden" name="csrf" value="${user.csrfToken}" /><button
        type="submit"
        class="quiet-button"
      >
        ${icon('exit')}<span>Sign out</span>
      </button>
    </form>
  </div>`
}

const THEME_LABELS = [
  ['system', 'As the system', 'system'],
  ['light', 'Light', 'sun'],
  ['dark', 'Dark', 'moon'],
] as const

/** Works as a form; a script switches without a request. */
function themeSwitch(user: User, current: Theme): Html {
  return html`<form class="theme-switch" method="post" action="/theme" data-theme-switch>
    <input type="hidden" name="csrf" value="${user.csrfToken}" /><input
      type="hidden"
      name="back"
      value="${user.address}"
    />
    <fieldset role="group">
      <legend class="visually-hidden">Theme</legend>
      ${THEME_LABELS.map(
        ([theme, label, name]) =>
          html`<button
            type="submit"
            name="theme"
            value="${theme}"
            title="${label}"
            aria-label="${label}"
            aria-pressed="${String(theme === current)}"
          >
            ${icon(name)}
          </button>`,
      )}
    </fieldset>
  </form>`
}

/** The script fills it in; without a script the page does not change. */
function liveState(): Html {
  return html`<div class="live-state" data-live-state hidden>
    <span data-live-text role="status"></span
    ><button type="button" class="quiet-button" data-live-toggle>Pause</button>
  </div>`
}

function brandMark(): Html {
  return html`<svg
    viewBox="0 0 32 32"
    width="22"
    height="22"
    aria-hidden="true"
    focusable="false"
    class="mark"
  >
    <rect x="3" y="4" width="6" height="18" rx="1.500" />
    <rect x="12" y="9" width="6" height="13" rx="1.500" />
    <rect x="21" y="6" width="6" height="16" rx="1.500" />
    <path d="M2 26h28" />
  </svg>`
}
