// The shell blocks and the query of the page of this connector, pasted in order with the simulator.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amazon } from '../../../simulators/amazon/main.ts'
import { openTestDatabase } from '../../../test/support/database.ts'
import { listBlocks, openTerminalFolder } from '../../../test/support/terminal-folder.ts'

const PAGE = 'src/connectors/amazon/README.md'

test('the page of the connector works when its blocks are pasted in order', async (t) => {
  const { url, pool } = await openTestDatabase(t)
  const [setUp = '', start = '', use = ''] = await listBlocks(PAGE)
  const [, options = ''] = /^npm run simulator amazon -- (.*)$/m.exec(start) ?? []
  const [flag, port = ''] = options.split(' ')
  assert.equal(flag, '--port')
  const simulator = await amazon.start(amazon.parseArguments([]))
  t.after(() => simulator.close())
  const folder = await openTerminalFolder(
    t,
    { DATABASE_URL: url },
    { [`http://127.0.0.1:${port}`]: simulator.url, 'curl ': 'curl --silent --fail ' },
  )
  const printed = await folder.paste(use)
  assert.match(printed, /Added amazon-us\. Next: shelfsync import PRODUCT --source amazon-us/)
  assert.match(printed, /B08DQQ8CBP created: imported title, brand/)
  assert.match(printed, /USD 15\.00/)
  assert.match(printed, /refresh run \d+ succeeded/)
  assert.match(printed, /unavailable/)
  const [query = ''] = await listBlocks(PAGE, { language: 'sql' })
  const { rows } = await pool.query<{ asin: string }>(query)
  assert.deepEqual(
    rows.map(({ asin }) => asin),
    ['B08DQQ8CBP'],
  )
  for (const line of simulator.greeting.matchAll(/export (.*)/g))
    for (const pair of line[1]?.split(' ') ?? [])
      assert.ok(use.includes(pair), `the page exports ${pair}`)
  const variables = [...setUp.matchAll(/[A-Z_]+(?==)/g)].map(([name]) => name)
  assert.deepEqual(variables, [
    'AMAZON_CREDENTIAL_ID',
    'AMAZON_CREDENTIAL_SECRET',
    'AMAZON_CREDENTIAL_VERSION',
    'AMAZON_PARTNER_TAG_DE',
  ])
})
