// The project's TypeScript files, parsed: their functions, comments, texts and imports.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor, type Comment } from 'oxc-parser'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface FunctionShape {
  readonly name: string
  readonly line: number
  readonly lines: number
  readonly parameters: number
}

/** A comment or a string literal; `line` counts from 1. */
export interface Text {
  readonly line: number
  readonly text: string
}

export interface SourceFile {
  readonly path: string
  readonly lines: readonly string[]
  readonly functions: readonly FunctionShape[]
  readonly comments: readonly Text[]
  readonly texts: readonly Text[]
  /** Paths within the project; packages are left out, and so are imports of types only. */
  readonly imports: readonly string[]
}

/** Paths within the project that match the glob `patterns`, in order. */
export function listFiles(patterns: readonly string[]): string[] {
  return globSync(patterns, { cwd: root }).toSorted()
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** @throws Error when the file is not TypeScript */
export function readSourceFile(path: string): SourceFile {
  const source = readText(path)
  const { program, comments, errors } = parseSync(path, source)
  const [error] = errors
  if (error) throw new Error(`${path}: ${error.message}`)
  const lineAt = createLineFinder(source)
  const functions: FunctionShape[] = []
  const texts: Text[] = []
  const imports: string[] = []
  const addFunction = (
    name: string,
    node: { start: number; end: number; params: readonly unknown[] },
  ): void => {
    const line = lineAt(node.start)
    functions.push({
      name,
      line,
      lines: lineAt(node.end) - line + 1,
      parameters: node.params.length,
    })
  }
  const addImport = (target: string, kind: string | undefined): void => {
    if (target.startsWith('.') && kind !== 'type')
      imports.push(normalize(join(dirname(path), target)))
  }
  new Visitor({
    FunctionDeclaration: (node) => addFunction(node.id?.name ?? 'default', node),
    FunctionExpression: (node) => addFunction(node.id?.name ?? 'function', node),
    ArrowFunctionExpression: (node) => addFunction('arrow function', node),
    Literal: (node) =>
      void (
        typeof node.value === 'string' && texts.push({ line: lineAt(node.start), text: node.value })
      ),
    TemplateElement: (node) => void texts.push({ line: lineAt(node.start), text: node.value.raw }),
    ImportDeclaration: (node) => addImport(node.source.value, node.importKind),
    ExportNamedDeclaration: (node) => node.source && addImport(node.source.value, node.exportKind),
    ImportExpression: (node) => {
      if (node.source.type === 'Literal' && typeof node.source.value === 'string')
        addImport(node.source.value, 'value')
    },
  }).visit(program)
  return {
    path,
    lines: source.trimEnd().split('\n'),
    functions,
    comments: comments.map((comment) => toText(comment, lineAt)),
    texts,
    imports,
  }
}

function toText({ value, start }: Comment, lineAt: (offset: number) => number): Text {
  return { line: lineAt(start), text: value.replaceAll(/^\s*\*? ?/gm, '').trim() }
}

/** Parser offsets count UTF-16 units, as strings do. */
function createLineFinder(source: string): (offset: number) => number {
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1))
    starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
