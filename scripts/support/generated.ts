// How every scripts/write-*.ts ends: it writes what it made, or with `--check` only says which
// committed files differ from that.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/**
 * `files` maps paths within the project to their whole text. A difference under `--check` makes the
 * exit code 1.
 */
export async function writeGenerated(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = fileURLToPath(new URL(path, root))
    if (!process.argv.includes('--check')) {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    } else if ((await readFile(file, 'utf8').catch(() => null)) !== text) {
      console.error(
        `${path} is not what it is made from: run node scripts/${basename(process.argv[1] ?? '')}`,
      )
      process.exitCode = 1
    }
  }
}

/**
 * A Markdown table. Cells are Markdown already; only what would end a cell or the row is changed.
 */
export function markdownTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)]
}
