// The suite itself: a right connector passes every check, and for each check there is a wrong one
// that it catches, with its own message.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CHECKS, CONCURRENCY, suiteDatabase, testConnector } from './connector.ts'
import { Rig } from './rig.ts'
import type { Defect } from './toy/defects.ts'
import { toy } from './toy/subject.ts'

testConnector(toy(null))

/** For each check, in its order: what breaks its promise, and what it says then. */
const CAUGHT: Readonly<Record<string, readonly [Defect, RegExp]>> = {
  'settings read back as they were understood, and name what is wrong with them': [
    'takes any settings',
    /an unknown member is not rejected/,
  ],
  'settings have no room for a secret': [
    'has a setting for its key',
    /the setting apiKey is made for a secret/,
  ],
  'each variable is described, and one that carries a key is a secret without a default value': [
    'declares its key as no secret',
    /TOY_KEY carries a key and is not a secret/,
  ],
  'a value that is not valid is refused by the name of its variable, and not quoted': [
    'quotes a wrong value',
    /TOY_KEY is quoted when it is not valid/,
  ],
  'without credentials fetch and probe fail before any request, and a record is normalised': [
    'makes requests without a key',
    /a request was made without credentials/,
  ],
  'secrets are sent to the address of the source, and are refused for any other host': [
    'sends its key to any host',
    /a secret of all sources may be sent to https:/,
  ],
  'probe accepts the credentials in one request, and refuses wrong ones': [
    'probes nothing',
    /a probe makes 0 requests/,
  ],
  'each option of add is a setting, and its variable is a declared one': [
    'has an option without a setting',
    /the option colour is not a setting/,
  ],
  'the connector declares each scope that it accepts, and at least one': [
    'declares no scope',
    /the connector accepts no scope/,
  ],
  'a fetch since an instant returns every product that changed at or after it, and not all others':
    ['ignores the instant', /a fetch since the watermark returns all 60 products/],
  'a fetch by keys returns the products of these keys and no other': [
    'ignores the keys',
    /for 2 keys 60 products came/,
  ],
  'a fetch by keys never proves that nothing is missing': [
    'takes keys for everything',
    /a fetch by keys counts as complete/,
  ],
  'scan finds the record that unwrap finds, and leaves out only what is volatile': [
    'masks the price',
    /leaves out more than volatilePaths/,
  ],
  'the id of a record is found in the bytes of its line, where idPaths say': [
    'names no place of its ids',
    /idPaths lead to another id/,
  ],
  'normalise is pure: the same draft for the same record, which it leaves as it was': [
    'counts in its titles',
    /another draft the second time/,
  ],
  'identify reads the id of a record that is otherwise wrong, and never fails': [
    'identifies by normalising',
    /identify fails on a record that is otherwise wrong/,
  ],
  'any value in any member results in a draft that fits the tables, or in a named error': [
    'throws what has no name',
    / in \w+: TypeError: price\.toFixed/,
  ],
  'a list of 100,000 elements is cut with a warning, and the work grows in proportion to its length':
    ['compares each with each', /ten times the elements of tags take (9\d|100) times the work/],
  'a fetch resumes from the cursor of any page without a gap': [
    'resumes a page too late',
    /resuming after page 1 loses 20 products/,
  ],
  'ten times the products need no more memory': ['keeps all pages', /bytes more memory/],
  'the update of an old record arrives': [
    'requests what was created since',
    /one product changed, 0 were updated/,
  ],
  'a feed that is cut short is held and removes nothing, however often': [
    'takes any end for the end',
    /cut short counts as complete/,
  ],
  'a page that fails is never the end': [
    'takes a failed page for the end',
    /a failed page counts as complete/,
  ],
  'an empty response is never green': [
    'takes nothing for the end',
    /an empty response counts as complete/,
  ],
  'a product that comes twice is one product, on one page or on two': [
    'refuses repeated products',
    /the run failed: a product came twice/,
  ],
  'products arrive in any order': ['expects the order of ids', /60 products came, 20 were fetched/],
  'a malformed record is kept with its place and its bytes, its neighbours arrive, and it is not missing':
    ['throws what has no name', /internal error: price\.toFixed/],
  'a record without an id is kept as such, and a run that has one calls nothing missing': [
    'makes up ids',
    /one record has no id, 0 are in quarantine/,
  ],
  '429 with Retry-After is waited for that long, and then all is there': [
    'ignores Retry-After',
    /requested 40 s, the pause was \d+ ms/,
  ],
  '429 without Retry-After is waited for, and then all is there': [
    'gives up at 429',
    /the run failed: The toy responded 429/,
  ],
  '500, 502 and 503 are waited for, and then all is there': [
    'gives up at 5xx',
    /the run failed: The toy responded 500/,
  ],
  'a supplier that falls silent is left and asked again, and then all is there': [
    'passes over silence',
    /the pipeline did not receive the failure/,
  ],
  'a connection that ends inside a response is retried, and then every product is there': [
    'passes over cuts',
    /the pipeline did not receive the failure/,
  ],
  'a response in small pieces, split inside characters, is read correctly': [
    'decodes piece by piece',
    /not as the supplier has them/,
  ],
  'the same feed again writes no row, also when all that is volatile has moved': [
    'masks nothing',
    /60 of 60 records count as changed/,
  ],
  'a replay of what is applied writes no row': [
    'scans nothing and counts in its titles',
    /60 of 60 records count as updated/,
  ],
  'a cancelled fetch stops at once, keeps its pages, and the next sync resumes from there': [
    'does not hear the signal',
    /2 more pages came after the fetch was cancelled/,
  ],
  'secrets are in no artifact, no table, no log and no error': [
    'quotes its key',
    /the secret is in an error or a log: .*The toy responded 401 to/,
  ],
}

describe(
  'each check catches a connector that breaks its promise',
  { concurrency: CONCURRENCY },
  () => {
    const db = suiteDatabase()
    for (const { name, prove } of CHECKS) {
      test(`not kept: ${name}`, async () => {
        const [defect, message] = CAUGHT[name] ?? []
        assert.ok(defect && message, 'no wrong connector is known for this check')
        await assert.rejects(Rig.use(toy(defect), db(), prove), (error: Error) => {
          assert.match(error.message, message)
          return true
        })
      })
    }
  },
)
