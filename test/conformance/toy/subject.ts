// The toy connector and its supplier, as the suite tests them. As a program, this file measures the
// memory of a fetch.

import { measureWhenAsked } from '../measure.ts'
import type { Subject } from '../rig.ts'
import { serve, type Served } from '../supplier.ts'
import { createToyConnector } from './connector.ts'
import { KEY } from './credentials.ts'
import { DEFECTS, type Defect } from './defects.ts'
import { PAGE_SIZE } from './pages.ts'

/** Returns the toy connector and its supplier, with `defect` or without one. */
export function toy(defect: Defect | null): Subject {
  return {
    connector: createToyConnector((tested) => tested === defect),
    settings: (origin) => ({ url: origin }),
    start: (size) => serve(size, served),
    size: 60,
    credentials: { TOY_KEY: KEY },
    file: [import.meta.filename, defect ?? ''],
  }
}

const served: Served = {
  record: ({ id, title, priceMinor, createdAtMs, updatedAtMs, touchedAtMs, text }) => ({
    seen: touchedAtMs,
    updated_at: updatedAtMs,
    id,
    name: title,
    price: priceMinor,
    created_at: createdAtMs,
    tags: ['new', 'café'],
    text,
  }),
  spoil: (record, flaw) =>
    flaw === 'shape' ? { ...record, price: 'a few' } : { ...record, id: null },
  respond({ url, headers: sent }, records) {
    if (sent.get('x-key') !== KEY) return new Response('', { status: 401 })
    const { searchParams } = new URL(url)
    const from = (Number(searchParams.get('page')) - 1) * PAGE_SIZE
    const by = searchParams.get('by') ?? 'updated_at'
    const keys = searchParams.get('keys')?.split(',')
    const wanted = records.filter(
      (record) =>
        Number(record[by]) >= Number(searchParams.get('since')) &&
        (keys?.some((key) => key === record.id) ?? true),
    )
    const lines = wanted
      .slice(from, from + PAGE_SIZE)
      .map((record, index) => `${JSON.stringify({ n: from + index, record })}\n`)
    const headers = {
      'x-lines': String(lines.length),
      'x-pages': String(Math.ceil(wanted.length / PAGE_SIZE)),
      'x-count': String(wanted.length),
    }
    return new Response(lines.join(''), { headers })
  },
  first: '/products?page=1&*',
  middle: '/products?page=2&*',
}

if (import.meta.main)
  measureWhenAsked(toy(DEFECTS.find((defect) => defect === process.argv[2]) ?? null))
