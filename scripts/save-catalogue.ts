// Saves a populated catalogue of this version as test/upgrade/<version>.json, before its release. From
// then on, test/e2e/upgrade.test.ts applies the later migrations to it.

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../src/core/version.ts'
import { saveCatalogue } from '../test/support/saved-catalogue.ts'

const path = `test/upgrade/${VERSION}.json`
const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
const ends: (() => Promise<void>)[] = []
try {
  const saved = await saveCatalogue({ after: (end) => void ends.push(end) }, VERSION)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(saved, null, 1)}\n`)
  console.log(path)
} finally {
  for (const end of ends.toReversed()) await end()
}
