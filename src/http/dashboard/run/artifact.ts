// The artifact that a run applies: its parts, and their downloads.

import { OUTCOMES } from '../../../core/ledger.ts'
import type { RunDetails } from '../../../db/read/run-summaries.ts'
import type { RunParts } from '../../../db/read/run-times.ts'
import { formatCount, formatQuantity } from '../../../lib/words.ts'
import { html, type Html } from '../html.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, facts } from '../parts/blocks.ts'
import { icon } from '../parts/icons.ts'
import { table } from '../parts/table.ts'
import { bytes, count, duration, instant } from '../parts/values.ts'

export function artifactPanel({ id, artifact, artifactRun }: RunDetails): Html {
  if (artifact === null)
    return emptyState({ title: 'No artifact', about: 'The run has archived nothing.' })
  const { state, complete, lines, parts, rawBytes, storedBytes, warnings } = artifact
  const isReadable = state !== 'purged' && parts > 0
  return html`${facts([
    ['Run', html`<a href="/runs/${artifactRun}">${artifactRun}</a>`],
    [
      'State',
      html`${badge(state === 'open' ? 'running' : state, { label: state })}
      ${complete ? 'complete' : 'nothing proves that it is complete'}`,
    ],
    ['Lines', html`${formatQuantity(lines, 'line')} in ${formatQuantity(parts, 'part')}`],
    ['Size', html`${bytes(rawBytes)}, ${bytes(storedBytes)} stored`],
    ['Not applied', artifact.parsingWarnings],
  ])}
  ${
    warnings.length === 0
      ? ''
      : html`<ul class="causes">
          ${warnings.map((warning) => html`<li>${warning}</li>`)}
        </ul>`
  }
  ${
    isReadable
      ? html`<p>
          <a href="/runs/${id}/artifact">${icon('download')} Download all lines</a>
          <span class="quiet">as NDJSON</span>
        </p>`
      : html`<p class="quiet">
          ${parts === 0 ? 'Nothing is archived yet.' : 'Its bytes have been removed: by the retention, or because the licence has ended.'}
        </p>`
  }`
}

export function partsTable(parts: readonly RunParts[], run: RunDetails): Html {
  const isReadable = run.artifact !== null && run.artifact.state !== 'purged'
  return table({
    caption: `Parts that run ${run.id} applies`,
    columns: [
      { label: 'Part', isHeader: true, cell: ({ firstNo }) => firstNo },
      { label: 'Lines', kind: 'number', cell: ({ lines }) => count(lines) },
      { label: 'Size', kind: 'number', cell: ({ rawBytes }) => bytes(rawBytes) },
      { label: 'Archived', isMinor: true, cell: ({ archivedAt }) => instant(archivedAt) },
      {
        label: 'Fetch',
        kind: 'number',
        cell: (part) => duration(toMs(part.arrivedAt, part.archivedAt)),
      },
      {
        label: 'Waited',
        kind: 'number',
        isMinor: true,
        cell: ({ waitedMs }) => duration(waitedMs === 0 ? null : waitedMs),
      },
      {
        label: 'Apply',
        kind: 'number',
        cell: (part) => duration(toMs(part.beganAt, part.savedAt)),
      },
      { label: 'Outcomes', cell: outcomesCell },
      {
        label: 'SHA-256',
        isMinor: true,
        cell: ({ sha256 }) =>
          sha256 === null ? '' : html`<code title="${sha256}">${sha256.slice(0, 12)}</code>`,
      },
      {
        label: 'Lines as a file',
        kind: 'actions',
        cell: ({ firstNo }) =>
          isReadable
            ? html`<a href="/runs/${run.id}/parts/${firstNo}"
                >${icon('download')} Part ${firstNo}</a
              >`
            : html`<span class="quiet">removed</span>`,
      },
    ],
    rows: parts,
    empty: emptyState({ title: 'No part', about: 'The run has archived nothing.' }),
  })
}

function outcomesCell({ outcomes, done, appliedLines, lines }: RunParts): Html {
  const known = OUTCOMES.filter((outcome) => (outcomes[outcome] ?? 0) > 0)
  const text = known.map((outcome) => `${outcome} ${formatCount(outcomes[outcome] ?? 0)}`)
  if (done) return html`${text.join(', ')}`
  return html`${formatCount(appliedLines)} of
  ${formatQuantity(lines, 'line')}${text.length > 0 ? `: ${text.join(', ')}` : ''}`
}

function toMs(from: Date | null, to: Date | null): number | null {
  return from === null || to === null ? null : Math.max(0, to.getTime() - from.getTime())
}
