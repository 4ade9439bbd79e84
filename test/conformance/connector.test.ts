// Tests of the suite itself: a correct connector passes every check, and each check detects a
// connector with one defect, with its own message.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CHECKS, CONCURRENCY, suiteDatabase, testConnector } from './connector.ts'
import { Rig } from './rig.ts'
import type { Defect } from './toy/defects.ts'
import { toy } from './toy/subject.ts'

testConnector(toy(null))

/** For each check, in order: the defect that it detects, and the message of its failure. */
const CAUGHT: Readonly<Record<string, readonly [Defect, RegExp]>> = {
  'settings survive storage as JSON, and an invalid one is reported by its name': [
    'accepts any settings',
    /an unknown member is not rejected/,
  ],
  'settings cannot contain a secret': [
    'has a setting for its key',
    /the setting apiKey is intended for a secret/,
  ],
  'each variable has a description, and one that contains a key is secret and has no default': [
    'declares its key as not secret',
    /TOY_KEY contains a key and is not a secret/,
  ],
  'an invalid value is reported by the name of its variable, without the value': [
    'quotes an invalid value',
    /TOY_KEY is quoted when it is invalid/,
  ],
  'without credentials, fetch and probe fail before any request, and normalise still works': [
    'makes requests without a key',
    /a request was made without credentials/,
  ],
  'secrets are sent to the address of the source and to no other host': [
    'sends its key to any host',
    /a secret of all sources may be sent to https:/,
  ],
  'probe accepts valid credentials with one request, and rejects invalid ones': [
    'does not probe',
    /a probe makes 0 requests/,
  ],
  'each option of add is a setting, and its environment variable is declared': [
    'has an option without a setting',
    /the option colour is not a setting/,
  ],
  'the connector declares every scope that it accepts, and at least one': [
    'declares no scope',
    /the connector accepts no scope/,
  ],
  'a fetch since an instant returns every product that changed at or after it, and omits others': [
    'ignores the instant',
    /a fetch since the watermark returns all 60 products/,
  ],
  'a fetch by keys returns the named products and no others': [
    'ignores the keys',
    /for 2 keys 60 products came/,
  ],
  'a fetch by keys is never complete': [
    'reports a fetch by keys as complete',
    /a fetch by keys counts as complete/,
  ],
  'scan finds the same record as unwrap, and leaves out only volatile members': [
    'masks the price',
    /leaves out more than volatilePaths/,
  ],
  'the id of a record is found in the bytes of its line at idPaths': [
    'does not declare idPaths',
    /idPaths lead to a different id/,
  ],
  'normalise is pure: it returns the same draft for the same record and does not change the record':
    ['puts a counter into titles', /another draft the second time/],
  'identify reads the id of a record that is otherwise invalid, and never throws': [
    'normalises to find the id',
    /identify throws for a record that is otherwise invalid/,
  ],
  'any value in any member results in a draft that fits the tables or in a SyncError': [
    'throws errors without a code',
    / in \w+: TypeError: price\.toFixed/,
  ],
  'a list of 100,000 elements is truncated with a warning, and the work grows linearly with its length':
    [
      'compares all pairs of elements',
      /ten times the elements of tags take (9\d|100) times the work/,
    ],
  'a fetch resumes from the cursor of any page without a gap': [
    'resumes one page too late',
    /resuming after page 1 loses 20 products/,
  ],
  'memory does not grow with the number of products': ['keeps all pages', /bytes more memory/],
  'an update of an old record reaches the catalogue': [
    'requests created instead of changed products',
    /one product changed, 0 were updated/,
  ],
  'a truncated feed is held and removes nothing, even when it repeats': [
    'treats a truncated feed as complete',
    /cut short counts as complete/,
  ],
  'a failed page never counts as the end of the feed': [
    'treats a failed page as the end',
    /a failed page counts as complete/,
  ],
  'an empty response never succeeds': [
    'treats an empty response as complete',
    /an empty response counts as complete/,
  ],
  'a product that is sent twice is stored once, whether on one page or on two': [
    'refuses repeated products',
    /the run failed: a product was listed twice/,
  ],
  'products can be sent in any order': [
    'expects the order of ids',
    /60 products were sent, 20 were fetched/,
  ],
  'a malformed record is quarantined with its place and bytes, does not count as missing, and affects no other record':
    ['throws errors without a code', /internal error: price\.toFixed/],
  'a record without an id is quarantined, and its run counts no product as missing': [
    'invents ids',
    /one record has no id, 0 are in quarantine/,
  ],
  'a 429 response with Retry-After is retried after that time, and the catalogue is complete': [
    'ignores Retry-After',
    /requested 40 s, the pause was \d+ ms/,
  ],
  'a 429 response without Retry-After is retried after a pause, and the catalogue is complete': [
    'gives up at 429',
    /the run failed: The toy responded 429/,
  ],
  '500, 502 and 503 responses are retried after a pause, and the catalogue is complete': [
    'gives up at 5xx',
    /the run failed: The toy responded 500/,
  ],
  'a response that stalls is abandoned and requested again, and the catalogue is complete': [
    'ignores a stalled response',
    /the pipeline did not receive the failure/,
  ],
  'a connection that is reset during a response is retried, and the catalogue is complete': [
    'ignores a reset connection',
    /the pipeline did not receive the failure/,
  ],
  'a response in small pieces that split characters is read correctly': [
    'decodes each piece separately',
    /not as the supplier has them/,
  ],
  'the same feed again writes no row, even when all volatile members have changed': [
    'masks no volatile member',
    /60 of 60 records count as changed/,
  ],
  'a replay of an applied artifact writes no row': [
    'does not scan, and puts a counter into titles',
    /60 of 60 records count as updated/,
  ],
  'a cancelled fetch stops at once, keeps its pages, and the next sync resumes from there': [
    'ignores the signal',
    /2 more pages came after the fetch was cancelled/,
  ],
  'secrets appear in no artifact, table, log or error': [
    'quotes its key',
    /the secret is in an error or a log: .*The toy responded 401 to/,
  ],
}

describe('each check detects a connector that fails it', { concurrency: CONCURRENCY }, () => {
  const db = suiteDatabase()
  for (const { name, prove } of CHECKS) {
    test(`detects a violation of: ${name}`, async () => {
      const [defect, message] = CAUGHT[name] ?? []
      assert.ok(defect && message, 'no defective connector is listed for this check')
      await assert.rejects(Rig.use(toy(defect), db(), prove), (error: Error) => {
        assert.match(error.message, message)
        return true
      })
    })
  }
})
