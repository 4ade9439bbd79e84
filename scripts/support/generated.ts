// The output of every scripts/write-*.ts: files, or with `--check` a list of outdated ones.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/**
 * `files` maps paths within the project to their whole text. A difference under `--check` sets the
 * exit code to 1.
 */
export async function writeGenerated(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = fileURLToPath(new URL(path, root))
    if (!process.argv.includes('--check')) {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    } else if ((await readFile(file, 'utf8').catch(() => null)) !== text) {
      console.error(`${path} is outdated: run node scripts/${basename(process.argv[1] ?? '')}`)
      process.exitCode = 1
    }
  }
}

/** Formats a table. Cells are Markdown; characters that end a cell or a row are escaped. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const escape = (cell: string): string => cell.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
  const line = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)]
}
