// Fails when a file has an import that its folder must not have. The table is in arrows.ts.

import { glob, readFile } from 'node:fs/promises'
import { listForbiddenImports } from './arrows.ts'

const root = new URL('../', import.meta.url)
for await (const path of glob('{src,simulators,supabase}/**/*.ts', { cwd: root })) {
  for (const wrong of listForbiddenImports(
    path.replaceAll('\\', '/'),
    await readFile(new URL(path, root), 'utf8'),
  )) {
    console.error(wrong)
    process.exitCode = 1
  }
}
