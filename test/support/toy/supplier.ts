// The toy supplier as a real HTTP server: a catalogue that a test changes, listed in small pages,
// and faults at any line of the list. Its protocol is described in test/conformance/toy/pages.ts.

import type { z } from 'zod'
import { sendFaultResponse, sendBody } from '../../../simulators/support/body.ts'
import { createClock, type Clock } from '../../../simulators/support/clock.ts'
import { CommonFault, createFaultBook } from '../../../simulators/support/faults.ts'
import { listen } from '../../../simulators/support/server.ts'
import type { Json } from '../../../src/core/json.ts'
import { LineFaults, lineOf } from './line-faults.ts'
import { createToyCatalogue, type ListedRecord, type ToyCatalogue } from './catalogue.ts'

export interface ToyOptions {
  readonly products: number
  /** Number of lines on a page. */
  readonly pageSize: number
}

/** As it is written: members that have a default may be omitted. */
export type ToyFault = z.input<typeof CommonFault>

export interface ToySupplier {
  readonly url: string
  readonly clock: Clock
  readonly catalogue: ToyCatalogue
  /** The path and query of each request so far. */
  readonly requests: readonly string[]
  /** The number of times that the list was requested from its beginning. */
  countLists(): number
  /**
   * Sets faults. A line (`at`, `afterLines`) is counted from 0 in the whole list, and the fault
   * affects the page that contains it; `skip` and `times` count the requests for that page.
   */
  setFaults(...faults: readonly ToyFault[]): void
  /** Until `heal`, the list states these members of these products wrongly. */
  misstate(ids: readonly string[], patch: Readonly<Record<string, Json>>): void
  /** Ends all faults and misstatements. */
  heal(): void
  /** From now on the list is exactly these records. Null: the catalogue again. */
  setRecords(records: readonly Readonly<Record<string, Json>>[] | null): void
  close(): Promise<void>
}

const START_MS = Date.UTC(2026, 0, 15, 16)

/** A page of the list: its lines, and the number of the first of them in the whole list. */
interface ListPage {
  readonly lines: readonly string[]
  readonly firstLine: number
  readonly pages: number
  readonly total: number
}

/** Listens on loopback until closed. */
export async function startToy({ products, pageSize }: ToyOptions): Promise<ToySupplier> {
  const clock = createClock(START_MS)
  const catalogue = createToyCatalogue(products, clock)
  const requests: string[] = []
  const faults = createFaultBook(CommonFault)
  const lineFaults = new LineFaults()
  let misstatements: { readonly ids: readonly string[]; readonly patch: Record<string, Json> }[] =
    []
  let records: readonly ListedRecord[] | null = null

  const state = ({ slot, record }: ListedRecord): ListedRecord => {
    const patches = misstatements.filter(({ ids }) => ids.some((id) => id === record['id']))
    return { slot, record: Object.assign({ ...record }, ...patches.map(({ patch }) => patch)) }
  }

  const { url, close } = await listen(async (request, response) => {
    requests.push(request.url ?? '')
    const taken = faults.take(request.url ?? '')
    if (await sendFaultResponse(response, taken)) return
    const { searchParams } = new URL(request.url ?? '', 'http://toy')
    const listed = (records ?? catalogue.records()).map(state)
    const page = cutPage(listed, searchParams, pageSize)
    await sendBody(response, [Buffer.from(page.lines.join(''))], {
      headers: {
        'x-lines': String(page.lines.length),
        'x-pages': String(page.pages),
        'x-count': String(page.total),
      },
      taken: {
        ...taken,
        faults: [...taken.faults, ...lineFaults.take(page.firstLine, page.lines.length)],
      },
    })
  })

  return {
    url,
    clock,
    catalogue,
    requests,
    countLists: () => requests.filter((path) => path.includes('page=1&')).length,
    setFaults(...added) {
      for (const fault of added.map((input) => CommonFault.parse(input)))
        if (lineOf(fault) === null) faults.set(fault)
        else lineFaults.add(fault)
    },
    misstate: (ids, patch) => void misstatements.push({ ids, patch }),
    heal() {
      faults.clear()
      lineFaults.clear()
      misstatements = []
    },
    setRecords: (all) => void (records = all?.map((record, slot) => ({ slot, record })) ?? null),
    close,
  }
}

/**
 * A request for keys has one page. In any other, page `k` holds the products at the positions
 * `[(k - 1) × pageSize, k × pageSize)`, so that a removal moves no product to another page.
 */
function cutPage(
  listed: readonly ListedRecord[],
  query: URLSearchParams,
  pageSize: number,
): ListPage {
  const keys = query.get('keys')?.split(',')
  if (keys) {
    const named = listed.filter(({ record }) => keys.some((key) => key === record['id']))
    return { lines: named.map(toLine), firstLine: 0, pages: 1, total: named.length }
  }
  const since = Number(query.get('since'))
  const wanted =
    since === 0 ? listed : listed.filter(({ record }) => Number(record['updated_at']) >= since)
  const first = (Number(query.get('page')) - 1) * pageSize
  const onPage = wanted.filter(({ slot }) => slot >= first && slot < first + pageSize)
  return {
    lines: onPage.map(toLine),
    firstLine: wanted.filter(({ slot }) => slot < first).length,
    pages: Math.ceil(((wanted.at(-1)?.slot ?? -1) + 1) / pageSize),
    total: wanted.length,
  }
}

function toLine({ slot, record }: ListedRecord): string {
  return `${JSON.stringify({ n: slot, record })}\n`
}
