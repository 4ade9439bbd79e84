// Medians and ratios of all measurements on one server, in the form that `--json` prints.

import { roundTo2 } from './bench-server.ts'
import { CASES, type Case } from './feeds.ts'
import type { Program, ProgramFigures } from './programs.ts'

export interface Sample extends ProgramFigures {
  readonly round: number
  readonly case: Case
  readonly program: Program
}

export type Feeds = Readonly<Record<Case, { readonly lines: number; readonly bytes: number }>>

/** Seconds; null where the system does not count CPU time. */
interface Times {
  readonly wallSeconds: number
  readonly nodeCpuSeconds: number
  readonly postgresCpuSeconds: number | null
  readonly cpuSeconds: number | null
}

/** Ratios of all rounds. */
interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface ProgramSummary extends Times {
  readonly case: Case
  readonly program: Program
  readonly products: number
  readonly bytes: number
  readonly per100kProducts: Times
  /** Compared with COPY and merge in the same round. */
  readonly wallRatio: Spread | null
  readonly cpuRatio: Spread | null
  readonly rowsWritten: number
  readonly walBytes: number
  readonly rssPeakMb: number | null
  readonly dataApiCpuSeconds: number | null
  readonly loadAverageMax: number
  readonly othersPercentMax: number | null
  readonly stolenPercentMax: number | null
}

/** CPU time of one side. */
export interface FloorSummary {
  readonly side: 'Node' | 'Postgres'
  readonly wallSeconds: number
  readonly cpuSeconds: number | null
  readonly cpuSecondsPer100kProducts: number | null
  readonly rowsWritten: number
  /** CPU time of the same side in Shelfsync, compared with the floor. */
  readonly shelfsyncRatio: Readonly<Record<Case, number | null>>
}

const MEASURED: readonly Program[] = ['Shelfsync', 'COPY and merge', 'supabase-js']

/** Lists each program in each case; programs without a measurement are left out. */
export function summarisePrograms(samples: readonly Sample[], feeds: Feeds): ProgramSummary[] {
  return CASES.flatMap((name) =>
    MEASURED.flatMap((program) => {
      const own = samples.filter((sample) => sample.case === name && sample.program === program)
      return own.length === 0 ? [] : [summariseProgram(own, samples, feeds)]
    }),
  )
}

/** Both floors, each compared with Shelfsync in the same server. */
export function summariseFloors(samples: readonly Sample[], feeds: Feeds): FloorSummary[] {
  return (['Node', 'Postgres'] as const).map((side) => {
    const own = samples.filter(({ program }) => program === `floor of ${side}`)
    const read = side === 'Node' ? readNodeCpu : readPostgresCpu
    const cpu = findMedian(own.map(read))
    const compare = (name: Case): number | null => {
      const ours = samples.filter((one) => one.case === name && one.program === 'Shelfsync')
      return divide(findMedian(ours.map(read)), cpu)
    }
    const { lines } = feeds['first-load']
    return {
      side,
      wallSeconds: round(findMedian(own.map(({ seconds }) => seconds))) ?? Number.NaN,
      cpuSeconds: round(cpu),
      cpuSecondsPer100kProducts: round(scale(cpu, lines)),
      rowsWritten: findMedian(own.map(({ rowsWritten }) => rowsWritten)) ?? 0,
      shelfsyncRatio: {
        'first-load': round(compare('first-load')),
        again: round(compare('again')),
        'one-percent': round(compare('one-percent')),
      },
    }
  })
}

function summariseProgram(
  own: readonly Sample[],
  all: readonly Sample[],
  feeds: Feeds,
): ProgramSummary {
  const { case: name, program } = own[0] as Sample
  const { lines, bytes } = feeds[name]
  const median = (read: (sample: Sample) => number | null) => findMedian(own.map(read))
  const times = (change: (seconds: number | null) => number | null): Times => ({
    wallSeconds: round(change(median(readWall))) ?? Number.NaN,
    nodeCpuSeconds: round(change(median(readNodeCpu))) ?? Number.NaN,
    postgresCpuSeconds: round(change(median(readPostgresCpu))),
    cpuSeconds: round(change(median(readTotalCpu))),
  })
  return {
    case: name,
    program,
    products: lines,
    bytes,
    ...times((seconds) => seconds),
    per100kProducts: times((seconds) => scale(seconds, lines)),
    wallRatio: compareWithBare(own, all, readWall),
    cpuRatio: compareWithBare(own, all, readTotalCpu),
    rowsWritten: median(({ rowsWritten }) => rowsWritten) ?? 0,
    walBytes: median(({ walBytes }) => walBytes) ?? 0,
    rssPeakMb: findMax(own.map(({ rssPeakMb }) => rssPeakMb)),
    dataApiCpuSeconds: round(median(({ dataApiCpuSeconds }) => dataApiCpuSeconds)),
    loadAverageMax: findMax(own.map(({ load }) => load.average)) ?? 0,
    othersPercentMax: round(findMax(own.map(({ load }) => load.othersPercent))),
    stolenPercentMax: round(findMax(own.map(({ load }) => load.stolenPercent))),
  }
}

function compareWithBare(
  own: readonly Sample[],
  all: readonly Sample[],
  read: (sample: Sample) => number | null,
): Spread | null {
  const ratios = own.map((sample) => {
    const bare = all.find(
      (other) =>
        other.case === sample.case &&
        other.round === sample.round &&
        other.program === 'COPY and merge',
    )
    return bare ? divide(read(sample), read(bare)) : null
  })
  const known = ratios.filter((ratio) => ratio !== null)
  const median = findMedian(known)
  if (median === null) return null
  return {
    median: roundTo2(median),
    min: roundTo2(Math.min(...known)),
    max: roundTo2(Math.max(...known)),
  }
}

function readWall({ seconds }: Sample): number {
  return seconds
}

function readNodeCpu({ nodeCpuSeconds }: Sample): number {
  return nodeCpuSeconds
}

function readPostgresCpu({ postgresCpuSeconds }: Sample): number | null {
  return postgresCpuSeconds
}

function readTotalCpu({ nodeCpuSeconds, postgresCpuSeconds }: Sample): number | null {
  return postgresCpuSeconds === null ? null : nodeCpuSeconds + postgresCpuSeconds
}

/** Returns null when a value is unknown, or without values. */
function findMedian(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  return sorted.length < values.length ? null : (sorted[sorted.length >> 1] ?? null)
}

function findMax(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function divide(value: number | null, by: number | null): number | null {
  return value === null || by === null || by === 0 ? null : value / by
}

function scale(seconds: number | null, products: number): number | null {
  return seconds === null ? null : (seconds * 100_000) / products
}

function round(value: number | null): number | null {
  return value === null ? null : roundTo2(value)
}
