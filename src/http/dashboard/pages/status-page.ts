// The public status page: whether each source is late, and nothing else.

import { html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage } from '../page.ts'
import { badge } from '../parts/badge.ts'
import { emptyState, pageHeading } from '../parts/blocks.ts'
import { table } from '../parts/table.ts'

export const statusPage = definePage({
  path: '/status-page',
  access: 'public',
  isEnabled: ({ publicStatus }) => publicStatus,
  async render({ services }) {
    const sources = (await services.readHealths()).filter(({ facts }) => facts.state === 'active')
    const list = table({
      caption: 'Sources',
      columns: [
        { label: 'Source', cell: ({ facts }) => facts.source, isHeader: true },
        { label: 'State', cell: ({ due }) => badge(due?.late === true ? 'late' : 'ok') },
      ],
      rows: sources,
      empty: emptyState({ title: 'No source' }),
    })
    return {
      title: 'Status',
      main: html`${pageHeading({ title: 'Status' })}${liveRegion('sources', list)}`,
    }
  },
})
