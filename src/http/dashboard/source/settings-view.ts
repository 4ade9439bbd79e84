// The settings of a source: its schedule as text, its limits, its options and those of its connector, each
// with what is the default. A person who may write changes the first three here.

import { Policy } from '../../../core/policy.ts'
import { FULL_ON, REFRESHED } from '../../../core/schedule.ts'
import { PACK_NAMES, SourceOptions } from '../../../core/source-options.ts'
import type { Source } from '../../../db/sources.ts'
import { describeCron } from '../../../format/cron-words.ts'
import { formatSchedule } from '../../../format/source.ts'
import { EMPTY, html, type Html } from '../html.ts'
import type { User } from '../page.ts'
import { code, disclosure, facts, notice, panel } from '../parts/blocks.ts'
import { field, hiddenFields } from '../parts/forms.ts'
import { time } from '../parts/values.ts'
import { COMMAND_LIMITS, FORM_LIMITS } from './limits.ts'
import { toShown, toText, valuesTable } from './values-table.ts'

export interface ShownSettings {
  readonly source: Source
  readonly user: User
  readonly nowMs: number
  /** The next runs of the schedule; none while it is paused. */
  readonly nextTimes: readonly Date[]
  /** True if its connector can fetch single products, which refreshes need. */
  readonly canRefresh: boolean
  /** The settings of the connector as it reads them; null if this version cannot. */
  readonly parsed: Readonly<Record<string, unknown>> | null
}

export function settingsView(shown: ShownSettings): Html {
  return html`${schedulePanel(shown)} ${limitsPanel(shown)} ${optionsPanel(shown)}
  ${connectorPanel(shown)}`
}

function schedulePanel(shown: ShownSettings): Html {
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
      ['As a command', html`<code>${formatSchedule(source.schedule)}</code>`],
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
    })}`,
  )
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
  })}`
}

const REFRESHED_WORDS = {
  all: 'all in turn',
  changing: 'those whose prices change most',
  due: 'those that were not read for longest',
} as const

function limitsPanel(shown: ShownSettings): Html {
  const { policy } = shown.source
  const defaults = Policy.parse({})
  return panel(
    { title: 'Limits', id: 'limits' },
    html`${valuesTable(
        'Limits of the source, within which a run needs no decision',
        [...FORM_LIMITS, ...COMMAND_LIMITS].map(({ name, label, show }) => ({
          name: label,
          value: show(policy[name]),
          isDefault: policy[name] === defaults[name],
          standard: show(defaults[name]),
        })),
      )}
      ${settingsForm(shown, {
        action: 'limits',
        label: 'Change the limits',
        fields: html`${FORM_LIMITS.map(
          ({ name, field: toField, help }) =>
            html`<div>
              ${field(toField(policy[name]))}
              <p class="help">${help}</p>
            </div>`,
        )}`,
      })}
      <p class="quiet">
        A limit of a licence deletes stored content, so only a command changes the last four:
        <code
          >shelfsync sources set ${shown.source.name} --policy
          ${COMMAND_LIMITS.map(({ name }) => `${name}=…`).join(',')}</code
        >
      </p>`,
  )
}

function optionsPanel(shown: ShownSettings): Html {
  const { name, options } = shown.source
  const parsed = SourceOptions.safeParse(options).data ?? SourceOptions.parse({})
  const defaults = new Map<string, unknown>(Object.entries(SourceOptions.parse({})))
  return panel(
    { title: 'Options', id: 'options' },
    html`${valuesTable(
        'Options of the source, by which its products are read',
        Object.entries(parsed).map(([key, value]) => ({
          name: key,
          value: toText(value),
          isDefault: toText(value) === toText(defaults.get(key)),
          standard: toText(defaults.get(key)),
        })),
      )}
      ${settingsForm(shown, {
        action: 'options',
        label: 'Change the options',
        fields: html`${field({
            kind: 'select',
            name: 'pack',
            label: 'Rules for the texts of products',
            value: parsed.pack,
            options: [...PACK_NAMES, 'none'],
          })}
          ${field({
            kind: 'text',
            name: 'unitPrice',
            label: 'Unit prices: a country, 1 kg, 100 g or none',
            value: parsed.unitPrice,
          })}
          <p class="help wide">The next full run then reads every record again.</p>`,
      })}
      <p class="quiet">
        Filters and tags: <code>shelfsync sources set ${name} --set filters=…</code>
      </p>`,
  )
}

function connectorPanel({ source: { name, connector, settings }, parsed }: ShownSettings): Html {
  const stored = new Set(Object.keys(Object(settings)))
  return panel(
    { title: 'Connector', id: 'connector' },
    html`${
      parsed === null
        ? notice('warn', `This version cannot read the settings of the connector ${connector}.`)
        : valuesTable(
            `Settings of the connector ${connector}`,
            Object.entries(parsed)
              .filter(([, value]) => value !== undefined)
              .map(([key, value]) => ({
                name: key,
                value: toShown(value),
                isDefault: !stored.has(key),
                standard: null,
              })),
          )
    }
    ${disclosure(
      'Change the address or a setting',
      html`<p>
          The connector checks a new address with the key of the supplier, which this server does
          not have. On a machine with the key:
        </p>
        ${code(`shelfsync sources set ${name} --set name=value\nshelfsync sources set ${name} --url https://new-address.example\nshelfsync sources show ${name}`, 'The commands')}
        <p class="quiet">The last one also shows which secrets are set.</p>`,
    )}`,
  )
}

interface FormOptions {
  readonly action: string
  readonly label: string
  readonly fields: Html
}

function settingsForm(
  { source: { name }, user }: ShownSettings,
  { action, label, fields }: FormOptions,
): Html {
  if (!user.mayWrite) return EMPTY
  return disclosure(
    label,
    html`<form class="settings-form" method="post" action="/sources/${name}/${action}">
      ${hiddenFields({ user })}${fields}
      <div class="wide"><button type="submit" class="main-button">Save</button></div>
    </form>`,
  )
}

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
