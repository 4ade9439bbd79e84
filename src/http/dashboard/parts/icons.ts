// Icons as inline SVG: 16 × 16, drawn with the colour of the text. Each stands beside a word, so a
// screen reader skips it.

import { html, raw, type Html } from '../html.ts'

const PATHS = {
  overview:
    '<rect x="2" y="2" width="5" height="5" rx="1"/><rect x="9" y="2" width="5" height="5" rx="1"/><rect x="2" y="9" width="5" height="5" rx="1"/><rect x="9" y="9" width="5" height="5" rx="1"/>',
  runs: '<path d="M2 8h2.5l2-5 3 10 2-5H14"/>',
  products: '<path d="M2 5l6-3 6 3v6l-6 3-6-3z"/><path d="M2 5l6 3 6-3M8 8v6"/>',
  review: '<path d="M3 2h7l3 3v9H3z"/><path d="M5.5 9l2 2 3.5-4"/>',
  jobs: '<path d="M2 4h12M2 8h12M2 12h7"/>',
  health:
    '<path d="M8 13.5S2 10 2 5.8A3.2 3.2 0 0 1 8 4a3.2 3.2 0 0 1 6 1.8C14 10 8 13.5 8 13.5z"/>',
  rules: '<path d="M2 3h12l-4.5 5.5V13l-3 1V8.500z"/>',
  deliveries: '<path d="M14 2L2 7l5 2 2 5z"/><path d="M14 2L7 9"/>',
  actions: '<circle cx="8" cy="8" r="6"/><path d="M8 4.500V8l2.500 1.500"/>',
  api: '<path d="M5 4L1.500 8 5 12M11 4l3.500 4L11 12M9 3l-2 10"/>',
  feed: '<path d="M3 8a5 5 0 0 1 5 5M3 3.500A9.500 9.500 0 0 1 12.500 13"/><circle cx="3.700" cy="12.300" r="1"/>',
  check: '<path d="M3 8.500l3.500 3.500L13 4.500"/>',
  clock: '<circle cx="8" cy="8" r="6"/><path d="M8 4.500V8l2.500 1.500"/>',
  cross: '<path d="M4 4l8 8M12 4l-8 8"/>',
  hand: '<path d="M5 8V3.500a1 1 0 0 1 2 0V7m0-4.500a1 1 0 0 1 2 0V7m0-3.500a1 1 0 0 1 2 0V9c0 3-1.500 5-4 5s-3.500-1.500-5-4.500c-.500-1 .800-1.700 1.500-.800L5 10"/>',
  pause: '<path d="M5.500 3v10M10.500 3v10"/>',
  play: '<path d="M4.500 3l8 5-8 5z"/>',
  dash: '<path d="M3.500 8h9"/>',
  warning: '<path d="M8 2l6.500 12h-13z"/><path d="M8 6.500v3.500M8 12v.100"/>',
  info: '<circle cx="8" cy="8" r="6"/><path d="M8 7.500v4M8 4.700v.100"/>',
  search: '<circle cx="7" cy="7" r="4.500"/><path d="M10.500 10.500L14 14"/>',
  sun: '<circle cx="8" cy="8" r="3"/><path d="M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1"/>',
  moon: '<path d="M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7z"/>',
  system: '<rect x="2" y="3" width="12" height="8" rx="1"/><path d="M6 14h4M8 11v3"/>',
  menu: '<path d="M2 4h12M2 8h12M2 12h12"/>',
  previous: '<path d="M10 3L5 8l5 5"/>',
  next: '<path d="M6 3l5 5-5 5"/>',
  download: '<path d="M8 2v8M4.500 7L8 10.500 11.500 7M2.500 13.500h11"/>',
  retry: '<path d="M13 8a5 5 0 1 1-1.500-3.500L13 6"/><path d="M13 2.500V6H9.500"/>',
  person:
    '<circle cx="8" cy="5" r="3"/><path d="M2.500 14c.500-3 2.500-4.500 5.500-4.500s5 1.500 5.500 4.500"/>',
  exit: '<path d="M6 2H3v12h3M7 8h7M11 5l3 3-3 3"/>',
} as const
export type IconName = keyof typeof PATHS

export function icon(name: IconName): Html {
  return html`<svg
    class="icon"
    viewBox="0 0 16 16"
    width="16"
    height="16"
    aria-hidden="true"
    focusable="false"
  >
    ${raw(PATHS[name])}
  </svg>`
}
