// Finds the name that a person probably meant.

/** A longer distance is a different word. */
const SHARE_MAX = 0.4
/** A little more than a letter left out or doubled, so that `rues` is `rules` and not `runs`. */
const REPLACED = 1.01

/** Returns the candidate that `word` misspells, or null. */
export function findSimilar(word: string, candidates: Iterable<string>): string | null {
  const lower = word.toLowerCase()
  let best: { name: string; distance: number } | null = null
  for (const name of candidates) {
    const other = name.toLowerCase()
    const distance = other === lower ? 0 : measureDistance(lower, other)
    if (distance > Math.max(lower.length, other.length) * SHARE_MAX) continue
    if (best === null || distance < best.distance) best = { name, distance }
  }
  return best?.name ?? null
}

/** Counts the letters to add, remove, replace or swap with the next one (optimal string alignment). */
function measureDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : REPLACED
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      line[column] = Math.min(
        valueOf(last, column) + 1,
        valueOf(line, column - 1) + 1,
        valueOf(last, column - 1) + cost,
        isSwap ? valueOf(beforeLast, column - 2) + 1 : Infinity,
      )
    }
    beforeLast = last
    last = line
  }
  return valueOf(last, b.length)
}

function valueOf(row: readonly number[] | undefined, column: number): number {
  return row?.[column] ?? Infinity
}
