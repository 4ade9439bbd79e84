// The log of actions: each command that changes something records who did it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertEnded, withMedipim } from './medipim-shelf.ts'

interface Listed {
  readonly action: string
  readonly actor: string
  readonly source: string | null
  readonly run: number | null
  readonly reason: string | null
}

test('commands that change something are in the log, and those that only read are not', async (t) => {
  const { run, db } = await withMedipim(t, 20)
  const list = async (...filter: string[]) => {
    const ended = await run('actions', ...filter, '--json')
    assertEnded(ended, 0)
    return ended.json()['items'] as readonly Listed[]
  }
  const before = (await list()).length
  const [{ name = '' } = {}] = (await db.query('select name from catalog.sources')).rows
  const changes: readonly [command: string[], action: string][] = [
    [['sync'], 'source.sync'],
    [['replay', name], 'run.replay'],
    [['sources', 'pause', name], 'source.pause'],
    [['sources', 'resume', name], 'source.resume'],
    [['sources', 'set', name, '--policy', 'priceFactor=5'], 'source.set'],
    [['images', 'retry'], 'image.retry'],
    [['quarantine', 'replay', name], 'quarantine.replay'],
    [['sources', 'rename', name, 'renamed-shop'], 'source.rename'],
    [['sources', 'remove', 'renamed-shop', '--yes'], 'source.remove'],
  ]
  for (const [command] of changes) assertEnded(await run(...command), 0)
  for (const command of [['sources'], ['runs'], ['reviews'], ['quarantine'], ['actions']])
    assertEnded(await run(...command), 0)
  const items = (await list()).toReversed().slice(before)
  assert.deepEqual(
    items.map(({ action }) => action),
    changes.map(([, action]) => action),
  )
  assert.ok(items.every(({ actor }) => actor.includes('@')))
  const actor = items[0]?.actor ?? ''
  assert.equal((await list('--actor', actor, '--source', 'renamed-shop')).length, 2)
  assert.deepEqual(await list('--actor', 'no-one'), [])
  const page = (await run('actions', '--limit', '2', '--json')).json()
  assert.equal((page['items'] as unknown[]).length, 2)
  const rest = await list('--limit', '1', '--after', String(page['next']))
  assert.deepEqual(rest[0]?.action, items.at(-3)?.action)
  const table = await run('actions', '--limit', '1')
  assert.match(table.stdout, /source\.remove +renamed-shop/)
})
