// The imports that each folder may have: the arrows of ARCHITECTURE.md as a table. Type imports
// count too. The linter finds cycles, and knip finds unused modules.

import { posix } from 'node:path'

const PURE = ['core', 'lib']
const PLATFORM = [...PURE, 'node', 'config', 'telemetry']
const STORES = [...PLATFORM, 'artifacts', 'db']
/** Folders from `sources/` on may import connectors and parsers. */
const PIPELINE = [...STORES, 'connectors', 'normalise', 'format', 'sources', 'pipeline']

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  lib: ['core'],
  format: [...PURE, 'db'],
  connectors: [...PURE, 'normalise'],
  normalise: PURE,
  node: PURE,
  telemetry: [...PURE, 'node'],
  config: [...PURE, 'node', 'telemetry', 'connectors'],
  artifacts: PLATFORM,
  'embedded-postgres': [...PLATFORM, 'db'],
  db: [...PLATFORM, 'artifacts'],
  sources: [...STORES, 'connectors', 'normalise', 'format'],
  pipeline: PIPELINE,
  downstream: [...STORES, 'connectors', 'normalise', 'format', 'sources'],
  /** Alerts: judged from the database, sent to Slack and Sentry. */
  alerts: [...STORES, 'connectors', 'normalise', 'format', 'sources'],
  jobs: PIPELINE,
  http: [...PIPELINE, 'jobs'],
  /** Edge functions: one run by keys of the pipeline in one invocation, in Deno. */
  edge: PIPELINE,
  app: [...PIPELINE, 'alerts', 'downstream', 'embedded-postgres', 'jobs', 'http'],
  cli: [...PIPELINE, 'alerts', 'downstream', 'embedded-postgres', 'jobs', 'http', 'app'],
  /** The entry of the npm package. */
  'index.ts': [...PURE, 'app'],
}

/** Folders that must also run in Deno. */
const WEB_STANDARDS_ONLY = new Set(['core', 'lib', 'connectors', 'normalise'])

/**
 * `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`, in code and in types.
 */
const IMPORT =
  /^(?:import|export)\b[^'"`;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm

/**
 * Describes the forbidden imports of one file; `path` is relative to the project. Tests have none.
 */
export function listForbiddenImports(path: string, source: string): string[] {
  if (path.endsWith('.test.ts')) return []
  return Array.from(
    source.matchAll(IMPORT),
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  ).flatMap((target) => {
    const isFile = target.startsWith('.')
    const reason = isFile
      ? findFileReason(path, posix.join(posix.dirname(path), target))
      : findPackageReason(path, target)
    return reason === null ? [] : [`${path} imports ${target}: ${reason}`]
  })
}

function findFileReason(from: string, to: string): string | null {
  const [root, layer = ''] = from.split('/')
  const [toRoot, toLayer = ''] = to.split('/')
  if (to.endsWith('.test.ts')) return 'tests must not be imported'
  if (root === 'simulators')
    return toRoot === 'src' ? 'a simulator must not share code with the code that it tests' : null
  if (root === 'supabase')
    return toRoot === 'src' && toLayer === 'edge' ? null : 'an edge function imports src/edge/ only'
  if (root !== 'src') return null
  if (toRoot !== 'src') return `src/ must not import ${toRoot}/`
  if (layer === 'connectors' && layer === toLayer && areTwoSuppliers(from, to))
    return 'a connector must not import another one: move the code to lib/'
  if (layer === toLayer) return null
  const allowed = MAY_IMPORT[layer]
  if (allowed === undefined) return `${layer}/ is not a known layer: add it to scripts/arrows.ts`
  return allowed.includes(toLayer)
    ? null
    : `${layer}/ may import ${allowed.join(', ') || 'only itself'}`
}

function findPackageReason(from: string, target: string): string | null {
  const [root, layer = ''] = from.split('/')
  if (root !== 'src' || !target.startsWith('node:') || !WEB_STANDARDS_ONLY.has(layer)) return null
  return `${layer}/ runs in Deno too and uses web standards only`
}

/** True for files of two different connectors; `connectors/registry.ts` belongs to none. */
function areTwoSuppliers(from: string, to: string): boolean {
  const [, , supplier, ...rest] = from.split('/')
  return rest.length > 0 && to.split('/')[2] !== supplier
}
