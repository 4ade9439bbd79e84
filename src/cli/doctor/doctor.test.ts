import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Policy } from '../../core/policy.ts'
import type { Source } from '../../db/sources.ts'
import { loadSettings } from '../../config/settings.ts'
import { checkClock } from './database.ts'
import { checkSuppliers } from './suppliers.ts'
import { checkNames } from './doctor.ts'
import { openBasics } from '../../app/compose.ts'
import { Cli } from '../cli.ts'
import { Output } from '../terminal/output.ts'

const SOURCE: Source = {
  id: 1,
  name: 'pharmacy',
  formerNames: [],
  connector: 'medipim',
  options: {},
  settings: { apiUrl: 'https://api.au.medipim.com', market: 'au' },
  state: 'active',
  schedule: { cron: '0 3 * * *', zone: 'UTC', fullOn: 'none' },
  policy: Policy.parse({}),
  normaliserVersion: null,
  nextSeq: 0,
  watermarkAt: null,
  latestRun: null,
  lastFullAt: null,
  copy: null,
}

test('a paused source does not need a key', async () => {
  const nowhere = { write: () => true }
  await using basics = openBasics(
    loadSettings({}),
    await new Cli(new Output(nowhere, nowhere), {}).createHost(loadSettings({})),
  )
  const stateWith = async (state: Source['state']) =>
    (
      await checkSuppliers(
        { ...basics, clientOf: () => basics.http },
        [{ ...SOURCE, state }],
        new AbortController().signal,
      )
    )[0]?.state
  assert.deepEqual([await stateWith('active'), await stateWith('paused')], ['fail', 'ok'])
})

test('the clock check reports ahead or behind, never minus zero seconds, and warns about minutes', () => {
  assert.deepEqual(
    [-20, 0, 20].map((skewMs) => checkClock(skewMs).message),
    Array(3).fill("the same as the database's"),
  )
  assert.deepEqual(checkClock(-1400), {
    name: 'clock',
    state: 'ok',
    message: "1.4 s ahead of the database's",
  })
  const { state, message } = checkClock(90_000)
  assert.deepEqual([state, message], ['warn', "90.0 s behind the database's"])
})

test('a misspelt name in .env is a warning, because another program may read it', () => {
  const { state, message } = checkNames('MEDIPIM_API_URI=https://api.sandbox.example\nPORT=3000\n')
  assert.deepEqual(
    [state, message],
    ['warn', 'all readable, but in .env MEDIPIM_API_URI is not MEDIPIM_API_URL'],
  )
  assert.equal(checkNames('LOG_LEVEL=debug\n').state, 'ok')
})
