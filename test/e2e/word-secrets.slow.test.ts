// Secrets that are ordinary words: a password "medipim", a key "removed". Every command runs with
// such secrets and with others, and prints the same.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import pg from 'pg'
import { startShopify } from '../../simulators/shopify/server.ts'
import { listCommands, createSilentProgram } from '../../scripts/support/commands.ts'
import { FREE_PORTS } from '../support/processes.ts'
import { runCommand, type CommandOutput } from '../support/commands.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim, priceActiveProducts } from '../support/medipim.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openServices } from '../support/services.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Secrets {
  readonly database: string
  readonly id: string
  readonly key: string
  readonly admin: string
  readonly s3: string
}

const WORDS: Secrets = {
  database: 'medipim',
  id: 'products',
  key: 'removed',
  admin: 'products and prices',
  s3: 'postgres',
}
const OTHERS: Secrets = {
  database: 'q7#Zt!w2pL',
  id: 'z4-Qm!8sLp',
  key: 'w9_Kc4.xR1b',
  admin: 'Vb6-kQ0tWm9sXe3r',
  s3: 'mN5/oP8+uY2a',
}

interface Stage {
  readonly pipeline: TestPipeline
  readonly letter: string
  readonly shop: string
  readonly folder: string
  env(secrets: Secrets): Promise<Record<string, string>>
}

/**
 * A source with an entry in every list: a held price, a quarantined record, a dead letter,
 * successful runs.
 */
async function setStage(t: TestContext): Promise<Stage> {
  const database = await openTestDatabase(t)
  const role = `words_${process.pid}`
  await database.pool.query(`create role ${role} login superuser`)
  // After the database, whose objects it uses.
  t.after(async () => {
    const client = new pg.Client({
      connectionString: Object.assign(new URL(database.url), { pathname: '/postgres' }).href,
    })
    await client.connect()
    await client.query(`drop role ${role}`)
    await client.end()
  })
  const keys = [WORDS, OTHERS].map(({ id, key: secret }) => ({ id, secret }))
  const { pipeline, simulator } = await openMedipim(t, {
    db: database.pool,
    key: { id: OTHERS.id, secret: OTHERS.key },
    supplier: { keys },
    policy: { quarantineShare: 0.9 },
    options: { attemptsMax: 1 },
  })
  const services = await openServices(t, database, pipeline)
  const [dear = ''] = priceActiveProducts(simulator)
  const broken =
    simulator.catalogue
      .visible()
      .map(simulator.catalogue.idOf)
      .find((id) => id !== dear) ?? ''
  simulator.faults.set({
    kind: 'patch',
    ids: [broken],
    patch: { id: 'medipim removed', publicPrice: 'secret' },
    times: null,
  })
  await pipeline.sync()
  simulator.clock.advance(3_600_000)
  simulator.catalogue.setPrice([dear], { cents: 1_000_000 })
  await pipeline.sync()
  simulator.faults.set({
    kind: 'status',
    status: 401,
    body: '',
    times: null,
    path: '/v4/products/stream',
  })
  const stop = services.startWorkers()
  const letter = await services.waitForDeadLetter((await services.requestRun()).run)
  await stop()
  simulator.faults.clear()
  const shop = await startShopify({ products: 3 })
  t.after(shop.close)
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-words-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const env = async ({
    database: password,
    id,
    key,
    admin,
    s3,
  }: Secrets): Promise<Record<string, string>> => {
    await database.pool.query(
      `do $$ begin execute format('alter role ${role} password %L', '${password}'); end $$`,
    )
    return {
      DATABASE_URL: Object.assign(new URL(database.url), {
        username: role,
        password: encodeURIComponent(password),
      }).href,
      MEDIPIM_API_KEY: `${id}:${key}`,
      ADMIN_KEY: admin,
      S3_ACCESS_KEY_ID: s3,
      S3_SECRET_ACCESS_KEY: 'secret',
      SHELFSYNC_HOME: pipeline.storeRoot,
      ARTIFACTS: `file:${pipeline.storeRoot}`,
      MEDIPIM_API_URL: simulator.url,
      ALLOW_PRIVATE_HOSTS: '127.0.0.1',
      ...FREE_PORTS,
    }
  }
  return { pipeline, letter: String(Object(letter).id ?? letter), shop: shop.url, folder, env }
}

/**
 * Each command in the order of execution. Those that only show come first and print the same twice.
 */
function callsOn({
  pipeline: { name },
  letter,
  shop,
  folder,
}: Stage): Record<'shows' | 'acts', readonly (readonly string[])[]> {
  return {
    shows: [
      ['status'],
      ['init'],
      ['sources', 'list'],
      ['sources', 'show', name],
      ['runs', 'list'],
      ['runs', 'show', '1'],
      ['runs', 'changes', '1'],
      ['runs', 'diff', '1'],
      ['products', name],
      ['changes', name],
      ['export', 'none', '--ndjson'],
      ['parse'],
      ['reviews', 'list'],
      ['reviews', 'show', '999999'],
      ['reviews', 'rules', 'list'],
      ['quarantine', 'list'],
      ['quarantine', 'show', '999999'],
      ['explain', name, 'M01DA065AB'],
      ['artifacts', 'list'],
      ['artifacts', 'verify', '1'],
      ['webhooks', 'list'],
      ['rules', 'list'],
      ['images', 'list'],
      ['jobs', 'list'],
      ['plan', name, '--full'],
      ['purge', '--dry-run'],
      ['doctor'],
      ['stop'],
      ['runs', 'show', '999999'],
      ['sync', 'medipim-removed'],
      ['import', 'removed', '--source', name],
    ],
    acts: [
      ['migrate'],
      ['migrations', 'copy', folder],
      ['functions', 'copy', `${folder}/functions`],
      ['add', shop, '--name', 'removed', '--no-sync'],
      ['sources', 'set', name, '--policy', 'removalShare=0.2'],
      ['sources', 'pause', name],
      ['sources', 'resume', name],
      ['reviews', 'approve', '1'],
      ['reviews', 'reject', '999999'],
      ['reviews', 'edit', '999999', '12.50'],
      ['reviews', 'rules', 'add', 'never', 'price', '--source', name, '--zero'],
      ['reviews', 'rules', 'remove', '999999'],
      ['runs', 'approve', '1'],
      ['runs', 'reject', '1', '--yes'],
      ['quarantine', 'replay', name],
      ['runs', 'cancel', '999999'],
      ['sources', 'rename', 'none', 'other'],
      ['sources', 'remove', 'none', '--yes'],
      ['images', 'retry', '--source', name],
      ['webhooks', 'add', 'orders', 'https://127.0.0.1:1/hook'],
      ['webhooks', 'deliveries', 'orders'],
      ['webhooks', 'replay', 'orders'],
      ['webhooks', 'test', 'orders'],
      ['webhooks', 'pause', 'orders'],
      ['webhooks', 'resume', 'orders'],
      ['rules', 'add', 'cheaper', 'price-down', '--percent', '10', '--to', 'orders'],
      ['rules', 'try', 'cheaper'],
      ['rules', 'on', 'cheaper'],
      ['rules', 'off', 'cheaper'],
      ['rules', 'remove', 'cheaper'],
      ['webhooks', 'remove', 'orders'],
      ['alerts', 'list'],
      ['alerts', 'acknowledge', '999999'],
      ['alerts', 'mute', '999999'],
      ['alerts', 'sound', '999999'],
      ['alerts', 'test'],
      // It lists what the commands before it did.
      ['actions', '--source', name],
      // Its rows depend on the clock.
      ['limits', 'list'],
      ['limits', 'reset', 'none'],
      ['jobs', 'retry', letter],
      ['jobs', 'discard', 'none'],
      ['sync', name],
      ['replay', name],
      ['publish'],
      ['logins', '--to', join(folder, 'none', 'logins')],
      ['serve'],
    ],
  }
}

async function run(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<CommandOutput> {
  const output = { stdout: '', stderr: '' }
  const ended = runCommand(env, args, output)
  if (args[0] === 'serve') {
    await Promise.race([waitUntil(() => output.stdout !== ''), ended])
    process.emit('SIGTERM')
  }
  return ended
}

/** Without values that depend on the clock. */
function steady({ stdout, stderr }: CommandOutput): string {
  return `${stdout}\n${stderr}`
    .replaceAll(/just now|\d+ (s|min) ago|[\d.,]+/g, 'N')
    .replaceAll(/ {2,}/g, ' ')
}

test('every command prints the same with secrets that are ordinary words', async (t) => {
  const stage = await setStage(t)
  const { shows, acts } = callsOn(stage)
  const called = [...shows, ...acts].map((args) => args.join(' '))
  // `artifacts cat` writes the supplier's bytes directly, and `mcp` the messages of its protocol.
  for (const { name } of listCommands(await createSilentProgram()))
    if (!['artifacts cat', 'mcp'].includes(name))
      assert.ok(
        called.some((call) => call === name || call.startsWith(`${name} `)),
        `${name} is called`,
      )
  const json = shows.map((args) => [...args, '--json'])
  const others = await stage.env(OTHERS)
  const usual = new Map<string, string>()
  for (const args of [...shows, ...json]) usual.set(args.join(' '), steady(await run(others, args)))
  const words = await stage.env(WORDS)
  for (const args of [...shows, ...json])
    assert.equal(steady(await run(words, args)), usual.get(args.join(' ')), args.join(' '))
  for (const args of acts) {
    const { stdout, stderr } = await run(words, [...args, '--json'])
    assert.doesNotMatch(stdout + stderr, /redacted/, args.join(' '))
    assert.doesNotMatch(stdout + stderr, /internal/, args.join(' '))
    for (const text of stdout.split('\n').filter((one) => one !== ''))
      assert.ok(JSON.parse(text), args.join(' '))
  }
})
