// Decisions on many held prices at once, and the cancellation of a held run: they print what they
// release or discard, and ask.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { MedipimSimulator } from '../../simulators/medipim/simulator.ts'
import { Cli } from '../../src/cli/cli.ts'
import { runProgram } from '../../src/cli/program.ts'
import { Output } from '../../src/cli/terminal/output.ts'
import { Keyboard } from '../support/keyboard.ts'
import { Terminal } from '../support/terminal.ts'
import { withMedipim } from './medipim-shelf.ts'
import type { Shelfsync } from './shelfsync.ts'

interface Pharmacy extends Shelfsync {
  readonly simulator: MedipimSimulator
  /** Runs a command at a terminal: types `typed` when the screen matches `question`. */
  answer(line: string, question: RegExp, typed: string): Promise<{ screen: string; code: number }>
  /** Counts the open reviews of prices. */
  countHeld(): Promise<number>
}

async function openPharmacy(t: TestContext): Promise<Pharmacy> {
  const shelf = await withMedipim(t, 60)
  assert.equal((await shelf.run('sync')).code, 0)
  return {
    ...shelf,
    answer: async (line, question, typed) => {
      const [keyboard, terminal] = [new Keyboard(), new Terminal(400)]
      const cli = new Cli(new Output(terminal, terminal), shelf.env, keyboard)
      const done = runProgram(cli, line.split(' '))
      await Promise.race([terminal.shows(question), done])
      assert.match(terminal.screen, question)
      keyboard.type(`${typed}\r`)
      await done
      return { screen: terminal.screen, code: cli.exitCode }
    },
    countHeld: async () =>
      (await shelf.db.query("select from catalog.reviews where kind = 'price' and state = 'open'"))
        .rowCount ?? 0,
  }
}

/** Raises the price of `count` products twentyfold, which each time is held. Returns their ids. */
async function holdPrices(
  { run, simulator }: Pharmacy,
  from: number,
  count: number,
): Promise<void> {
  const priced = simulator.catalogue
    .visible()
    .filter((state) => Number(simulator.catalogue.build(state, '').publicPrice) > 0)
    .map((state) => simulator.catalogue.idOf(state))
  simulator.catalogue.setPrice(priced.slice(from, from + count), { factor: 20 })
  assert.equal((await run('sync')).code, 0)
}

test('reviews approve --all lists the held prices and asks, and covers only what it listed', async (t) => {
  const shelf = await openPharmacy(t)
  await holdPrices(shelf, 0, 2)
  const held = await shelf.countHeld()
  assert.ok(held >= 2)
  const piped = await shelf.run('reviews', 'approve', '--all', '--by', 'ann')
  assert.equal(piped.code, 64)
  assert.match(piped.stdout, /the price rose ×20/)
  assert.match(
    piped.stderr,
    /^error: Nothing was approved, .*: shelfsync reviews approve --all --yes --by ann\n/,
  )
  assert.equal((await shelf.run('reviews', 'reject', '--all', '--json')).code, 64)
  const asked = new RegExp(
    `${held} held prices of 1 source\\.[^]*Approve ${held} held prices\\? \\[y/N\\]`,
  )
  const kept = await shelf.answer('reviews approve --all', asked, '')
  assert.match(kept.screen, /the price rose ×20[^]*Nothing was approved: all of them stay held\./)
  assert.equal(kept.code, 2)
  assert.equal(await shelf.countHeld(), held)
  const [keyboard, terminal] = [new Keyboard(), new Terminal(400)]
  const cli = new Cli(new Output(terminal, terminal), shelf.env, keyboard)
  const done = runProgram(cli, ['reviews', 'approve', '--all'])
  await terminal.shows(asked)
  await holdPrices(shelf, 5, 1)
  const after = await shelf.countHeld()
  assert.ok(after > held)
  keyboard.type('y\r')
  await done
  assert.match(terminal.screen, new RegExp(`${held} reviews approved\\.`))
  assert.equal(await shelf.countHeld(), after - held)
  const rest = await shelf.run('reviews', 'reject', '--all', '--yes')
  assert.equal(rest.code, 0)
  assert.match(rest.stdout, /Rejecting discards the prices in the column `to`[^]*rejected\.\n$/)
  assert.equal(await shelf.countHeld(), 0)
})

test('reviews approve --run names the run, and says when it has no held price', async (t) => {
  const shelf = await openPharmacy(t)
  const none = await shelf.run('reviews', 'approve', '--run', '1')
  assert.equal(none.code, 0)
  assert.match(none.stdout, /Run 1 has no held price/)
  await holdPrices(shelf, 0, 1)
  const piped = await shelf.run('reviews', 'reject', '--run', '2')
  assert.equal(piped.code, 64)
  assert.match(piped.stderr, /Nothing was rejected, .*: shelfsync reviews reject --run 2 --yes\n/)
  const done = await shelf.run('reviews', 'approve', '--run', '2', '--yes')
  assert.equal(done.code, 0)
  assert.equal(await shelf.countHeld(), 0)
})

test('runs cancel of a held run states what it discards and asks', async (t) => {
  const shelf = await openPharmacy(t)
  shelf.simulator.catalogue.remove({ share: 0.5 })
  assert.equal((await shelf.run('sync', '--full')).code, 2)
  const piped = await shelf.run('runs', 'cancel', '2')
  assert.equal(piped.code, 64)
  assert.match(piped.stdout, /discards 25 removals\.\n {2}list: shelfsync runs diff 2\n/)
  assert.match(piped.stderr, /Nothing was cancelled, .*: shelfsync runs cancel 2 --yes\n/)
  const asked = /discards 25 removals\.[^]*Reject run 2\? \[y\/N\]/
  const kept = await shelf.answer('runs cancel 2', asked, 'n')
  assert.match(kept.screen, /Run 2 stays held: nothing was discarded\./)
  assert.equal(kept.code, 2)
  const rejected = await shelf.answer('runs cancel 2', asked, 'y')
  assert.match(rejected.screen, /Run 2 is rejected: 25 removals discarded\./)
  const again = await shelf.run('runs', 'cancel', '2')
  assert.equal(again.code, 1)
  assert.match(
    again.stderr,
    /^error: Run 2 cannot be cancelled: it is already rejected\n hint: It stays unchanged\./,
  )
})

test('reviews are filtered, edited and decided by rules from the command line', async (t) => {
  const shelf = await openPharmacy(t)
  const { run } = shelf
  const added = await run(
    ...'reviews rules add never price --source pharmacy --zero --by ann'.split(' '),
  )
  assert.match(added.stdout, /^Rule 1 of pharmacy: never accept a price of zero\.$/m)
  await holdPrices(shelf, 0, 2)
  const list = async (...filter: string[]): Promise<number[]> =>
    ((await run('reviews', ...filter, '--json')).json()['items'] as { id: number }[]).map(
      ({ id }) => id,
    )
  const [first = 0, second = 0] = await list('--kind', 'price', '--direction', 'rise')
  assert.deepEqual(await list('--change-max', '100'), [])
  assert.deepEqual(await list('--change-min', '1000', '--source', 'pharmacy'), [first, second])
  assert.deepEqual(await list('--kind', 'proposal'), [])
  const limited = await run('reviews', '--direction', 'rise', '--limit', '1')
  assert.match(
    limited.stdout + limited.stderr,
    /1 of 2: shelfsync reviews --direction rise --limit 1 --after \S+/,
  )
  assert.deepEqual(await list('--waiting-for', '1h'), [])
  await shelf.db.query(
    `update catalog.reviews set opened_at = now() - interval '25 hours' where kind = 'price'`,
  )
  assert.deepEqual(await list('--waiting-for', '1d'), [first, second])
  assert.deepEqual(await list('--waiting-for', '26h'), [])
  const older = await run('reviews', '--waiting-for', '24h', '--limit', '1')
  assert.match(
    older.stdout + older.stderr,
    /1 of 2: shelfsync reviews --waiting-for 1d --limit 1 --after \S+/,
  )
  const unknown = await run('reviews', '--waiting-for', '2w')
  assert.equal(unknown.code, 64)
  assert.match(unknown.stderr, /--waiting-for 2w is not valid\. It must be such as 30m, 8h or 2d/)
  const gated = await run('reviews', 'edit', String(first), '0')
  assert.equal(gated.code, 64)
  assert.match(gated.stderr, /would be held too: the price is zero/)
  const named = await run('reviews', 'edit', String(first), '12.50', '--by', 'rule 1')
  assert.equal(named.code, 64)
  assert.match(named.stderr, /stands for decisions without a person/)
  const edited = await run(
    'reviews',
    'edit',
    String(first),
    '12,50',
    '--by',
    'ann',
    '--despite-gate',
  )
  assert.match(edited.stdout, new RegExp(`^Review ${first} is accepted with your value\\.$`, 'm'))
  assert.match((await run('reviews', 'show', String(first))).stdout, /approved by ann at /)
  const unclear = await run('reviews', 'rules', 'add', 'always', 'price', '--source', 'pharmacy')
  assert.equal(unclear.code, 64)
  assert.match(unclear.stderr, /needs a limit of the change, or zero/)
  const rules = await run('reviews', 'rules')
  assert.match(rules.stdout, /^1 +pharmacy +never accept a price of zero +0 +never +0 +ann$/m)
  const removed = await run('reviews', 'rules', 'remove', '1', '--by', 'ben')
  assert.match(removed.stdout, /^Rule 1 is removed\. Its decisions stay\.$/m)
  assert.equal((await run('reviews', 'rules', 'remove', '1')).code, 64)
})
