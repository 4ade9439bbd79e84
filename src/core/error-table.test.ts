import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRORS } from './error-table.ts'

/** Verbs of advice. A hint has at least one sentence or clause that begins with one. */
const ADVICE =
  /(?:^|[.:;,] |\b(?:and|or|then|otherwise|if so) )(?:ask|add|check|choose|correct|enlarge|find|free|give|list|look|paste|pause|put|raise|read|report|restore|resume|run|see|send|start|sync|try|use|wait|watch)\b/i

for (const [code, { hint }] of Object.entries(ERRORS)) {
  test(`the hint of ${code} states what to do, in sentences`, () => {
    assert.match(hint, ADVICE)
    assert.match(hint, /^[A-Z].*\.$/)
  })
}
