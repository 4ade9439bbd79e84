// Compares a stored manifest with the rows of the artifact: a person who has only the archive
// relies on the manifest.

import { checkValue, formatProblems } from '../core/check-value.ts'
import { SyncError } from '../core/errors.ts'
import { Manifest } from './manifest.ts'
import type { Part } from './parts.ts'
import type { ArtifactStore } from './store.ts'

/** The artifact as the database has it. */
export interface ArtifactFacts {
  readonly run: number
  readonly complete: boolean
  readonly expected: number | null
  readonly parts: readonly Part[]
}

const PART_MEMBERS = ['key', 'codec', 'sha256', 'rawBytes', 'storedBytes', 'lineCount'] as const

/**
 * Returns the key of the manifest beside a part. The folder has the name that the source had when the
 * run fetched.
 */
export function toManifestKeyOf({ key }: Part): string {
  return `${key.slice(0, key.lastIndexOf('/') + 1)}manifest.json`
}

/** Returns every difference; none when the manifest is intact. @throws as `store.get` otherwise */
export async function findManifestProblems(
  store: ArtifactStore,
  key: string,
  facts: ArtifactFacts,
): Promise<string[]> {
  const where = `${key} in ${store.describe()}`
  let text: string
  try {
    text = Buffer.from(await store.get(key)).toString()
  } catch (error) {
    if (error instanceof SyncError && error.code === 'artifact/missing') return [error.message]
    throw error
  }
  const manifest = parseManifest(text)
  if (typeof manifest === 'string') return [`${where} is not a manifest: ${manifest}`]
  return listDifferences(manifest, facts).map((difference) => `${where} ${difference}`)
}

/** Returns the reason for text that is not a manifest. */
function parseManifest(text: string): Manifest | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  const { data, problems } = checkValue(Manifest, value)
  return problems === null ? data : formatProblems(problems.slice(0, 1))
}

function listDifferences(manifest: Manifest, facts: ArtifactFacts): string[] {
  const { parts } = facts
  const sum = (of: (part: Part) => number): number =>
    parts.reduce((total, part) => total + of(part), 0)
  const totals: [name: string, is: unknown, expected: unknown][] = [
    ['run', manifest.run, String(facts.run)],
    ['complete', manifest.complete, facts.complete],
    ['expected', manifest.expected, facts.expected],
    ['lines', manifest.lines, sum(({ lineCount }) => lineCount)],
    ['rawBytes', manifest.rawBytes, sum(({ rawBytes }) => rawBytes)],
    ['storedBytes', manifest.storedBytes, sum(({ storedBytes }) => storedBytes)],
    ['the number of parts', manifest.parts.length, parts.length],
  ]
  for (const part of parts) {
    const listed = manifest.parts.find(({ no }) => no === part.no)
    for (const member of PART_MEMBERS)
      totals.push([`${member} of part ${part.no}`, listed?.[member] ?? null, part[member]])
  }
  return totals
    .filter(([, is, expected]) => is !== expected)
    .map(
      ([name, is, expected]) =>
        `states ${name} ${JSON.stringify(is)}, but the database has ${JSON.stringify(expected)}`,
    )
}
