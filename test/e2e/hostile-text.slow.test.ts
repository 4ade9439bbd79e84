// Suppliers that try to write to the terminal. Every command that shows supplier text is run over
// titles, vendors, ids, reasons and shop names that contain escape sequences, C1 controls,
// bidirectional marks and line breaks.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startShopify } from '../../simulators/shopify/server.ts'
import { Cli } from '../../src/cli/cli.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { createProgram } from '../../src/cli/program.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { runCommand } from '../support/commands.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim, priceActiveProducts } from '../support/medipim.ts'
import type { TestPipeline } from '../support/pipeline.ts'
import { openServices } from '../support/services.ts'

/**
 * Colour, the window's title, the clipboard, clearing the screen by a C1 control, reversed text, a
 * line break.
 */
const HOSTILE =
  'x\u001b[31m\u001b]0;owned\u0007\u001b]52;c;aGk=\u001b\\\u009b2J\u202e\u2066evil\u200f\ufeff\u2028\r\nerror: forged'
const OBEYED = /(?!\n)\p{Cc}|[\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u

/**
 * Commands that change something instead of showing it, and `export`, which writes directly to the
 * process. A new command must be added to one of the two lists.
 */
const ACTING = [
  'init',
  'sync',
  'import',
  'export',
  'parse',
  'replay',
  'serve',
  'mcp',
  'migrate',
  'migrations',
  'functions',
  'logins',
  'stop',
  'runs approve',
  'runs reject',
  'runs cancel',
  'sources rename',
  'sources remove',
  'reviews approve',
  'reviews reject',
  'reviews edit',
  'reviews rules',
  'quarantine replay',
  'sources set',
  'sources pause',
  'sources resume',
  'sources accept',
  'images retry',
  'alerts acknowledge',
  'alerts mute',
  'alerts sound',
  'alerts test',
  'webhooks add',
  'webhooks replay',
  'webhooks test',
  'webhooks pause',
  'webhooks resume',
  'webhooks remove',
  'rules add',
  'rules on',
  'rules off',
  'rules remove',
  'limits reset',
  'jobs retry',
  'jobs discard',
]

async function openHostile(
  t: TestContext,
): Promise<{ pipeline: TestPipeline; env: Record<string, string> }> {
  const database = await openTestDatabase(t)
  const { pipeline, simulator } = await openMedipim(t, {
    db: database.pool,
    policy: { quarantineShare: 0.9 },
    options: { attemptsMax: 1 },
  })
  const services = await openServices(t, database, pipeline)
  const [dear = ''] = priceActiveProducts(simulator)
  const [first = '', second = '', third = '', fourth = ''] = simulator.catalogue
    .visible()
    .map(simulator.catalogue.idOf)
    .filter((id) => id !== dear)
  const named = {
    name: { en: `Title ${HOSTILE}` },
    brands: [{ id: 7, name: { en: `Vendor ${HOSTILE}` } }],
  }
  const patch = (id: string, changes: object) => ({
    kind: 'patch' as const,
    ids: [id],
    patch: { ...named, ...changes },
    times: null,
  })
  const lasting = [
    patch(dear, {}),
    patch(first, { id: `ID ${HOSTILE}` }),
    patch(second, { status: HOSTILE }),
    patch(third, { publicPrice: HOSTILE }),
    patch(fourth, { id: `Bad ${HOSTILE}`, publicPrice: HOSTILE }),
  ]
  simulator.faults.set(...lasting)
  await pipeline.sync()
  simulator.clock.advance(3_600_000)
  simulator.catalogue.setPrice([dear], { cents: 1_000_000 })
  await pipeline.sync()
  const error = { status: 401, code: `code ${HOSTILE}`, message: `message ${HOSTILE}` }
  simulator.faults.set({
    kind: 'status',
    status: 401,
    body: JSON.stringify({ error }),
    times: null,
    path: '/v4/products/stream',
  })
  await pipeline.sync()
  const stop = services.startWorkers()
  await services.waitForDeadLetter((await services.requestRun()).run)
  await stop()
  simulator.faults.clear()
  simulator.faults.set(...lasting, patch(first, { id: `New ${HOSTILE}`, status: HOSTILE }))
  const env = {
    DATABASE_URL: database.url,
    SHELFSYNC_HOME: pipeline.storeRoot,
    ARTIFACTS: `file:${pipeline.storeRoot}`,
    MEDIPIM_API_KEY: '42:secret',
    MEDIPIM_API_URL: simulator.url,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
  }
  return { pipeline, env }
}

test("no command lets a supplier write to the terminal, and JSON contains the supplier's text unchanged", async (t) => {
  const { pipeline, env } = await openHostile(t)
  const shop = await startShopify({ products: 3, name: `Shop ${HOSTILE}` })
  t.after(shop.close)
  for (const { id } of shop.shop.products())
    shop.shop.update(id, { title: `Title ${HOSTILE}`, vendor: `Vendor ${HOSTILE}` })
  const { items: runs } = JSON.parse((await runCommand(env, ['runs', '--json'])).stdout) as {
    items: {
      id: number
      reason: string | null
    }[]
  }
  const refused = runs.find(({ reason }) => reason?.includes('code x') === true)
  assert.ok(refused, 'a run has a hostile reason')

  const [held] = await pipeline.query<{ id: number }>(
    `update catalog.runs set state = 'held' where id = (select min(run_id) from catalog.reviews) returning id`,
  )

  // Each command with a piece of the hostile text that it shows, or null when it shows none.
  const listing: readonly (readonly [args: readonly string[], shown: RegExp | null])[] = [
    [['add', shop.url, '--name', 'shop', '--no-sync'], /Title x\\u001b\[31m/],
    [['status'], null],
    [['sources'], null],
    [['sources', 'show', pipeline.name], null],
    [['changes'], null],
    [['actions'], null],
    [['products', pipeline.name], /Title x\\u001b\[31m/],
    [['runs'], /code x\\u001b\[31m/],
    [['runs', 'show', String(refused.id)], /reason .*code x\\u001b\[31m.*\\u202e/],
    [['runs', 'changes', String(refused.id)], null],
    [['runs', 'diff', String(held?.id)], /held price .*Title x\\u001b\[31m/],
    [['reviews'], /Title x\\u001b\[31m/],
    [['reviews', 'show', '1'], /Title x\\u001b\[31m/],
    [['quarantine'], /Bad x\\u001b\[31m.*\\u202e.*\\nerror: forged/],
    [['quarantine', 'show', '1'], / {2}bytes .*\n\n.*x\\u001b\[31m.*\\u202e/],
    [['explain', pipeline.name, `ID ${HOSTILE}`], /ID x\\u001b\[31m/],
    [['artifacts'], null],
    [['artifacts', 'list'], null],
    [['artifacts', 'verify'], null],
    [['webhooks'], null],
    [['webhooks', 'deliveries', 'orders'], null],
    [['rules'], null],
    [['rules', 'try', 'cheaper'], null],
    [['images'], null],
    [['alerts'], null],
    [['limits'], null],
    [['jobs'], /code x\\u001b\[31m/],
    [['plan', pipeline.name, '--full'], /created .*\n {2}New x\\u001b\[31m.* error: forged/],
    [['purge', '--dry-run'], null],
    [['publish'], null],
    [['doctor'], null],
  ]
  const covered = new Set(listing.map(([args]) => args[0]))
  const program = await createProgram(new Cli(new Output(process.stdout, process.stderr), {}))
  for (const command of program.commands) {
    assert.ok(
      covered.has(command.name()) || ACTING.includes(command.name()),
      `${command.name()} is in one of the lists`,
    )
    for (const { _name: name } of command.commands as unknown as { _name: string }[]) {
      const isCovered =
        listing.some(([args]) => args[0] === command.name() && args[1] === name) ||
        ACTING.includes(`${command.name()} ${name}`)
      assert.ok(
        isCovered || name === 'list' || name === 'cat' || ACTING.includes(command.name()),
        `${command.name()} ${name} is in one of the lists`,
      )
    }
  }

  for (const [args, shown] of listing) {
    const text = await runCommand(env, args)
    const what = args.join(' ')
    assert.doesNotMatch(text.stdout + text.stderr, OBEYED, what)
    assert.doesNotMatch(text.stdout + text.stderr, /^error: forged/m, what)
    if (shown) assert.match(text.stdout, shown, `${what}\n${text.stderr}`)
    if (args[0] === 'add') await pipeline.query(`delete from catalog.sources where name = 'shop'`)
    const json = await runCommand(env, [...args, '--json'])
    assert.doesNotMatch(json.stdout + json.stderr, OBEYED, `${what} --json`)
    // A list without items has no lines.
    const parsed = json.stdout
      .split('\n')
      .filter((one) => one !== '')
      .map((one) => JSON.stringify(JSON.parse(one)))
    if (shown)
      assert.ok(
        parsed.some((one) => one.includes('\u202e')),
        `${what} --json`,
      )
  }
})

test('no line of a log lets a supplier write to the terminal', () => {
  for (const isTTY of [false, true]) {
    const lines: string[] = []
    const log = createLog({
      level: 'info',
      destination: { write: (text) => lines.push(text), isTTY },
      secrets: [],
    })
    log.warn(
      { reason: HOSTILE, nested: { [HOSTILE]: [HOSTILE] }, err: new Error(HOSTILE) },
      HOSTILE,
    )
    assert.doesNotMatch(lines.join(''), OBEYED)
    assert.match(lines.join(''), /\\u001b\[31m/)
    const [first = ''] = lines.join('').split('\n')
    if (isTTY) assert.match(first, /reason=x\\u001b.*\\nerror: forged/)
    else assert.equal((JSON.parse(first) as { reason: string }).reason, HOSTILE)
  }
})
