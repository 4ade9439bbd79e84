// `shelfsync plan` from outside: its counts are those of the sync that follows, and its text is
// limited.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { MAIN } from './shelfsync.ts'
import { openPharmacy, type Pharmacy } from './pharmacy.ts'

const STREAM = '/v4/products/stream'

/** Compares the plan with the sync that follows, as JSON and as text, and with `runs show`. */
async function assertSameCounts(
  { print, run }: Pharmacy,
  expected: Readonly<Record<string, number>>,
): Promise<void> {
  const text = await print('plan', 'pharmacy', '--full')
  const planned = (await run('plan', 'pharmacy', '--full', '--json')).json()
  const synced = (await run('sync', 'pharmacy', '--full', '--json')).json()
  assert.deepEqual([planned['state'], planned['ledger']], [synced['state'], synced['ledger']])
  const id = String(synced['run'])
  const shown = (await run('runs', 'show', id, '--json')).json()
  assert.deepEqual(planned['changes'], expected)
  assert.deepEqual(shown['changes'], expected)
  // The stored ledger also counts the lines without a readable id.
  assert.deepEqual(shown['ledger'], { ...Object(planned['ledger']), unreadable: 0 })
  const [, ledger = '', changes = ''] =
    /^pharmacy: full run that would \S+.*\n {2}(fetched .*)\n {2}changes: (.*)$/m.exec(text) ??
    assert.fail(text)
  const details = await print('runs', 'show', id)
  assert.ok(details.includes(ledger), `${ledger}\n${details}`)
  assert.ok(details.includes(` ${changes}\n`), `${changes}\n${details}`)
}

test('the counts of a plan are those that sync reports and runs show prints', async (t) => {
  const pharmacy = await openPharmacy(t)
  const { simulator, ids, print } = pharmacy
  const [repriced = '', held = '', renamed = '', paused = '', gone = '', bad = ''] = ids
  simulator.catalogue.update([repriced, held], { publicPrice: 1250 })
  await assertSameCounts(pharmacy, { loaded: 1 })

  simulator.clock.advance(3_600_000)
  simulator.catalogue.update([repriced], { publicPrice: 1300 })
  simulator.catalogue.update([held], { publicPrice: 25_000 })
  simulator.catalogue.update([renamed], { name: { en: 'Another name' } })
  simulator.catalogue.deactivate([paused])
  simulator.catalogue.remove([gone])
  simulator.catalogue.add(2)
  simulator.faults.set({
    kind: 'patch',
    ids: [bad],
    patch: { publicPrice: 'ask us' },
    path: STREAM,
    times: null,
  })
  const text = await print('plan', 'pharmacy', '--full')
  const lines = (pattern: RegExp) => assert.match(text, pattern)
  lines(
    new RegExp(
      `^updated 1\n {2}${renamed} \\(Another name\\)\n {4}title: ".*" → "Another name"`,
      'm',
    ),
  )
  lines(new RegExp(`^ {2}${repriced} \\(.*\\)\n {4}public price: AUD 12\\.50 → 13\\.00$`, 'm'))
  lines(/^ {4}public price: AUD 12\.50 → 250\.00 \(held: the price rose ×20\)$/m)
  lines(new RegExp(`^unavailable 1\n {2}${paused} `, 'm'))
  lines(new RegExp(`^missing 1\n {2}${gone} \\(.*\\)$`, 'm'))
  lines(new RegExp(`^quarantined 1\n {2}${bad}, line \\d+: .*publicPrice`, 'm'))
  assert.ok(text.indexOf('\ncreated 2\n') < text.indexOf('\nupdated 1\n'))
  await assertSameCounts(pharmacy, { created: 2, updated: 1, repriced: 2, unavailable: 1 })
  await assertSameCounts(pharmacy, { removed: 1 })
})

test('a plan prints 20 changes, a limit or all of them, and never starts a pager in a pipe', async (t) => {
  const pharmacy = await openPharmacy(t, { PAGER: 'cat > paged' })
  const { print, folder } = pharmacy
  const count = (text: string) => text.match(/^ {2}M\w+ \(/gm)?.length
  const few = await print('plan', 'pharmacy', '--full')
  assert.equal(count(few), 20)
  assert.match(few, /^created 30, the first 20$/m)
  assert.match(few, /\n10 more changes of 10 products: shelfsync plan pharmacy --full --all\n$/)
  assert.equal(count(await print('plan', 'pharmacy', '--full', '--limit', '3')), 3)
  const all = await print('plan', 'pharmacy', '--full', '--all')
  assert.equal(count(all), 30)
  assert.doesNotMatch(all, / more: /)
  await assert.rejects(access(join(folder, 'paged')))
})

test('on a terminal a long plan goes through the pager', async (t) => {
  const execute = promisify(execFile)
  const installed = await execute('script', ['--version']).then(
    () => true,
    () => false,
  )
  if (!installed) return t.skip('script is not installed')
  const { folder, env } = await openPharmacy(t, { PAGER: 'sed s/^/paged:/' })
  const show = async (...options: readonly string[]): Promise<string> => {
    const command = [process.execPath, MAIN, 'plan', 'pharmacy', '--full', ...options].join(' ')
    return (await execute('script', ['-qec', command, '/dev/null'], { cwd: folder, env })).stdout
  }
  assert.match(await show('--all'), /paged:pharmacy: full run[^]*paged:created 30/)
  assert.doesNotMatch(await show('--all', '--no-pager'), /paged:/)
  assert.doesNotMatch(await show('--limit', '1'), /paged:/)
})
