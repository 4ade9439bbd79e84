// Fails when a file imports what its folder may not. The table is in arrows.ts.

import { glob, readFile } from 'node:fs/promises'
import { findWrongArrows } from './arrows.ts'

const root = new URL('../', import.meta.url)
for await (const path of glob('{src,simulators}/**/*.ts', { cwd: root })) {
  for (const wrong of findWrongArrows(
    path.replaceAll('\\', '/'),
    await readFile(new URL(path, root), 'utf8'),
  )) {
    console.error(wrong)
    process.exitCode = 1
  }
}
