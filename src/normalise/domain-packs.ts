// The domain packs by name. A pack is loaded when a run needs it, because its tables of words would
// delay the start of every command.

import type { Json } from '../core/json.ts'
import type { Draft } from '../core/product.ts'
import type { PackName, SourceOptions } from '../core/source-options.ts'
import type { Question } from './question.ts'

/** Rules that read the texts of a draft, as a connector returns it. */
export interface DomainPack {
  /** Returns the draft with the values that its texts state. Pure. */
  read(draft: Draft, options: SourceOptions): Draft
  /** Returns the questions that the attributes of a product leave open. */
  findQuestions(attributes: Readonly<Record<string, Json>>): readonly Question[]
}

interface PackEntry {
  /** Increase it whenever `read` returns a different draft for the same one. At most 999. */
  readonly version: number
  load(): Promise<DomainPack>
}

const PACKS: Readonly<Record<PackName, PackEntry>> = {
  coffee: { version: 1, load: async () => (await import('./coffee/pack.ts')).coffeePack },
}

export function loadPack(name: SourceOptions['pack']): Promise<DomainPack> | null {
  return name === 'none' ? null : PACKS[name].load()
}

export function packVersionOf(name: SourceOptions['pack']): number {
  return name === 'none' ? 0 : PACKS[name].version
}
