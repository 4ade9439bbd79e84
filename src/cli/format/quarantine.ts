// The text of one quarantined record.

import type { QuarantineDetails, QuarantineSummary } from '../../db/read/quarantine.ts'
import { formatArgument, formatBytes, formatInstant } from '../../format/format.ts'
import { formatCount } from '../../lib/words.ts'
import type { Output } from '../terminal/output.ts'

const BYTES_CHARS_MAX = 2000

export function formatPlace({
  artifactRun,
  part,
  line,
  byteOffset,
}: Pick<QuarantineSummary, 'artifactRun' | 'part' | 'line' | 'byteOffset'>): string {
  return `run ${artifactRun}, part ${part}, line ${line}, byte ${byteOffset}`
}

/**
 * ```
 * Quarantined record 12 of pharmacy
 *   reason      publicPrice must be a number
 *   rule        record/invalid
 *   product     M0001; shelfsync explain pharmacy M0001
 *   state       open
 *   next        …
 *   where       run 7, part 1, line 12, byte 10240
 *   find it     shelfsync artifacts cat 7 --part 1 --line 12
 *   bytes       10,240 bytes, 10.2 KB; all of them: shelfsync quarantine show 12 --raw
 * ```
 */
export function formatQuarantinedRecord(output: Output, record: QuarantineDetails): string {
  const { id, source, product, artifactRun, part, line, artifactState } = record
  const facts: [name: string, value: string][] = [
    ['reason', record.reason],
    ['rule', record.rule],
    [
      'product',
      product === null
        ? 'unknown: the record has no readable id'
        : `${product}; shelfsync explain ${source} ${formatArgument(output.inLine(product))}`,
    ],
    ['state', describeState(record)],
    ...listNextSteps(record).map((step): [string, string] => ['next', step]),
    ['where', formatPlace(record)],
    ['quarantined', `by run ${record.lastRun}, first at ${formatInstant(record.createdAt)}`],
    [
      'find it',
      artifactState === 'purged'
        ? `the artifact of run ${artifactRun} is purged`
        : `shelfsync artifacts cat ${artifactRun} --part ${part} --line ${line}`,
    ],
    ['bytes', formatSize(record)],
  ]
  return [
    `Quarantined record ${id} of ${source}`,
    ...facts.map(([name, value]) => `  ${name.padEnd(11)} ${output.inLine(value)}`),
  ].join('\n')
}

function describeState({ state, closedRun }: QuarantineDetails): string {
  const run = closedRun === null ? 'a later run' : `run ${closedRun}`
  if (state === 'replayed') return `replayed: ${run} applied this line`
  if (state === 'superseded') return `superseded: ${run} has a newer record of it in quarantine`
  if (state === 'resolved') return `resolved: ${run} had the product without an error`
  if (state === 'ignored') return 'ignored: a person has decided so'
  return 'open: the product stays as it was before this record'
}

function listNextSteps({ state, source, again }: QuarantineDetails): string[] {
  if (state === 'superseded' && again !== null)
    return [`show the newer record: shelfsync quarantine show ${again}`]
  if (state !== 'open') return []
  return [
    `if the record is wrong: the supplier corrects it, and the next run applies it`,
    `if the record is right: install a version that can read it, then shelfsync quarantine replay ${source}`,
  ]
}

function formatSize({ id, byteLength }: QuarantineDetails): string {
  const exact = `${formatCount(byteLength)} bytes`
  const size = byteLength < 1000 ? exact : `${exact}, ${formatBytes(byteLength)}`
  return `${size}; all of them: shelfsync quarantine show ${id} --raw`
}

/** The beginning of the bytes as text. */
export function formatRecordBytes(output: Output, { raw, byteLength }: QuarantineDetails): string {
  const text = output.inLine(raw.toString())
  const isWhole = text.length <= BYTES_CHARS_MAX && raw.length >= byteLength
  return isWhole ? text : output.short(raw.toString(), BYTES_CHARS_MAX)
}
