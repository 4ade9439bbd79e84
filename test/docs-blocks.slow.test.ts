// The shell blocks of the README and of docs/ work when they are pasted in order. Each is run here or in
// docs-supabase.long.ts, in a clean folder, or is listed with the reason why not.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startAmazon } from '../simulators/amazon/server.ts'
import { DEFAULTS } from '../simulators/amazon/switches.ts'
import { startMedipim } from '../simulators/medipim/simulator.ts'
import { startShopify } from '../simulators/shopify/server.ts'
import type { Db } from '../src/db/pool.ts'
import { openTestDatabase } from './support/database.ts'
import { explainMissingProgram, freePort } from './support/processes.ts'
import { listBlocks } from './support/terminal-folder.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The blocks that are not run, by their first line, or all blocks of a page, with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'docs/commands.md': 'generated from the help of the commands, whose own tests run them',
  'docs/dashboard.md': 'needs the running web server; its tests are in src/http/dashboard',
  'docs/api.md':
    'needs the running web server; test/e2e/catalogue-api.slow.test.ts pastes its calls',
  'docs/change-feed.md':
    'needs the running web server, and follows without an end; test/e2e/feed.slow.test.ts does both',
  'docs/amazon.md':
    'needs an account of Amazon; test/e2e/import-cli.slow.test.ts and refresh-cli.slow.test.ts run its commands with a simulator',
  'docs/coffee.md': 'needs a shop; test/e2e/coffee.test.ts has its options and views',
  'docs/cut-over.md':
    'its commands are those of the README; test/e2e/cut-over.test.ts runs its statements',
  'docs/deploy/docker.md':
    'needs an engine of containers; test/e2e/image.online.ts builds and runs the image',
  'docs/deploy/one-machine.md':
    'installs a service; test/e2e/one-machine.online.ts runs each block',
  'docs/deploy/runbook.md':
    'needs an account of Fly.io; test/flyctl-commands.test.ts checks its commands',
  'docs/deploy/fly.md': 'needs an account of Fly.io; test/fly.test.ts checks its files',
  'docs/http.md': 'needs running services and a shop; the routes have their own tests',
  'docs/enrichment.md':
    'needs an API of a language model; src/downstream/enrich/enrich.test.ts has one',
  'docs/images.md': 'needs a place for images; test/e2e/images.long.ts runs its commands with one',
  'docs/library.md': 'installs the package; test/e2e/package.long.ts runs its code',
  'docs/operations.md':
    'the blocks not in AFTER_README need held, failed or quarantined runs, which test/e2e makes; docs-supabase.long.ts restores a backup',
  'docs/security.md': 'generates a key; test/e2e runs the commands of its list',
  'docs/services.md':
    'its first blocks are those of the README; the others need dead letters and all ports',
  'docs/webhooks.md':
    'needs a receiver; src/downstream/deliver/deliver.slow.test.ts and rules.slow.test.ts have one',
  'docs/uninstall.md': 'removes everything; test/e2e/uninstall.slow.test.ts',
  'npm ci && npm start': 'installs packages; scripts/start.slow.test.ts runs the demo',
  'npm ci && npm test': 'installs packages, and contains this test',
}

/** The pages whose blocks are run. */
const RUN = ['README.md', 'docs/deploy/supabase.md']

test('every page with shell blocks is run or listed, and nothing is listed in vain', async () => {
  const pages = globSync(['README.md', 'docs/*.md', 'docs/deploy/*.md'], { cwd: root })
  const withBlocks = []
  for (const page of pages) if ((await listBlocks(page)).length > 0) withBlocks.push(page)
  const firstLines = (await listBlocks('README.md')).map((code) => code.split('\n', 1)[0] ?? '')
  const listed = Object.keys(NOT_RUN)
  for (const page of withBlocks) assert.ok(RUN.includes(page) || listed.includes(page), page)
  for (const one of listed) assert.ok([...withBlocks, ...firstLines].includes(one), one)
})

/** The blocks of other pages that work after those of the README, by the words they begin with. */
const AFTER_README: Readonly<Record<string, readonly string[]>> = {
  'docs/operations.md': [
    'shelfsync sources set my-shop --policy',
    'shelfsync products my-shop',
    'shelfsync explain my-shop',
    'shelfsync quarantine replay',
  ],
}

const skip = explainMissingProgram('psql', 'postgresql-client')

test('the shell blocks of the README work when they are pasted in order', { skip }, async (t) => {
  const { paste, start, values } = await openTerminal(t)
  for (const code of await listBlocks('README.md')) {
    const [first = ''] = code.split('\n')
    if (NOT_RUN[first] !== undefined) continue
    if (/^[A-Z_]+=/.test(first)) await values.save(code)
    else if (/shelfsync serve/.test(code)) await start(code)
    else await paste(code)
  }
  for (const [page, beginnings] of Object.entries(AFTER_README)) {
    const blocks = await listBlocks(page)
    for (const words of beginnings)
      await paste(blocks.find((code) => code.startsWith(words)) ?? assert.fail(words))
  }
  const [query = ''] = await listBlocks('README.md', { language: 'sql' })
  const table = await paste(`psql "$TEST_URL" --no-psqlrc <<'END'\n${query}\nEND`)
  assert.match(table, /^ M[0-9A-F]{9} \| /m)
  for (const line of table.split('\n')) assert.ok(line.length <= 80, line)
})

/** A clean folder with a database, a MediPim, Amazon and two shops in place of the examples. */
async function openTerminal(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-docs-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { url, pool } = await openTestDatabase(t, { migrations: [] })
  const medipim = await startMedipim({
    products: 30,
    rateLimit: null,
    keys: [{ id: 'your-key-id', secret: 'your-key-secret' }],
  })
  const amazon = await startAmazon({
    credential: {
      ...DEFAULTS.credential,
      id: 'your-credential-id',
      secret: 'your-credential-secret',
    },
    tags: ['your-tag-20'],
  })
  const shops = [await startShopify({ products: 8 }), await startShopify({ products: 4 })]
  t.after(
    async () => void (await Promise.all([medipim, amazon, ...shops].map((one) => one.close()))),
  )
  const port = await freePort()
  for (const name of ['npx', 'shelfsync']) {
    const shift = name === 'npx' ? 'shift; ' : ''
    await writeFile(join(folder, name), `#!/bin/sh\n${shift}exec node ${root}bin/shelfsync "$@"\n`)
    await chmod(join(folder, name), 0o755)
  }
  await writeFile(join(folder, 'shops.csv'), `url,name\n${shops[1]?.url},third\n`)
  const examples: readonly (readonly [string, string])[] = [
    ['postgres://user:password@db.example:5432/postgres', url],
    ['https://some-shop.example', shops[0]?.url ?? ''],
    ['https://other-shop.example', shops[1]?.url ?? ''],
    ['https://api.medipim.be', medipim.url],
    [
      'add amazon',
      `add amazon --set apiUrl=${amazon.url} --set tokenUrl=${amazon.url}/auth/o2/token`,
    ],
    ['curl ', 'curl --silent --show-error --fail-with-body '],
    ['127.0.0.1:3003', `127.0.0.1:${port}`],
  ]
  const env = {
    PATH: `${folder}:${root}node_modules/.bin:${process.env['PATH']}`,
    HOME: folder,
    TEST_URL: Object.assign(new URL(url), { search: '' }).href,
    MEDIPIM_API_URL: medipim.url,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    FETCHER_PORT: '0',
    MAINTAINER_PORT: '0',
    METRICS_PORT: '0',
    ORCHESTRATOR_PORT: String(port),
  }
  const run = (code: string): ChildProcess =>
    spawn('bash', ['-e', '-o', 'pipefail', '-c', code], { cwd: folder, env, detached: true })
  let services: ChildProcess | null = null
  const stop = async (): Promise<void> => {
    if (services?.pid === undefined || services.exitCode !== null) return
    const ended = once(services, 'close')
    process.kill(-services.pid, 'SIGTERM')
    await ended
  }
  t.after(stop)
  const inExamples = async (code: string): Promise<string> =>
    [...examples, ...(await listNames(pool))].reduce(
      (text, [from, to]) => text.replaceAll(from, to),
      code,
    )
  return {
    values: {
      save: async (code: string) => appendFile(join(folder, '.env'), await inExamples(code)),
    },
    async paste(code: string): Promise<string> {
      const text = await inExamples(code)
      const { code: exit, output } = await finish(run(text))
      assert.equal(exit, 0, `${text}\n${output}`)
      if (/curl/.test(code)) await stop()
      return output
    },
    async start(code: string): Promise<void> {
      const child = run(await inExamples(code))
      services = child
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
      const ended = once(child, 'close').then(() => assert.fail(output))
      const serving = async (): Promise<void> => {
        while (!/^orchestrator /m.test(output)) await once(child.stdout ?? child, 'data')
      }
      await Promise.race([serving(), ended])
      ended.catch(() => undefined)
    },
  }
}

/** The examples that name rows: the shop that was added, and the newest run of MediPim. */
async function listNames(db: Db): Promise<(readonly [string, string])[]> {
  const { rows } = await db
    .query<{ shop: string; run: string; product: string }>(
      `select (select min(name) from catalog.sources where connector = 'shopify' and name not in ('other', 'third')) as shop,
        (select max(r.id)::text from catalog.runs r join catalog.sources s on s.id = r.source_id
          where s.name = 'medipim-au' and r.state = 'succeeded') as run,
        (select min(p.external_id) from catalog.products p join catalog.sources s on s.id = p.source_id
          where s.connector = 'shopify' and s.name not in ('other', 'third')) as product`,
    )
    .catch(() => ({ rows: [] }))
  const [{ shop, run, product } = { shop: null, run: null, product: null }] = rows
  return [
    ['my-shop 1001', `my-shop ${product}`],
    ['my-shop', shop ?? 'my-shop'],
    ...['show 7', 'cat 7', '--run 7'].map((text) => [text, text.replace('7', run ?? '7')] as const),
  ]
}

async function finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
