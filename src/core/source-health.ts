// The health of a source: its parts, each with a state and a reason that a person reads, and the
// source as the worst of them. A failure that is retried without a person is only a warning.

/** The states of a source, the worst first. */
export const HEALTH_STATES = [
  'held',
  'failing',
  'late',
  'paused',
  'never run',
  'running',
  'fresh',
] as const
export type HealthState = (typeof HEALTH_STATES)[number]

/** `problem` changes the state of the source; `warning` only marks it. */
export const HEALTH_LEVELS = ['problem', 'warning', 'ok'] as const
export type HealthLevel = (typeof HEALTH_LEVELS)[number]

/** The parts of a source's health; of equally bad ones, the first here is named first. */
export const HEALTH_PARTS = [
  'decisions',
  'last run',
  'breaker',
  'schedule',
  'quarantine',
  'limits',
  'removals',
  'latest copy',
  'images',
  'error budget',
] as const

/** The step by which a person decides or repairs a part. */
export interface NextStep {
  /** Begins with a verb: `decide about the run`. */
  readonly text: string
  /** The command that does it, or shows what to decide. */
  readonly command: string
  /** The address of the page of the dashboard where it is done. */
  readonly page: string
}

export interface HealthPart {
  readonly part: (typeof HEALTH_PARTS)[number]
  readonly state: HealthState
  readonly level: HealthLevel
  /** A sentence without a full stop, such as `run 12 succeeded 3 h ago`. */
  readonly reason: string
  /** Null: nothing, or the system does it. */
  readonly next: NextStep | null
}

export interface SourceHealth {
  readonly state: HealthState
  readonly level: HealthLevel
  /** That of the worst part. */
  readonly reason: string
  /** The step of the worst part that has one; null when the source needs no person. */
  readonly next: NextStep | null
  /** The worst first. */
  readonly parts: readonly HealthPart[]
}

/**
 * Judges a source as the worst of its parts. Of parts that are equally bad, the one that comes first in
 * `HEALTH_STATES` counts; warnings leave the state as it is.
 */
export function judgeSource(parts: readonly HealthPart[]): SourceHealth {
  const sorted = parts.toSorted(
    (a, b) =>
      rank(HEALTH_LEVELS, a.level, b.level) ||
      rank(HEALTH_STATES, a.state, b.state) ||
      rank(HEALTH_PARTS, a.part, b.part),
  )
  const [worst] = sorted
  if (worst === undefined) throw new Error('A source without parts has no health')
  const isProblem = worst.level === 'problem'
  const state = isProblem ? worst.state : worstState(sorted.filter(isQuiet))
  return {
    state,
    level: worst.level,
    reason: worst.reason,
    next: sorted.find(({ next }) => next !== null)?.next ?? null,
    parts: sorted,
  }
}

/** A part that says what the source does, not what is wrong with it. */
function isQuiet({ part }: HealthPart): boolean {
  return part === 'schedule' || part === 'last run'
}

function worstState(parts: readonly HealthPart[]): HealthState {
  return HEALTH_STATES.find((state) => parts.some((part) => part.state === state)) ?? 'fresh'
}

function rank<Word>(order: readonly Word[], a: Word, b: Word): number {
  return order.indexOf(a) - order.indexOf(b)
}
