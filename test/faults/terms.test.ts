// Brands that are being written when the database fails: a lane continues only after the brands it
// refers to are written.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Term } from '../../src/core/product.ts'
import { openPool, type Db } from '../../src/db/pool.ts'
import { startRun } from '../../src/db/write/runs.ts'
import { createProgress, type RunContext } from '../../src/pipeline/context.ts'
import { TaxonomyWriter } from '../../src/pipeline/apply/taxonomy-writer.ts'
import { openTestDatabase } from '../support/database.ts'
import { openToy } from '../support/toy/open.ts'
import { measureHeapBytes } from '../support/memory.ts'
import { onNthPass, watchQueries } from './failpoints.ts'
import { bindConnector } from '../../src/sources/bound-source.ts'

const { pool: db, url } = await openTestDatabase()

const brand = (externalId: string, name = externalId): Term => ({
  kind: 'brand',
  externalId,
  name,
  parentId: null,
  attributes: {},
})

/** Starts a run of the toy source, whose terms are written through `through`. */
async function openRun(t: TestContext, through: Db) {
  const { pipeline } = await openToy(t, { db })
  const source = await pipeline.source()
  const request = {
    sourceId: source.id,
    kind: 'full',
    sinceAt: null,
    artifactRun: null,
    resumeAny: false,
    normaliserVersion: 1,
    owner: 'me',
    deadOwner: null,
    correlationId: 'test',
    options: {},
  } as const
  const run = await startRun(db, request)
  const context: RunContext = {
    ...pipeline.tools,
    ...bindConnector(pipeline.connector, source),
    applyOptions: null,
    db: through,
    run,
    progress: createProgress(),
    signal: new AbortController().signal,
  }
  return { pipeline, source, context }
}

test('brands whose writing failed are written by the next lane before it continues', async (t) => {
  const own = await openPool(url, { applicationName: 'watched' })
  t.after(() => own.end())
  watchQueries(
    own,
    onNthPass('before upsert_terms', 1, () => {
      throw new Error('Connection terminated')
    }),
  )
  const { pipeline, source, context } = await openRun(t, own)
  const taxonomy = new TaxonomyWriter()
  taxonomy.collect([brand('one')])
  const first = taxonomy.save(context)
  taxonomy.collect([brand('one'), brand('two')])
  const second = taxonomy.save(context)
  await assert.rejects(first, /Connection terminated/)
  await second
  const brands = await pipeline.query<{ external_id: string }>(
    'select external_id from catalog.brands where source_id = $1 order by 1',
    source.id,
  )
  assert.deepEqual(
    brands.map(({ external_id }) => external_id),
    ['one', 'two'],
  )
})

test('only hashes of written terms are kept in memory, however long their names are', async (t) => {
  const { pipeline, source, context } = await openRun(t, db)
  const taxonomy = new TaxonomyWriter()
  const write = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) {
      const terms = [brand(`brand ${n}`, `${n} `.repeat(150_000))]
      taxonomy.collect(terms)
      await taxonomy.save(context)
    }
  }
  await write(0, 3)
  const before = measureHeapBytes()
  await write(3, 23)
  const grown = measureHeapBytes() - before
  assert.ok(grown < 3_000_000, `${grown} bytes`)
  const [{ written } = { written: '' }] = await pipeline.query<{ written: string }>(
    'select max(changed_at)::text as written from catalog.brands where source_id = $1',
    source.id,
  )
  taxonomy.collect([brand('brand 3', '3 '.repeat(150_000))])
  await taxonomy.save(context)
  const [after] = await pipeline.query<{ written: string }>(
    'select max(changed_at)::text as written from catalog.brands where source_id = $1',
    source.id,
  )
  assert.equal(after?.written, written, 'a written term is known by its hash')
})

test('a term is sent again exactly when its name, its parent or its attributes differ', async (t) => {
  const own = await openPool(url, { applicationName: 'counted' })
  t.after(() => own.end())
  let sent = 0
  watchQueries(own, (place) => {
    if (place === 'before upsert_terms') sent++
  })
  const { context } = await openRun(t, own)
  const taxonomy = new TaxonomyWriter()
  const isSent = async (term: Term): Promise<boolean> => {
    const before = sent
    taxonomy.collect([term])
    await taxonomy.save(context)
    return sent > before
  }
  const long = 'x'.repeat(100)
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`a${n}`, n]))
  const one: Term = {
    ...brand('one'),
    attributes: { type: 'supplier', url: 'https://one.example' },
  }
  const versions: readonly Term[] = [
    one,
    { ...one, name: 'One' },
    { ...one, name: long },
    { ...one, name: `${long}!` },
    { ...one, parentId: 'zero' },
    { ...one, parentId: long },
    { ...one, kind: 'category' },
    { ...one, externalId: `one ${long}` },
    { ...one, attributes: {} },
    { ...one, attributes: { type: 'supplier' } },
    { ...one, attributes: { type: 'supplier', country: 'AU' } },
    { ...one, attributes: { ...one.attributes, country: 'AU' } },
    { ...one, attributes: { type: 1 } },
    { ...one, attributes: { type: '1' } },
    { ...one, attributes: { type: long } },
    { ...one, attributes: { type: { name: 'supplier' } } },
    { ...one, attributes: { type: { name: 'marketing' } } },
    { ...one, attributes: many },
    { ...one, attributes: { ...many, a19: 0 } },
  ]
  for (const version of versions) {
    const told = JSON.stringify(version)
    assert.equal(await isSent(version), true, told)
    assert.equal(await isSent(structuredClone(version)), false, told)
  }
})
