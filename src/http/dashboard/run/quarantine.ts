// The quarantined records of a run: the rule, the place, and the line as it arrived.

import type { RunQuarantine } from '../../../db/read/run-quarantine.ts'
import { ERRORS, type ErrorCode } from '../../../core/error-table.ts'
import { formatBytes } from '../../../format/format.ts'
import { formatCount } from '../../../lib/words.ts'
import { html, type Html } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { code, emptyState, words } from '../parts/blocks.ts'

/** More of a line is in the artifact. */
const RAW_CHARS_MAX = 2000

export function quarantineList(records: readonly RunQuarantine[]): Html {
  if (records.length === 0)
    return emptyState({
      title: 'Nothing in quarantine',
      about: 'Every record of this run could be read.',
      icon: 'check',
    })
  return html`<ol class="records">
    ${records.map(quarantinedRecord)}
  </ol>`
}

function quarantinedRecord(record: RunQuarantine): Html {
  const { id, state, rule, message, product, part, line, byteOffset, byteLength } = record
  return html`<li id="record-${id}">
    <header>
      ${badge(state === 'open' ? 'held' : state, { label: state })}
      <strong><code>${rule}</code></strong>
      <span>${product === null ? 'no readable id' : product}</span>
      <span class="quiet"
        >part ${part}, line ${line}, byte ${formatCount(byteOffset)},
        ${formatBytes(byteLength)}</span
      >
    </header>
    <p>${message}</p>
    ${rawLine(record)}
    <p class="quiet">
      ${isErrorCode(rule) ? words(ERRORS[rule].hint.replaceAll(' ID`', ` ${id}\``)) : ''}
      ${record.closedRun === null ? '' : html`Closed by <a href="/runs/${record.closedRun}">run ${record.closedRun}</a>.`}
    </p>
  </li>`
}

function rawLine({ id, raw, byteLength, expired }: RunQuarantine): Html {
  if (expired)
    return html`<p class="quiet">The line has expired, as the licence of its source requires.</p>`
  const text = raw.toString('utf8')
  const shown = text.slice(0, RAW_CHARS_MAX)
  return html`${code(shown, `The line of record ${id}`)}
  ${
    shown.length < byteLength && text.length > shown.length - 1 && byteLength > RAW_CHARS_MAX
      ? html`<p class="quiet">
          The first ${formatCount(shown.length)} characters of ${formatBytes(byteLength)}. All of
          it:
          <code>shelfsync quarantine show ${id} --raw</code>
        </p>`
      : ''
  }`
}

function isErrorCode(rule: string): rule is ErrorCode {
  return Object.hasOwn(ERRORS, rule)
}
