// The schedule of a source as text with its next times, and the forms that change it and its hot products.

import {
  FULL_ON,
  HOT_AGE_MINUTES,
  REFRESH_AGE_MINUTES,
  REFRESHED,
  refreshesDue,
  toAge,
} from '../../../core/schedule.ts'
import type { Source } from '../../../db/sources.ts'
import { describeCron } from '../../../format/cron-words.ts'
import { formatSchedule } from '../../../format/source.ts'
import { EMPTY, html, type Html } from '../html.ts'
import { facts, panel } from '../parts/blocks.ts'
import { field } from '../parts/forms.ts'
import { time } from '../parts/values.ts'
import { settingsForm, type ShownSettings } from './settings-form.ts'

export function schedulePanel(shown: ShownSettings): Html {
  const { source, nowMs, nextTimes, canRefresh } = shown
  const { cron, zone, fullOn, refresh } = source.schedule
  const words = describeCron(cron)
  return panel(
    { title: 'Schedule', id: 'schedule' },
    html`${facts([
      ['Runs', words === null ? html`<code>${cron}</code> (${zone})` : `${words}, ${zone}`],
      ['Full runs', FULL_WORDS[fullOn] ?? `the first run of each ${fullOn}`],
      [
        'Refreshes',
        refresh === undefined
          ? 'none'
          : (describeCron(refresh.cron) ?? html`<code>${refresh.cron}</code>`),
      ],
      ['At the command line', html`<code>${formatSchedule(source.schedule)}</code>`],
      [
        'Next times',
        nextTimes.length === 0
          ? 'none while the source is paused'
          : html`<ul class="next-times">
              ${nextTimes.map((at) => html`<li>${toZoned(at, zone)} <span class="quiet">${time(at, nowMs)}</span></li>`)}
            </ul>`,
      ],
    ])}
    ${settingsForm(shown, {
      action: 'schedule',
      label: 'Change the schedule',
      fields: html`${field({ kind: 'text', name: 'cron', label: 'Cron: minute, hour, day, month, weekday', value: cron })}
      ${field({ kind: 'text', name: 'zone', label: 'Time zone', value: zone })}
      ${field({
        kind: 'select',
        name: 'fullOn',
        label: 'Full runs',
        value: fullOn,
        options: FULL_ON.map((value) => ({ value, label: FULL_WORDS[value] ?? `on ${value}` })),
      })}
      ${canRefresh ? refreshFields(source) : EMPTY}`,
    })}
    ${refreshesDue(source.schedule) ? hotForm(shown) : EMPTY}`,
  )
}

function hotForm(shown: ShownSettings): Html {
  return settingsForm(shown, {
    action: 'hot',
    label: 'Change the hot products',
    fields: html`${field({
      kind: 'area',
      name: 'hot',
      label: 'Refresh these each hour: ids, separated by commas',
      value: '',
    })}
    ${field({
      kind: 'area',
      name: 'notHot',
      label: 'Refresh these as often as the others again',
      value: '',
    })}`,
  })
}

const FULL_WORDS: Readonly<Record<string, string>> = {
  every: 'the first run of each day',
  none: 'only the first run ever',
  never: 'never: it has refreshes only',
}

function refreshFields({ schedule: { refresh } }: Source): Html {
  return html`${field({
    kind: 'text',
    name: 'refresh',
    label: 'Refreshes between the runs, as cron',
    value: refresh?.cron ?? '',
    placeholder: 'none',
  })}
  ${field({
    kind: 'select',
    name: 'refreshProducts',
    label: 'Products of a refresh',
    value: refresh?.products ?? 'all',
    options: REFRESHED.map((value) => ({ value, label: REFRESHED_WORDS[value] })),
  })}
  ${field({
    kind: 'number',
    name: 'refreshAtMost',
    label: 'Products of one refresh, at most',
    value: refresh?.atMost ?? '',
    placeholder: '500',
  })}
  ${field({
    kind: 'text',
    name: 'refreshAge',
    label: 'Those not read for longest: read again after',
    value: toAge(refresh?.ageMinutes ?? REFRESH_AGE_MINUTES),
    placeholder: '20h',
  })}
  ${field({
    kind: 'text',
    name: 'hotAge',
    label: 'The same for hot products',
    value: toAge(refresh?.hotMinutes ?? HOT_AGE_MINUTES),
    placeholder: '50m',
  })}`
}

const REFRESHED_WORDS = {
  all: 'all in turn',
  changing: 'those whose prices change most',
  due: 'those that were not read for longest',
} as const

function toZoned(at: Date, zone: string): string {
  try {
    return at.toLocaleString('en-GB', {
      timeZone: zone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
    })
  } catch {
    return at.toISOString()
  }
}
