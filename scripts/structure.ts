// Prints figures of the source and fails when one exceeds its limit. Sizes of files and functions
// are without tests, wording is with them. `--places` lists the places.

import {
  readSourceFile,
  readText,
  listFiles,
  type FunctionShape,
  type SourceFile,
} from './support/source-files.ts'
import { listRecordModules } from './support/record-path.ts'
import { listSqlFiles } from './support/sql-files.ts'
import { listWordings } from './support/wording.ts'

const PATTERNS = ['{src,simulators,scripts,bench,bin,deploy}/**/*.ts']
const FILE_LINES_MAX = 300
const TEST_LINES_MAX = 700
const FUNCTION_LINES_MAX = 60
const PARAMETERS_MAX = 4
const COLUMNS_MAX = 100
const SQL_COLUMNS_MAX = 110
const RECORD_MODULES_MAX = 12

interface Figure {
  readonly name: string
  readonly value: number
  readonly limit: number
  readonly unit?: string
  /** The counted places, worst first. */
  readonly places: readonly string[]
}

const files = listFiles(PATTERNS)
  .filter((path) => !path.endsWith('.test.ts'))
  .map(readSourceFile)

const sqlFiles = listSqlFiles()

const figures: readonly Figure[] = [
  measureLargestFile(),
  measureLargestTest(),
  measureLongestFunction(),
  countParameters(),
  countCycles(),
  measureLongLines(),
  countRecordModules(),
  measureLargestSqlFile(),
  measureLongestSqlFunction(),
  countLongSqlLines(),
  countWordings(),
]

console.log(
  `${files.length} files, ${findMedian(files.map(({ lines }) => lines.length))} lines at the median\n`,
)
for (const { name, value, limit, unit = '', places } of figures) {
  const exceeded = value > limit
  console.log(`${exceeded ? '✗' : '✓'} ${name}: ${value}${unit} (at most ${limit}${unit})`)
  if (exceeded && process.argv.includes('--places'))
    for (const place of places) console.log(`    ${place}`)
  if (exceeded) process.exitCode = 1
}

function measureLargestFile(): Figure {
  const byLength = files.toSorted((a, b) => b.lines.length - a.lines.length)
  const places = byLength
    .filter(({ lines }) => lines.length > FILE_LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines.length} lines`)
  return {
    name: 'lines of the largest file',
    value: byLength[0]?.lines.length ?? 0,
    limit: FILE_LINES_MAX,
    places,
  }
}

function measureLargestTest(): Figure {
  const tests = listFiles(['{src,simulators,scripts,test,bench}/**/*.ts'])
    .filter((path) => path.endsWith('.test.ts') || path.startsWith('test/'))
    .map((path) => ({ path, count: readText(path).trimEnd().split('\n').length }))
    .toSorted((a, b) => b.count - a.count)
  return {
    name: 'lines of the largest test file',
    value: tests[0]?.count ?? 0,
    limit: TEST_LINES_MAX,
    places: tests
      .filter(({ count }) => count > TEST_LINES_MAX)
      .map(({ path, count }) => `${path}: ${count} lines`),
  }
}

function measureLongestFunction(): Figure {
  const byLength = listFunctions().toSorted((a, b) => b.shape.lines - a.shape.lines)
  const places = byLength
    .filter(({ shape }) => shape.lines > FUNCTION_LINES_MAX)
    .map(({ place, shape }) => `${place}: ${shape.lines} lines`)
  return {
    name: 'lines of the longest function',
    value: byLength[0]?.shape.lines ?? 0,
    limit: FUNCTION_LINES_MAX,
    places,
  }
}

function countParameters(): Figure {
  const found = listFunctions().filter(({ shape }) => shape.parameters > PARAMETERS_MAX)
  return {
    name: `functions with ${PARAMETERS_MAX + 1} or more parameters`,
    value: found.length,
    limit: 5,
    places: found.map(({ place, shape }) => `${place}: ${shape.parameters} parameters`),
  }
}

function measureLongLines(): Figure {
  const places = files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      line.length > COLUMNS_MAX ? [`${path}:${index + 1}: ${line.length} columns`] : [],
    ),
  )
  const total = files.reduce((sum, { lines }) => sum + lines.length, 0)
  const percent = Math.round((1000 * places.length) / total) / 10
  return { name: `lines over ${COLUMNS_MAX} columns`, value: percent, limit: 1, unit: ' %', places }
}

function countRecordModules(): Figure {
  const modules = listRecordModules()
  const places = modules.map(({ path, name }) => `${path}: ${name}`)
  return {
    name: 'modules on the path of a record',
    value: modules.length,
    limit: RECORD_MODULES_MAX,
    places,
  }
}

function measureLargestSqlFile(): Figure {
  const byLength = sqlFiles.toSorted((a, b) => b.lines.length - a.lines.length)
  return {
    name: 'lines of the largest SQL file',
    value: byLength[0]?.lines.length ?? 0,
    limit: FILE_LINES_MAX,
    places: byLength.map(({ path, lines }) => `${path}: ${lines.length} lines`),
  }
}

function measureLongestSqlFunction(): Figure {
  const byLength = sqlFiles
    .flatMap(({ functions }) => functions)
    .toSorted((a, b) => b.lines - a.lines)
  return {
    name: 'lines of the longest SQL function',
    value: byLength[0]?.lines ?? 0,
    limit: FUNCTION_LINES_MAX,
    places: byLength.map(({ place, lines }) => `${place}: ${lines} lines`),
  }
}

function countLongSqlLines(): Figure {
  const places = sqlFiles.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      line.length > SQL_COLUMNS_MAX ? [`${path}:${index + 1}: ${line.length} columns`] : [],
    ),
  )
  return {
    name: `SQL lines over ${SQL_COLUMNS_MAX} columns`,
    value: places.length,
    limit: 0,
    places,
  }
}

function countWordings(): Figure {
  const places = listWordings()
  return { name: 'wording to replace', value: places.length, limit: 0, places }
}

/** Counts files that import themselves through other files. */
function countCycles(): Figure {
  const imports = new Map(files.map((file) => [file.path, file.imports]))
  const inCycle = files.filter(({ path }) => reaches(imports, path, path)).map(({ path }) => path)
  return { name: 'files in import cycles', value: inCycle.length, limit: 0, places: inCycle }
}

function reaches(
  imports: ReadonlyMap<string, readonly string[]>,
  from: string,
  to: string,
): boolean {
  const seen = new Set<string>()
  const left = [...(imports.get(from) ?? [])]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === to) return true
    if (seen.has(next)) continue
    seen.add(next)
    left.push(...(imports.get(next) ?? []))
  }
  return false
}

function listFunctions(): { readonly place: string; readonly shape: FunctionShape }[] {
  return files.flatMap(({ path, functions }: SourceFile) =>
    functions.map((shape) => ({ place: `${path}:${shape.line} ${shape.name}`, shape })),
  )
}

function findMedian(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}
