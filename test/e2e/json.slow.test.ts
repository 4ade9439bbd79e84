// Every command with --json: each line of both streams is a JSON object, also when the command fails or
// is stopped.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type MedipimSimulator, startMedipim } from '../../simulators/medipim/simulator.ts'
import { createSilentProgram, listCommands } from '../../scripts/support/commands.ts'
import { runCommand } from '../support/commands.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type CommandResult, openShelfsync, type Shelfsync } from './shelfsync.ts'

type Line = Readonly<Record<string, unknown>>

const STREAM = '/v4/products/stream'

async function openPharmacy(t: TestContext): Promise<Shelfsync & { simulator: MedipimSimulator }> {
  const keys = [{ id: '42', secret: 'planted-key-secret' }]
  const simulator = await startMedipim({ products: 60, keys, rateLimit: null })
  t.after(simulator.close)
  const shelf = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '42:planted-key-secret',
    ADMIN_KEY: 'k'.repeat(32),
    ...Object.fromEntries(
      ['FETCHER', 'MAINTAINER', 'ORCHESTRATOR', 'METRICS'].map((name) => [`${name}_PORT`, '0']),
    ),
  })
  return { ...shelf, simulator }
}

/** Parses every line. */
function parseLines(text: string, place: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const value: unknown = (() => {
        try {
          return JSON.parse(line)
        } catch {
          return assert.fail(`${place}: ${line}`)
        }
      })()
      assert.ok(
        typeof value === 'object' && value !== null && !Array.isArray(value),
        `${place}: ${line}`,
      )
      return value as Line
    })
}

function assertJson(line: string, { stdout, stderr }: Pick<CommandResult, 'stdout' | 'stderr'>) {
  return { results: parseLines(stdout, line), messages: parseLines(stderr, line) }
}

/** Returns the error among the messages. */
function findError(messages: readonly Line[], line: string): Line {
  const [found, ...others] = messages.filter((message) => 'error' in message)
  assert.ok(found !== undefined && others.length === 0, `${line}: ${JSON.stringify(messages)}`)
  const error = found['error'] as Line
  assert.deepEqual(Object.keys(error).slice(0, 3), ['code', 'message', 'hint'], line)
  return error
}

/**
 * Calls in an order in which each finds what it needs; `serve` is stopped separately, and `parse` and
 * `mcp` read standard input.
 */
const CALLS = [
  'add medipim --name pharmacy',
  'sync',
  'import 1001 --source pharmacy',
  'import 1001 --marketplace www.amazon.com',
  'plan pharmacy',
  'replay pharmacy',
  'replay pharmacy --plan',
  'status',
  'runs',
  'runs list',
  'runs show 1',
  'runs changes 1',
  'runs diff 1',
  'runs approve 1',
  'runs reject 1 --yes',
  'runs cancel 1',
  'products pharmacy',
  'explain pharmacy nothing',
  'changes',
  'actions',
  'export pharmacy --ndjson',
  'export pharmacy --csv',
  'export pharmacy --csv --to products.csv',
  'export --ndjson --list prices --to prices.ndjson.gz',
  'reviews list',
  'reviews show 1',
  'reviews approve 1',
  'reviews reject 1',
  'reviews edit 1 12.50',
  'reviews rules list',
  'reviews rules add never price --source pharmacy --zero',
  'reviews rules remove 1',
  'quarantine list',
  'quarantine show 1',
  'quarantine replay pharmacy',
  'sources list',
  'sources show pharmacy',
  'sources show pharmcy',
  'sources set pharmacy --full-on every',
  'sources set pharmacy',
  'sources pause pharmacy',
  'sync pharmacy',
  'sync',
  'sources resume pharmacy',
  'sources rename pharmacy chemist',
  'artifacts list',
  'artifacts verify',
  'artifacts cat 1',
  'webhooks list',
  'webhooks add orders https://127.0.0.1:1/hook',
  'webhooks deliveries orders',
  'webhooks replay orders',
  'webhooks test orders',
  'webhooks pause orders',
  'webhooks resume orders',
  'rules list',
  'rules add cheaper price-down --percent 10 --to orders',
  'rules try cheaper',
  'rules on cheaper',
  'rules off cheaper',
  'rules remove cheaper',
  'webhooks remove orders',
  'images list',
  'images retry --source pharmacy',
  'purge',
  'alerts list',
  'alerts acknowledge 1',
  'alerts mute 1',
  'alerts sound 1',
  'alerts test',
  'limits list',
  'limits reset some-shop.example',
  'jobs list',
  'jobs retry 1-fetch',
  'jobs discard 1-fetch',
  'migrate',
  'logins nobody',
  'migrations',
  'migrations copy copied',
  'functions',
  'functions copy copied/functions',
  'publish',
  'publish --role nobody',
  'init',
  'doctor',
  'stop',
  'sources remove chemist',
  'sources remove chemist --yes',
] as const

/** Commands that write to standard output itself, so that they need a process. */
const WRITES_BYTES = /^(?:artifacts cat|export)/

/** Options that are reported first when they are missing. */
const MANDATORY = new Map([
  ['reviews rules add', ['--source', 'pharmacy']],
  ['rules add', ['--to', 'orders']],
])

test('every command with --json writes JSON objects only, one per line, when it succeeds and when it fails', async (t) => {
  const { folder, env, run } = await openPharmacy(t)
  // Some commands write files where they are called.
  const before = process.cwd()
  process.chdir(folder)
  t.after(() => process.chdir(before))
  const commands = listCommands(await createSilentProgram()).map(({ name }) => name)
  const missing = commands.filter(
    (name) =>
      !['mcp', 'parse', 'serve'].includes(name) &&
      !CALLS.some((line) => line === name || line.startsWith(`${name} `)),
  )
  assert.deepEqual(missing, [], 'commands without a call')
  for (const line of CALLS) {
    const args = [...line.split(' '), '--json']
    const done = WRITES_BYTES.test(line) ? await run(...args) : await runCommand(env, args)
    const { messages, results } = assertJson(line, done)
    const failed = 'failed' in done ? done.failed : done.code !== 0
    if (!failed || /^(?:artifacts verify|doctor)/.test(line)) continue
    // A report contains its error; then standard error does not repeat it.
    const reports = results.filter(({ state }) => state === 'failed')
    if (reports.length === 0) findError(messages, line)
    else {
      assert.deepEqual([reports.length, messages], [1, []], line)
      const { code, reason, hint } = reports[0] ?? {}
      assert.deepEqual(
        [typeof code, typeof reason, typeof hint],
        ['string', 'string', 'string'],
        line,
      )
    }
  }
  for (const name of commands) {
    const line = [name, ...(MANDATORY.get(name) ?? []), '--bogus'].join(' ')
    const { messages, results } = assertJson(
      line,
      await runCommand({ SHELFSYNC_HOME: folder }, [...line.split(' '), '--json']),
    )
    const { code, message, hint } = findError(messages, line)
    assert.deepEqual([code, results.length], ['usage/invalid', 0], line)
    assert.match(String(message), /unknown option --bogus$/, line)
    assert.match(String(hint), /^Usage: shelfsync [^]*\n {7}Example: .*shelfsync /, line)
  }
})

test('a command that is stopped ends with a JSON line of its results', async (t) => {
  const { run, start, simulator, db } = await openPharmacy(t)
  assert.equal((await run('add', 'medipim', '--name', 'pharmacy')).code, 0)
  simulator.faults.set({ kind: 'stall', afterLines: 20, path: STREAM, times: null })
  const countRequests = (): number => simulator.stats.snapshot().requests[STREAM] ?? 0
  for (const line of ['plan pharmacy --full', 'sync', 'sync pharmacy']) {
    const before = countRequests()
    const { child, result } = start(...line.split(' '), '--json', '--verbose')
    await whileRunning(result, () => countRequests() > before)
    child.kill('SIGINT')
    assertStopped(line, await result)
  }
  const client = await db.connect()
  await client.query('begin; lock table catalog.sources in access exclusive mode')
  const { child, result } = start('status', '--json')
  await whileRunning(result, async () => {
    const waiting = "select from pg_stat_activity where wait_event_type = 'Lock'"
    return (await db.query(waiting)).rowCount !== 0
  })
  child.kill('SIGINT')
  const done = await result
  client.release(true)
  assertStopped('status', done)
})

/** Waits for the condition, but not after the end of the command. */
async function whileRunning(
  result: Promise<CommandResult>,
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  let ended: CommandResult | null = null
  void result.then((done) => (ended = done))
  await waitUntil(async () => ended !== null || (await look()))
  assert.equal(ended, null, JSON.stringify(ended))
}

function assertStopped(line: string, done: CommandResult): void {
  const { results } = assertJson(line, done)
  assert.deepEqual([done.code, results.at(-1)?.['code']], [130, 'run/cancelled'], line)
}
