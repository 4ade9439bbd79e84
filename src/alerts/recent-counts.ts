// The signals of this process of the last fifteen minutes, by the minute.

import type { Signals } from '../db/alerts.ts'

const WINDOW_MINUTES = 15

interface Minute {
  readonly waits: Map<string, number>
  wrongKeys: number
}

export class RecentCounts {
  readonly #minutes = new Map<number, Minute>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  addWait(reason: string, seconds: number): void {
    const { waits } = this.#current()
    waits.set(reason, (waits.get(reason) ?? 0) + seconds)
  }

  addWrongKey(): void {
    this.#current().wrongKeys += 1
  }

  read(): Signals {
    const waits: Record<string, number> = {}
    let wrongKeys = 0
    const first = this.#minute() - WINDOW_MINUTES
    for (const [minute, counts] of this.#minutes) {
      if (minute <= first) {
        this.#minutes.delete(minute)
        continue
      }
      wrongKeys += counts.wrongKeys
      for (const [reason, seconds] of counts.waits) waits[reason] = (waits[reason] ?? 0) + seconds
    }
    return { waits, wrongKeys }
  }

  #minute(): number {
    return Math.floor(this.#nowMs() / 60_000)
  }

  #current(): Minute {
    const minute = this.#minute()
    const known = this.#minutes.get(minute) ?? { waits: new Map(), wrongKeys: 0 }
    this.#minutes.set(minute, known)
    return known
  }
}
