// A state as a badge: an icon, a word and a colour, never the colour alone.

import { html, type Content, type Html } from '../html.ts'
import { icon, type IconName } from './icons.ts'

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'calm'

interface Look {
  readonly tone: Tone
  readonly icon: IconName
}

const GOOD: Look = { tone: 'good', icon: 'check' }
const BUSY: Look = { tone: 'busy', icon: 'play' }
const WAITING: Look = { tone: 'calm', icon: 'clock' }
const HELD: Look = { tone: 'warn', icon: 'hand' }
const BAD: Look = { tone: 'bad', icon: 'cross' }
const STILL: Look = { tone: 'calm', icon: 'pause' }

/** The states of sources, runs, tasks, reviews, deliveries and breakers. */
const LOOKS: Readonly<Record<string, Look>> = {
  fresh: GOOD,
  ok: GOOD,
  succeeded: GOOD,
  closed: GOOD,
  delivered: GOOD,
  accepted: GOOD,
  approved: GOOD,
  active: GOOD,
  on: GOOD,
  running: BUSY,
  fetching: BUSY,
  applying: BUSY,
  settling: BUSY,
  'half-open': BUSY,
  queued: WAITING,
  waiting: WAITING,
  fetched: WAITING,
  pending: WAITING,
  delayed: WAITING,
  retrying: { tone: 'warn', icon: 'retry' },
  late: { tone: 'warn', icon: 'clock' },
  held: HELD,
  open: HELD,
  interrupted: { tone: 'warn', icon: 'warning' },
  warning: { tone: 'warn', icon: 'warning' },
  failing: BAD,
  failed: BAD,
  rejected: BAD,
  dead: BAD,
  disabled: BAD,
  missing: BAD,
  paused: STILL,
  off: STILL,
  cancelled: { tone: 'calm', icon: 'dash' },
  abandoned: { tone: 'calm', icon: 'dash' },
  removed: { tone: 'calm', icon: 'dash' },
}
const UNKNOWN: Look = { tone: 'calm', icon: 'info' }

interface BadgeOptions {
  /** The word, if it is not the state. */
  readonly label?: Content
  /** The tone and icon for a state whose meaning depends on the place, such as an open breaker. */
  readonly tone?: Tone
  readonly icon?: IconName
}

export function badge(state: string, { label = state, ...own }: BadgeOptions = {}): Html {
  const look = { ...(LOOKS[state] ?? UNKNOWN), ...own }
  return html`<span class="badge ${look.tone}">${icon(look.icon)}<span>${label}</span></span>`
}
