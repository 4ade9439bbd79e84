// An event of the timeline of a source as text: what happened, and the link to more. Pure.

import { ALERT_KINDS } from '../../../core/alert.ts'
import type { Json } from '../../../core/json.ts'
import type { SourceEvent } from '../../../db/read/source-events.ts'
import { describeAction } from '../../../format/actions.ts'
import { formatDuration } from '../../../lib/format-duration.ts'
import { formatCount } from '../../../lib/words.ts'

export interface EventWords {
  /** The word of the badge, and the state that gives its colour. */
  readonly state: string
  readonly label: string
  readonly text: string
}

export function describeEvent(event: SourceEvent): EventWords {
  const { event: name, detail } = event
  if (name === 'alert')
    return { state: 'warning', label: 'alert', text: `${toAlertName(detail['kind'])}: began` }
  if (name === 'recovered')
    return { state: 'ok', label: 'alert', text: `${toAlertName(detail['kind'])}: over` }
  if (name.includes('.')) return describePerson(event)
  if (name === 'started') return { state: 'running', label: 'started', text: describeKind(detail) }
  if (name === 'resumed') {
    const before = typeof detail['state'] === 'string' ? detail['state'] : 'interrupted'
    return { state: 'interrupted', label: 'resumed', text: `it was ${before} before` }
  }
  return { state: name, label: name, text: describeResult(detail) }
}

const VERBS: Readonly<Record<string, string>> = {
  pause: 'paused',
  resume: 'active',
  approve: 'approved',
  reject: 'rejected',
  cancel: 'cancelled',
}

function describePerson({ event, subject, detail }: SourceEvent): EventWords {
  const [noun = '', verb = ''] = event.split('.')
  const text = describeAction({ action: event, subject, detail })
  return {
    state: VERBS[verb] ?? 'action',
    label: noun === 'source' ? verb : `${noun} ${verb}`,
    text,
  }
}

function describeKind(detail: SourceEvent['detail']): string {
  return typeof detail['kind'] === 'string' ? `${detail['kind']} run` : ''
}

/** `scheduled full run in 12 s: 2 created, 14 updated, 1 removed (source/gone)`. */
function describeResult(detail: SourceEvent['detail']): string {
  const { seconds, code } = detail
  const took = typeof seconds === 'number' ? ` in ${formatDuration(seconds)}` : ''
  const counts = describeLedger(detail['ledger'])
  const why = typeof code === 'string' ? ` (${code})` : ''
  const start = detail['scheduled'] === true ? 'scheduled ' : ''
  return `${start}${describeKind(detail)}${took}${counts === '' ? '' : `: ${counts}`}${why}`.trim()
}

const COUNTED = ['created', 'updated', 'removed', 'held', 'quarantined'] as const

function describeLedger(ledger: Json | undefined): string {
  if (ledger === undefined || ledger === null || typeof ledger !== 'object') return ''
  const counts = new Map(Object.entries(ledger))
  const named = COUNTED.flatMap((name) => {
    const value = counts.get(name)
    return typeof value === 'number' && value > 0 ? [`${formatCount(value)} ${name}`] : []
  })
  return named.length === 0 ? 'nothing changed' : named.join(', ')
}

function toAlertName(kind: Json | undefined): string {
  const found = Object.entries(ALERT_KINDS).find(([name]) => name === kind)
  return found?.[1] ?? 'Alert'
}
