// The modules that a record passes through from the connector's page to the staged row, as
// ARCHITECTURE.md lists them.

import { posix } from 'node:path'
import { readText } from './source-files.ts'

export interface RecordModule {
  /** `name` of a function, or `Type.method`. */
  readonly name: string
  /** Within the project. */
  readonly path: string
}

/** @throws Error when the section has no such list */
export function listRecordModules(page = readText('ARCHITECTURE.md')): RecordModule[] {
  const section = /^## The path of a record$([\s\S]*?)^(?:## |(?![\s\S]))/m.exec(page)?.[1] ?? ''
  const modules = Array.from(
    section.matchAll(/^\d+\. `([\w.]+)` in \[`([\w./-]+\.ts)`\]/gm),
    ([, name = '', path = '']) => ({ name, path }),
  )
  if (modules.length === 0) throw new Error('ARCHITECTURE.md does not list the path of a record')
  return modules
}

/** Reads a file of the project. */
export type Read = (path: string) => string

/** Returns the first fault of the list, or null when each module passes the record to the next. */
export function findWrongModule(
  modules: readonly RecordModule[],
  read: Read = readText,
): string | null {
  const missing = modules.find((module) => !isDefined(module, read(module.path)))
  if (missing) return `${missing.path} does not define ${missing.name}`
  for (const [index, to] of modules.entries()) {
    const from = modules[index - 1]
    if (from && !isLinked(from, to, modules, read))
      return `${from.path} and ${to.path} are not linked by an import`
  }
  return null
}

function isDefined({ name }: RecordModule, source: string): boolean {
  const [owner = '', method] = name.split('.')
  if (method === undefined) return new RegExp(`\\bfunction\\*? ${owner}\\b`).test(source)
  const body = new RegExp(`^(?:export )?(?:class|interface) ${owner}\\b[\\s\\S]*?^}`, 'm')
  return new RegExp(`^  (?:async )?${method}\\(`, 'm').test(body.exec(source)?.[0] ?? '')
}

/**
 * One of the two imports the other, or a third module imports both and passes the record on. A
 * module may also import the interface that the next one implements.
 */
function isLinked(
  from: RecordModule,
  to: RecordModule,
  modules: readonly RecordModule[],
  read: Read,
): boolean {
  const knows = (a: RecordModule, b: RecordModule): boolean => {
    const imported = listImports(a.path, read)
    return (
      a.path === b.path ||
      imported.includes(b.path) ||
      listContracts(b.path, read).some((contract) => imported.includes(contract))
    )
  }
  return (
    knows(from, to) ||
    knows(to, from) ||
    modules.some((module) => knows(module, from) && knows(module, to))
  )
}

/** The files of the project that a file imports, for values or types. */
function listImports(path: string, read: Read): string[] {
  const statements = read(path).matchAll(/^(?:import|export)\b[^'"`;]*?\bfrom\s+'(\.[^']+)'/gm)
  return Array.from(statements, ([, target = '']) =>
    posix.normalize(posix.join(posix.dirname(path), target)),
  )
}

/** The files whose interfaces a class of this file implements. */
function listContracts(path: string, read: Read): string[] {
  const source = read(path)
  const names = Array.from(source.matchAll(/\bimplements (\w+)/g), ([, name = '']) => name)
  return listImports(path, read).filter((target) =>
    names.some((name) => new RegExp(`\\bexport interface ${name}\\b`).test(read(target))),
  )
}
