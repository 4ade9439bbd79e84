// Which folder may import which: the arrows of ARCHITECTURE.md as a table. Types count like any
// other import. Cycles are found by the linter, modules that nothing imports by knip.

import { posix } from 'node:path'

const PURE = ['core', 'lib']
const PLATFORM = [...PURE, 'node', 'config', 'telemetry']
const STORES = [...PLATFORM, 'artifacts', 'db']
/** From `sources/` up, suppliers and parsers are used. */
const PIPELINE = [...STORES, 'connectors', 'normalise', 'sources', 'pipeline']

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  lib: ['core'],
  connectors: PURE,
  normalise: PURE,
  node: PURE,
  telemetry: [...PURE, 'node'],
  config: [...PURE, 'node', 'telemetry', 'connectors'],
  artifacts: PLATFORM,
  'embedded-postgres': [...PLATFORM, 'db'],
  db: [...PLATFORM, 'artifacts'],
  sources: [...STORES, 'connectors'],
  pipeline: PIPELINE,
  jobs: PIPELINE,
  http: [...PIPELINE, 'jobs'],
  app: [...PIPELINE, 'embedded-postgres', 'jobs', 'http'],
  cli: [...PIPELINE, 'embedded-postgres', 'jobs', 'http', 'app'],
}

/** Folders that must also run in Deno. */
const WEB_STANDARDS_ONLY = new Set(['core', 'lib', 'connectors', 'normalise'])

/**
 * `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`, in code and in types.
 */
const IMPORT =
  /^(?:import|export)\b[^'"`;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm

/**
 * What is wrong with the imports of one file, in words; `path` is relative to the project. Tests
 * may import anything.
 */
export function findWrongArrows(path: string, source: string): string[] {
  if (path.endsWith('.test.ts')) return []
  return Array.from(
    source.matchAll(IMPORT),
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  ).flatMap((target) => {
    const isFile = target.startsWith('.')
    const reason = isFile
      ? forbidsFile(path, posix.join(posix.dirname(path), target))
      : forbidsPackage(path, target)
    return reason === null ? [] : [`${path} imports ${target}: ${reason}`]
  })
}

function forbidsFile(from: string, to: string): string | null {
  const [root, layer = ''] = from.split('/')
  const [toRoot, toLayer = ''] = to.split('/')
  if (to.endsWith('.test.ts')) return 'a test is not imported'
  if (root === 'simulators')
    return toRoot === 'src'
      ? 'a simulator that shares code with what it tests proves nothing'
      : null
  if (root !== 'src') return null
  if (toRoot !== 'src') return `what ships does not import ${toRoot}/`
  if (layer === 'connectors' && layer === toLayer && areTwoSuppliers(from, to))
    return 'a connector knows no other: put it into lib/'
  if (layer === toLayer) return null
  const allowed = MAY_IMPORT[layer]
  if (allowed === undefined)
    return `${layer}/ has no place among the layers: give it one in scripts/arrows.ts`
  return allowed.includes(toLayer)
    ? null
    : `${layer}/ may import ${allowed.join(', ') || 'only itself'}`
}

function forbidsPackage(from: string, target: string): string | null {
  const [root, layer = ''] = from.split('/')
  if (root !== 'src' || !target.startsWith('node:') || !WEB_STANDARDS_ONLY.has(layer)) return null
  return `${layer}/ runs in Deno too and uses web standards only`
}

/**
 * Whether both lie in folders of suppliers, and not the same one; `connectors/registry.ts` lies in
 * none.
 */
function areTwoSuppliers(from: string, to: string): boolean {
  const [, , mine, ...rest] = from.split('/')
  return rest.length > 0 && to.split('/')[2] !== mine
}
