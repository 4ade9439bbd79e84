import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listForbiddenImports } from './arrows.ts'

function isWrong(path: string, target: string): boolean {
  const [wrong] = listForbiddenImports(path, `import { x } from '${target}'`)
  assert.ok(wrong === undefined || wrong.startsWith(`${path} imports ${target}: `))
  return wrong !== undefined
}

test('a layer imports itself and lower layers, never higher ones', () => {
  assert.ok(!isWrong('src/pipeline/apply/lane.ts', './settle.ts'))
  assert.ok(!isWrong('src/pipeline/apply/lane.ts', '../../db/write/batches.ts'))
  assert.ok(!isWrong('src/pipeline/apply/lane.ts', '../../connectors/registry.ts'))
  assert.ok(!isWrong('src/http/routes/runs.ts', '../../db/runs.ts'))
  assert.ok(isWrong('src/db/write/batches.ts', '../../pipeline/apply/lane.ts'))
  assert.ok(!isWrong('src/db/write/artifacts.ts', '../../artifacts/parts.ts'))
  assert.ok(isWrong('src/artifacts/parts.ts', '../db/artifacts.ts'))
  assert.ok(isWrong('src/core/product.ts', '../lib/read-body.ts'))
  assert.ok(isWrong('src/app/serve.ts', '../cli/serve.ts'))
})

test('connectors import core, lib and parsers, no other supplier and no runtime', () => {
  assert.ok(!isWrong('src/connectors/shopify/connector.ts', '../../lib/read-body.ts'))
  assert.ok(!isWrong('src/connectors/shopify/connector.ts', 'zod'))
  assert.ok(!isWrong('src/connectors/shopify/connector.ts', '../../normalise/gtin.ts'))
  assert.ok(isWrong('src/normalise/gtin.ts', '../connectors/shopify/connector.ts'))
  assert.ok(!isWrong('src/connectors/registry.ts', './shopify/connector.ts'))
  assert.ok(isWrong('src/connectors/shopify/connector.ts', '../medipim/values.ts'))
  assert.ok(!isWrong('src/connectors/shopify/connector.ts', '../../core/money.ts'))
  assert.ok(isWrong('src/core/money.ts', '../connectors/shopify/connector.ts'))
  assert.ok(isWrong('src/connectors/shopify/connector.ts', 'node:crypto'))
  assert.ok(isWrong('src/lib/text.ts', 'node:util'))
  assert.ok(!isWrong('src/node/hash.ts', 'node:crypto'))
})

test('src imports no test, tool or simulator, and simulators do not import src', () => {
  assert.ok(isWrong('src/cli/demo.ts', '../../simulators/medipim/main.ts'))
  assert.ok(isWrong('src/db/pool.ts', '../../test/support/database.ts'))
  assert.ok(isWrong('src/db/pool.ts', './pool.test.ts'))
  assert.ok(isWrong('simulators/medipim/feed.ts', '../../src/core/json.ts'))
  assert.ok(!isWrong('src/db/pool.slow.test.ts', '../../test/support/database.ts'))
})

test('an unknown folder is reported with the remedy', () => {
  assert.match(
    listForbiddenImports('src/misc/x.ts', "import '../core/json.ts'")[0] ?? '',
    /misc\/ is not a known layer/,
  )
})

test('every form of an import counts', () => {
  const spellings = [
    "import type { X } from '../db/x.ts'",
    "import {\n  x,\n  y,\n} from '../db/x.ts'",
    "export { x } from '../db/x.ts'",
    "import '../db/x.ts'",
    "const { x } = await import('../db/x.ts')",
    "type X = import('../db/x.ts').X",
  ]
  for (const spelling of spellings)
    assert.equal(
      listForbiddenImports('src/core/a.ts', `// text\n${spelling}\n`).length,
      1,
      spelling,
    )
})

test('an edge function imports src/edge only, and its handlers the pipeline but neither commands nor services', () => {
  assert.ok(!isWrong('supabase/functions/health-check/index.ts', '../../../src/edge/http.ts'))
  assert.ok(isWrong('supabase/functions/health-check/index.ts', '../../../src/db/data-api.ts'))
  assert.ok(!isWrong('src/edge/sync-products.ts', '../pipeline/sync.ts'))
  assert.ok(isWrong('src/edge/sync-products.ts', '../http/control/runs.ts'))
  assert.ok(isWrong('src/pipeline/sync.ts', '../edge/http.ts'))
})
