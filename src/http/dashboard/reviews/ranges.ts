// Numbers of reviews as ranges, such as `5-90,95`: the form of a decision on all that match carries
// exactly those that its page has counted.

import { SyncError } from '../../../core/errors.ts'

/** `ids` in ascending order. */
export function formatRanges(ids: readonly number[]): string {
  const ranges: [from: number, to: number][] = []
  for (const id of ids) {
    const last = ranges.at(-1)
    if (last && last[1] === id - 1) last[1] = id
    else ranges.push([id, id])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}

/** @throws SyncError `request/invalid` for anything but ranges of at most `max` numbers */
export function parseRanges(text: string, max: number): number[] {
  const ids: number[] = []
  for (const range of text.split(',')) {
    const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(range) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (!(from <= to) || ids.length + (to - from) >= max)
      throw new SyncError('request/invalid', 'The form does not name reviews of its page')
    for (let id = from; id <= to; id += 1) ids.push(id)
  }
  return ids
}
