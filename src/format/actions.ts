// An action of a person as a phrase that follows the time: `paused the source`.

import type { Json } from '../core/json.ts'
import type { RecordedAction } from '../db/read/actions.ts'
import { formatQuantity } from '../lib/words.ts'
import { formatSettings } from './source.ts'

type Described = Pick<RecordedAction, 'action' | 'subject' | 'detail'>

const PHRASES: Readonly<Record<string, string>> = {
  'source.add': 'added the source',
  'source.import': 'imported products',
  'source.pause': 'paused the source',
  'source.resume': 'resumed the source',
  'source.purge': 'purged archives',
  'source.rename': 'renamed the source',
  'source.remove': 'removed the source',
  'source.set': 'changed the settings',
  'source.sync': 'requested a run',
  'run.approve': 'approved',
  'run.reject': 'rejected',
  'run.cancel': 'cancelled',
  'run.replay': 'requested a replay',
  'job.retry': 'retried a dead task',
  'job.discard': 'discarded a dead task',
  'review.approve': 'approved',
  'review.reject': 'rejected',
  'review.edit': 'accepted with another value',
  'review-rule.add': 'added a rule of reviews',
  'review-rule.remove': 'removed a rule of reviews',
  'image.retry': 'requested failed images again',
  'quarantine.replay': 'applied quarantined records again',
  'limit.reset': 'closed the circuit breaker',
}

/** An action without a phrase, such as one of a later version, is named as it was recorded. */
export function describeAction({ action, subject, detail }: Described): string {
  const phrase = PHRASES[action] ?? action
  const about = describeDetail(action, detail)
  return [
    phrase,
    ...(subject === null ? [] : [subject]),
    ...(about === '' ? [] : [`(${about})`]),
  ].join(' ')
}

function describeDetail(action: string, detail: Described['detail']): string {
  if (action === 'run.approve')
    return `${quantity(detail['removed'], 'removal')}, ${quantity(detail['prices'], 'price')}`
  if (action === 'run.reject' || action.startsWith('review.')) return ''
  if (action === 'source.sync' && detail['mode'] === 'auto') return ''
  return formatSettings({ ...detail })
}

function quantity(count: Json | undefined, noun: string): string {
  return formatQuantity(typeof count === 'number' ? count : 0, noun)
}
