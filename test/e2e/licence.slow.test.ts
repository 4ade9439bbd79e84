// A licence that ends after 24 hours: texts that are planted in everything that Amazon sends are readable
// nowhere after that time, and stored nowhere after the purge.

import assert from 'node:assert/strict'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { toAsin } from '../../simulators/amazon/product.ts'
import { toArtifactPrefix } from '../../src/artifacts/manifest.ts'
import { createAmazon } from '../../src/connectors/amazon/connector.ts'
import type { Connector, Page } from '../../src/core/connector.ts'
import { SyncError } from '../../src/core/errors.ts'
import { purgeExpiredRows } from '../../src/db/write/retention.ts'
import { purgeExpired } from '../../src/pipeline/purge.ts'
import { openAmazonPipeline, type AmazonPipeline } from '../support/amazon-pipeline.ts'
import { openTestDatabase } from '../support/database.ts'
import { countOutcomes } from '../support/pipeline.ts'
import {
  findInFiles,
  findInFunctions,
  findInTables,
  findInViews,
  passTime,
  type Arguments,
} from '../support/readable.ts'

const PLANT = 'zqplantq'
/** In minor units: a price, the next one, and one that is held. */
const PRICES = [987_654_321, 987_654_320, 887_654_321] as const
/** The planted text at each place in a text that is encoded in Base64, as calls are archived. */
const ENCODED = ['', ' ', '  '].map((before) =>
  Buffer.from(`${before}${PLANT}`)
    .toString('base64')
    .slice(before === '' ? 0 : 4, -4),
)
const TEXTS = [PLANT, ...ENCODED, ...PRICES.map(String)]
const KEYS = Array.from({ length: 4 }, (_, at) => toAsin(at))
const [REPRICED = '', RENAMED = '', HELD = '', INVALID = ''] = KEYS
const REFUSED = toAsin(4)
const READER = 'licence_reader'

/** Texts of Amazon, by the member of the response. */
const MEMBERS = new Set(
  'displayValue displayName contextFreeName name message displayAmount savingBasisTypeLabel url detailPageURL badge'.split(
    ' ',
  ),
)

interface Opened extends AmazonPipeline {
  readonly connector: Connector
}

async function open(t: TestContext): Promise<Opened> {
  const { pool: db } = await openTestDatabase(t)
  const connector = plantTexts(createAmazon())
  const { simulator, pipeline } = await openAmazonPipeline(t, {
    db,
    connector,
    // Its quarantined record would hold each run.
    policy: { quarantineShare: 1 },
  })
  return { simulator, pipeline, connector }
}

/** The connector with the planted text in every text of a response. */
function plantTexts(connector: Connector): Connector {
  return {
    ...connector,
    async *fetch(request, signal) {
      for await (const page of connector.fetch(request, signal)) yield plantPage(page)
    },
  }
}

function plantPage(page: Page): Page {
  const lines = new TextDecoder().decode(page.bytes).trimEnd().split('\n')
  const planted = lines.map((line) => `${JSON.stringify(plant(JSON.parse(line)))}\n`).join('')
  return { ...page, bytes: new TextEncoder().encode(planted) }
}

function plant(value: unknown, member = ''): unknown {
  if (typeof value === 'string') return MEMBERS.has(member) ? `${value} ${PLANT}` : value
  if (Array.isArray(value))
    return value.map((one) => plant(one, member === 'displayValues' ? 'displayValue' : member))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plant(one, name)]))
}

/** The connector with one invalid record. */
function breakRecord(connector: Connector): Connector {
  return {
    ...connector,
    normalise(record, settings) {
      if (connector.identify(record) !== INVALID) return connector.normalise(record, settings)
      throw new SyncError('record/invalid', `title: "${PLANT}" is not valid`)
    },
  }
}

/** Every kind of row that quotes Amazon: products, changes, reviews, quarantine, messages, calls. */
async function fill({ simulator, pipeline, connector }: Opened): Promise<void> {
  const { tools, name } = pipeline
  const { db } = tools
  const { id } = await pipeline.source()
  const broken = breakRecord(connector)
  simulator.update(REPRICED, { priceMinor: PRICES[0] })
  simulator.update(HELD, { priceMinor: 1_234 })
  simulator.set({ refused: { [REFUSED]: 'ItemNotAccessible' } })
  const first = await pipeline.syncKeys([...KEYS, REFUSED], { connector: broken })
  assert.equal(first.state, 'succeeded')
  // As an import stores its results.
  await db.query(
    `update catalog.runs r set options = '{"import": {}}', imports = catalog.list_import_results(r, null) where id = $1`,
    [first.run],
  )
  simulator.update(REPRICED, { priceMinor: PRICES[1] })
  simulator.update(RENAMED, { title: 'Another title' })
  simulator.update(HELD, { priceMinor: PRICES[2] })
  assert.equal((await pipeline.syncKeys(KEYS, { connector: broken })).state, 'succeeded')
  const failing: Connector = {
    ...connector,
    // eslint-disable-next-line require-yield
    async *fetch(): AsyncGenerator<Page> {
      await Promise.resolve()
      throw new SyncError('source/rejected', 'refused')
    },
  }
  await pipeline.syncKeys([RENAMED], { connector: failing })
  await db.query(`update catalog.runs set reason = reason || $1 where error_code is not null`, [
    PLANT,
  ])
  await db.query(`update catalog.artifacts set warnings = jsonb_build_array($1::text)`, [PLANT])
  await db.query(
    `select catalog.propose_value(source_id, external_id, f.field, to_jsonb($2::text), $2, 0.9, 'model', content_hash, f.threshold)
     from catalog.products, (values ('description', 0.5), ('attributes.use', null)) f (field, threshold)
     where source_id = $1 and external_id = $3`,
    [id, PLANT, RENAMED],
  )
  await db.query(
    `select api.rpc_upsert_product(p_source => $1, p_platform_product_id => 'CALLED', p_name => $2)`,
    [name, PLANT],
  )
}

/** Arguments with which every function that a person or a program calls returns something. */
async function listArguments({ pipeline }: Opened): Promise<Arguments> {
  const { id, name } = await pipeline.source()
  const [ids] = await pipeline.query<Record<'runs' | 'reviews' | 'records', number[]>>(
    `select array(select id from catalog.runs order by 1) as runs, array(select id from catalog.reviews order by 1) as reviews,
       array(select id from catalog.quarantine order by 1) as records`,
  )
  assert.ok(ids)
  const products = [...KEYS, 'CALLED']
  return {
    'p_source integer': [id],
    'p_source text': [name],
    p_name: [name],
    p_run: [...ids.runs, null],
    p_artifact_run: ids.runs,
    p_product: products,
    p_variant: products,
    p_price_type: ['public', 'list'],
    p_text: KEYS,
    p_words: [[], [PLANT]],
    p_statuses: [['active', 'unavailable']],
    p_id: ids.records,
    p_review: [null, ...ids.reviews],
    p_limit: [1_000],
    p_days: [30],
    p_reduction_start: [new Date()],
    p_seen: [Buffer.alloc(0)],
    p_sources: [null, [name]],
    p_list: ['changes', 'reviews'],
    p_runs: [ids.runs],
    p_keys: [products],
  }
}

/** As if a day had passed; the folders of artifacts have the days of their runs. */
async function passDay({ pipeline }: Opened): Promise<void> {
  const { tools, name, storeRoot } = pipeline
  await passTime(tools.db, '24 hours')
  const runs = await pipeline.query<{ id: number; at: Date }>(
    `select id, started_at as at from catalog.runs`,
  )
  for (const { id, at } of runs) {
    const folderAt = (startedAt: Date): string =>
      join(storeRoot, toArtifactPrefix({ source: name, run: String(id), startedAt }))
    const [from, to] = [folderAt(new Date(at.getTime() + 86_400_000)), folderAt(at)]
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to).catch(() => undefined)
  }
}

/** Functions that only other functions call, with content that has not been purged yet. */
const INTERNAL = new Set([
  'list_stated_prices',
  'list_open_disagreements',
  'list_shown_images',
  'list_shown_variants',
  'load_run_facts',
  'match_reviews',
])

async function findReadable(
  opened: Opened,
): Promise<Record<'views' | 'published' | 'functions', string[]>> {
  const { db } = opened.pipeline.tools
  const functions = await findInFunctions(db, TEXTS, await listArguments(opened))
  return {
    views: await findInViews(db, TEXTS),
    published: await findInViews(db, TEXTS, READER),
    functions: functions.filter((name) => !INTERNAL.has(name)),
  }
}

const NOTHING = { views: [], published: [], functions: [] }

test('no text of Amazon is readable 24 hours after its request, and none is stored after the purge', async (t) => {
  const opened = await open(t)
  const { pipeline } = opened
  const { tools, storeRoot } = pipeline
  const { db } = tools
  await db.query(`create role ${READER} nologin`).catch(() => undefined)
  t.after(() => db.query(`drop owned by ${READER}; drop role ${READER}`).catch(() => undefined))
  await db.query('select catalog.publish($1)', [READER])
  await fill(opened)

  const before = await findReadable(opened)
  const tables = await findInTables(db, TEXTS)
  // Otherwise the search would not look where the texts are.
  assert.deepEqual(
    tables,
    'artifacts categories changes enrichments images parts prices products quarantine reviews runs search_entries'.split(
      ' ',
    ),
  )
  for (const view of 'products prices images changes categories enrichments amazon_products'.split(
    ' ',
  ))
    assert.ok(before.views.includes(view), `${view} shows no planted text`)
  assert.deepEqual(
    before.published,
    before.views.filter((view) => view !== 'price_decisions'),
  )
  const called =
    'describe_run explain_product find_products find_quarantined_record list_artifacts list_changes list_parts load_work_done list_product_changes list_product_prices list_products list_published_changes list_quarantine list_reviews list_runs load_draft load_record summarize_runs'
  for (const name of called.split(' '))
    assert.ok(before.functions.includes(name), `${name} returns no planted text`)
  assert.ok((await findInFiles(storeRoot, TEXTS)).length > 0)
  const runs = await pipeline.query<{ id: number }>(
    `select run_id as id from catalog.parts where not starts_with(key, 'data:') order by 1`,
  )

  await passDay(opened)
  assert.deepEqual(await findReadable(opened), NOTHING)
  for (const { id } of runs)
    await assert.rejects(
      pipeline.replay(id),
      /purged: content of this source expires 24 hours after its request/,
    )

  await purgeExpired(tools)
  assert.deepEqual(await findInTables(db, TEXTS), [])
  assert.deepEqual(await findInFiles(storeRoot, TEXTS), [])
  assert.deepEqual(await findReadable(opened), NOTHING)
  assert.deepEqual(
    pipeline.logged.filter((line) => TEXTS.some((text) => line.includes(text))),
    [],
  )
  const kept = await pipeline.query<{ id: string; identifiers: unknown }>(
    `select external_id as id, identifiers from catalog.products where purged_at is not null and external_id <> 'CALLED' order by 1`,
  )
  assert.deepEqual(
    kept.map(({ id }) => id),
    [REPRICED, RENAMED, HELD].sort(),
  )
  assert.deepEqual(kept[0]?.identifiers, { asin: kept[0]?.id })
  assert.equal(await purgeExpiredRows(db), 0)

  assert.deepEqual(countOutcomes(await pipeline.syncKeys([REPRICED, RENAMED, HELD])), {
    updated: 3,
  })
  assert.ok((await findInViews(db, TEXTS, READER)).includes('amazon_products'))
})
