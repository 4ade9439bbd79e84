// A clean folder in which a reader of the pages pastes their blocks of shell commands. `shelfsync` and
// `npx` are on the path.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './database.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Lists the code blocks of a page, or of the section with this heading. */
export async function listBlocks(
  page: string,
  { language = 'sh', heading }: { readonly language?: string; readonly heading?: string } = {},
): Promise<string[]> {
  const text = await readFile(join(root, page), 'utf8')
  const [section = text] =
    heading === undefined ? [] : text.split(/^(?=## )/m).filter((part) => part.startsWith(heading))
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return [...section.matchAll(fence)].map(([, code = '']) => code)
}

export interface TerminalFolder {
  readonly path: string
  /** Runs a block, which must succeed, and returns both streams. */
  paste(code: string): Promise<string>
}

/** `examples` are texts of the pages and what stands for them in the test. */
export async function openTerminalFolder(
  t: Lifetime,
  env: Readonly<Record<string, string>>,
  examples: Readonly<Record<string, string>> = {},
): Promise<TerminalFolder> {
  const path = await mkdtemp(join(tmpdir(), 'shelfsync-terminal-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  for (const [name, shift] of [
    ['npx', 'shift; '],
    ['shelfsync', ''],
  ] as const) {
    await writeFile(join(path, name), `#!/bin/sh\n${shift}exec node ${root}bin/shelfsync "$@"\n`)
    await chmod(join(path, name), 0o755)
  }
  const PATH = `${path}:${root}node_modules/.bin:${process.env['PATH']}`
  return {
    path,
    paste(code) {
      const text = Object.entries(examples).reduce(
        (filled, [from, to]) => filled.replaceAll(from, to),
        code,
      )
      return new Promise((resolve, reject) => {
        const child = execFile(
          'bash',
          ['-e', '-o', 'pipefail', '-c', text],
          { cwd: path, env: { HOME: path, PATH, ...env } },
          (error, stdout, stderr) => {
            if (error === null) resolve(stdout + stderr)
            else reject(new assert.AssertionError({ message: `${text}\n${stdout}${stderr}` }))
          },
        )
        child.stdin?.end()
      })
    },
  }
}
