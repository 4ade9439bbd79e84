// The pages of the documentation, as tests read them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Page {
  readonly path: string
  readonly text: string
  readonly fences: readonly { readonly language: string; readonly code: string }[]
  /** Text between backticks, outside of fences. */
  readonly inline: readonly string[]
}

/** Reads a page. `without` matches text to leave out. */
export function readPage(path: string, { without = null }: { without?: RegExp | null } = {}): Page {
  const whole = readFileSync(join(root, path), 'utf8')
  const text = without === null ? whole : whole.replaceAll(without, '')
  const fence = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm
  const fences = [...text.matchAll(fence)].map(([, , language = '', code = '']) => ({
    language,
    code,
  }))
  return {
    path,
    text,
    fences,
    inline: [...text.replaceAll(fence, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
  }
}
