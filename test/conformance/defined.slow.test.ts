// A connector from `defineConnector` with as few members as possible passes the suite, with a
// supplier that sends pages of JSON.

import { z } from 'zod'
import { defineConnector, toPage } from '../../src/core/define-connector.ts'
import { readJson } from '../../src/lib/read-json.ts'
import { testConnector } from './connector.ts'
import { serve } from './supplier.ts'

const PAGE_SIZE = 20
const Feed = z.object({ items: z.array(z.json()), pages: z.int() })

testConnector({
  connector: defineConnector({
    name: 'defined',
    settings: z.strictObject({ url: z.url() }),
    record: z.object({ id: z.string(), name: z.string(), cents: z.int() }),
    async *fetch({ settings, http, cursor }, signal) {
      for (let page = Number(cursor ?? 1), pages = page; page <= pages; page++) {
        const url = `${settings.url}?page=${page}`
        const feed = await readJson(await http({ url }, signal), Feed)
        pages = feed.pages
        yield toPage(feed.items, { cursor: page + 1, complete: page >= pages })
      }
    },
    normalise: ({ id, name, cents }) => ({
      externalId: id,
      title: name,
      prices: [{ type: 'public', amountMinor: cents, currency: 'EUR' }],
    }),
  }),
  settings: (origin) => ({ url: `${origin}/products.json` }),
  size: 60,
  start: (size) =>
    serve(size, {
      record: ({ id, title, priceMinor, text }) => ({ id, name: title, cents: priceMinor, text }),
      spoil: (record, flaw) =>
        flaw === 'shape' ? { ...record, name: 7 } : { ...record, id: null },
      respond({ url }, records) {
        const from = (Number(new URL(url).searchParams.get('page')) - 1) * PAGE_SIZE
        const items = records.slice(from, from + PAGE_SIZE)
        return Response.json({ items, pages: Math.ceil(records.length / PAGE_SIZE) })
      },
      first: '/products.json?page=1',
      middle: '/products.json?page=2',
    }),
})
