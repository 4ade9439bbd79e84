// The overview: every source and its state.

import { listSources } from '../../../db/sources.ts'
import { html } from '../html.ts'
import { liveRegion } from '../live.ts'
import { definePage } from '../page.ts'
import { emptyState, pageHeading } from '../parts/blocks.ts'
import { table } from '../parts/table.ts'

export const overviewPage = definePage({
  path: '/',
  async render({ services: { db } }) {
    const sources = await listSources(db)
    const list = table({
      caption: 'Sources',
      columns: [
        { label: 'Source', cell: ({ name }) => name, isHeader: true },
        { label: 'Connector', cell: ({ connector }) => connector },
      ],
      rows: sources,
      empty: emptyState({
        title: 'No source yet',
        about: html`Add one with <code>shelfsync add</code>.`,
      }),
    })
    return {
      title: 'Overview',
      main: html`${pageHeading({ title: 'Overview' })}${liveRegion('sources', list)}`,
    }
  },
})
