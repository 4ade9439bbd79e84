// Secrets of single sources on the command line: which are set, which source uses them, and that
// no output contains one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { openShelfsync } from './shelfsync.ts'

test('a source with its own key syncs with it, and a source without one uses the shared key', async (t) => {
  const simulator = await startMedipim({
    products: 5,
    rateLimit: null,
    keys: [
      { id: '1', secret: 'planted-shared' },
      { id: '2', secret: 'planted-own' },
    ],
  })
  t.after(simulator.close)
  const { run, db } = await openShelfsync(t, {
    MEDIPIM_API_URL: simulator.url,
    MEDIPIM_API_KEY: '1:planted-shared',
    SECRET_OWN_KEY_API_KEY: '2:planted-own',
    SECRET_NO_SOURCE_API_KEY: '3:planted-unused',
  })
  const outputs: string[] = []
  const runs = async (...args: readonly string[]) => {
    const result = await run(...args)
    outputs.push(result.stdout, result.stderr)
    return result
  }
  const added = await runs('add', 'medipim', '--name', 'own-key', '--json')
  assert.deepEqual(added.json()['secrets'], [
    { name: 'SECRET_OWN_KEY_API_KEY_ID', set: false },
    { name: 'SECRET_OWN_KEY_API_KEY_SECRET', set: false },
    { name: 'SECRET_OWN_KEY_API_KEY', set: true },
  ])
  await runs('add', 'medipim', '--name', 'shared-key')
  const shown = await runs('sources', 'show', 'shared-key', '--json')
  assert.deepEqual(shown.json()['secrets'], [
    { name: 'MEDIPIM_API_KEY_ID', set: false },
    { name: 'MEDIPIM_API_KEY_SECRET', set: false },
    { name: 'MEDIPIM_API_KEY', set: true },
  ])
  assert.match((await runs('sources', 'show', 'own-key')).stdout, /SECRET_OWN_KEY_API_KEY set/)
  assert.equal((await runs('sync')).code, 0)
  simulator.setKey({ id: '2', secret: 'another' })
  const doctor = await runs('doctor')
  assert.equal(doctor.code, 1)
  assert.match(doctor.stdout, /^fail  medipim key .* 401/m)
  assert.match(doctor.stdout, /^warn  source secrets +no source uses SECRET_NO_SOURCE_API_KEY$/m)
  const { rows } = await db.query<{ text: string }>('select s::text as text from catalog.sources s')
  outputs.push(...rows.map(({ text }) => text))
  assert.doesNotMatch(outputs.join('\n'), /planted/)
})
