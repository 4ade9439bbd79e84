// Tables for a terminal of 120 columns, in Markdown, so that docs/performance.md can contain them.

import type { FloorSummary, ProgramSummary } from './summary.ts'

type Row = Readonly<Record<string, string>>
type Spread = ProgramSummary['wallRatio']

const UNKNOWN = '–'

/** Every row has the columns of the first. Text is aligned left, numbers are aligned right. */
export function formatTable(title: string, rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {}).map((name) => {
    const values = rows.map((row) => row[name] ?? '')
    const isText = values.some((value) => /^[a-z]/i.test(value))
    const width = Math.max(name.length, ...values.map((value) => value.length))
    return {
      name,
      rule: isText ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
      pad: (text: string) => (isText ? text.padEnd(width) : text.padStart(width)),
    }
  })
  const lines = [
    columns.map(({ name, pad }) => pad(name)),
    columns.map(({ rule }) => rule),
    ...rows.map((row) => columns.map(({ name, pad }) => pad(row[name] ?? ''))),
  ]
  return `${title}:\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`
}

export function formatPrograms(programs: readonly ProgramSummary[]): string[] {
  const head = ({ case: name, program }: ProgramSummary) => ({ case: name, program })
  return [
    formatTable(
      'Seconds, and ratios to COPY and merge',
      programs.map((one) => ({
        ...head(one),
        wall: formatNumber(one.wallSeconds),
        'Node CPU': formatNumber(one.nodeCpuSeconds),
        'Postgres CPU': formatNumber(one.postgresCpuSeconds),
        'total CPU': formatNumber(one.cpuSeconds),
        'wall ratio': formatNumber(one.wallRatio?.median),
        'CPU ratio': formatNumber(one.cpuRatio?.median),
      })),
    ),
    formatTable(
      'Seconds per 100,000 products',
      programs.map(({ per100kProducts: times, ...one }) => ({
        case: one.case,
        program: one.program,
        wall: formatNumber(times.wallSeconds),
        'Node CPU': formatNumber(times.nodeCpuSeconds),
        'Postgres CPU': formatNumber(times.postgresCpuSeconds),
        'total CPU': formatNumber(times.cpuSeconds),
      })),
    ),
    formatTable(
      'Rows, WAL and memory',
      programs.map((one) => ({
        ...head(one),
        'rows written': one.rowsWritten.toLocaleString('en'),
        'WAL in MB': formatNumber(one.walBytes / 1e6),
        'peak memory in MB': one.rssPeakMb === null ? UNKNOWN : String(one.rssPeakMb),
        'CPU of the Data API': formatNumber(one.dataApiCpuSeconds),
      })),
    ),
    formatTable(
      'Noise: lowest and highest ratio, and the highest load of the machine',
      programs.map((one) => ({
        ...head(one),
        'wall ratio': formatSpread(one.wallRatio),
        'CPU ratio': formatSpread(one.cpuRatio),
        'load average': formatNumber(one.loadAverageMax),
        'other processes': formatPercent(one.othersPercentMax),
        stolen: formatPercent(one.stolenPercentMax),
      })),
    ),
  ]
}

export function formatFloors(floors: readonly FloorSummary[]): string {
  return formatTable(
    'Floor: seconds, and how many times as much CPU Shelfsync uses on the same side',
    floors.map((floor) => ({
      floor: floor.side,
      rows: floor.rowsWritten.toLocaleString('en'),
      wall: formatNumber(floor.wallSeconds),
      CPU: formatNumber(floor.cpuSeconds),
      'CPU per 100,000': formatNumber(floor.cpuSecondsPer100kProducts),
      'first-load': formatNumber(floor.shelfsyncRatio['first-load']),
      again: formatNumber(floor.shelfsyncRatio.again),
      'one-percent': formatNumber(floor.shelfsyncRatio['one-percent']),
    })),
  )
}

export function formatNumber(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : value.toFixed(2)
}

export function formatPercent(value: number | null): string {
  return value === null ? UNKNOWN : `${value.toFixed(0)} %`
}

function formatSpread(spread: Spread): string {
  return spread === null ? UNKNOWN : `${formatNumber(spread.min)}–${formatNumber(spread.max)}`
}
