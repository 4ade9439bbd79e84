// The routes of `/_control/…`: every change that a test can make in the simulator's process, over
// HTTP and in JSON.

import { z } from 'zod'
import type { Verbs } from '../support/control.ts'
import type { Catalogue } from './catalogue.ts'
import { MedipimFault } from './faults.ts'
import type { MedipimSimulator } from './simulator.ts'

const Ids = z.array(z.string())
const Share = z.strictObject({ share: z.number().min(0).max(1) })
const Select = z.union([
  Ids,
  z.literal('all'),
  z.strictObject({ count: z.int().nonnegative() }),
  Share,
])
const Chosen = z.strictObject({ select: Select })
const Replaced = Chosen.extend({ successor: z.string().optional() })
const Gone = z.strictObject({ select: z.union([Ids, z.literal('all')]) })
const Patch = z.record(z.string(), z.json())
const Price = z.union([
  Chosen.extend({ cents: z.int() }),
  Chosen.extend({ factor: z.number().positive() }),
])
const Faults = z.union([z.array(MedipimFault), MedipimFault.transform((fault) => [fault])])
const Time = z.strictObject({
  set: z.iso.datetime().optional(),
  advanceSeconds: z.number().default(0),
})
const Key = z.strictObject({
  id: z.string(),
  secret: z.string(),
  disabled: z.boolean().default(false),
})
const Switches = z.strictObject({
  updatedSince: z.enum(['inclusive', 'exclusive']).exactOptional(),
  noSelectionFilter: z.boolean().exactOptional(),
  queryTotal: z.enum(['real', 'capped']).exactOptional(),
  beyondCap: z.enum(['error', 'empty']).exactOptional(),
  violations: z.enum(['inside', 'beside']).exactOptional(),
  gzip: z.boolean().exactOptional(),
  retryAfter: z.boolean().exactOptional(),
})

type Verb = (simulator: MedipimSimulator, body: unknown) => unknown

const VERBS: Readonly<Record<string, Verb>> = {
  'GET stats': ({ stats }) => stats.snapshot(),
  'DELETE stats': ({ stats }) => stats.reset(),
  'GET clock': ({ clock }) => ({ now: new Date(clock.nowMs()).toISOString() }),
  'POST clock': defineVerb(Time, ({ clock }, { set, advanceSeconds }) => {
    if (set !== undefined) clock.set(Date.parse(set))
    clock.advance(advanceSeconds * 1_000)
    return { now: new Date(clock.nowMs()).toISOString() }
  }),
  'POST update': defineMutation(
    Chosen.extend({ patch: Patch.optional() }),
    ({ update }, { select, patch }) => update(select, patch),
  ),
  'POST touch': defineMutation(Chosen, ({ touch }, { select }) => touch(select)),
  'POST deactivate': defineMutation(Chosen, ({ deactivate }, { select }) => deactivate(select)),
  'POST activate': defineMutation(Chosen, ({ activate }, { select }) => activate(select)),
  'POST replace': defineMutation(Replaced, ({ replace }, { select, successor }) =>
    replace(select, successor),
  ),
  'POST remove': defineMutation(Chosen, ({ remove }, { select }) => remove(select)),
  'POST restore': defineMutation(Gone, ({ restore }, { select }) => restore(select)),
  'POST price': defineMutation(Price, ({ setPrice }, { select, ...price }) =>
    setPrice(select, price),
  ),
  'POST add': defineMutation(
    z.strictObject({ count: z.int().positive().max(100_000) }),
    ({ add }, { count }) => add(count),
  ),
  'GET faults': ({ faults }) => ({ faults: faults.list() }),
  'POST faults': defineVerb(Faults, ({ faults }, set) => faults.set(...set)),
  'DELETE faults': ({ faults }) => faults.clear(),
  'POST fields': defineVerb(
    z.strictObject({ add: Ids.default([]), remove: Ids.default([]) }),
    ({ fields }, changes) => {
      for (const code of changes.add) fields.add(code)
      for (const code of changes.remove) fields.remove(code)
    },
  ),
  'POST switches': defineVerb(Switches, (simulator, switches) => simulator.setSwitches(switches)),
  'POST keys': defineVerb(Key, (simulator, key) => simulator.setKey(key)),
}

const IDS_SHOWN = 1_000

/** Binds the verbs to one simulator. */
export function createVerbs(simulator: MedipimSimulator): Verbs {
  return Object.fromEntries(
    Object.entries(VERBS).map(([route, act]) => [route, (body: unknown) => act(simulator, body)]),
  )
}

function defineVerb<S extends z.ZodType>(
  schema: S,
  act: (simulator: MedipimSimulator, body: z.output<S>) => unknown,
): Verb {
  return (simulator, body) => act(simulator, schema.parse(body))
}

/** Defines a verb that returns the changed ids, without listing a whole large catalogue. */
function defineMutation<S extends z.ZodType>(
  schema: S,
  act: (catalogue: Catalogue, body: z.output<S>) => readonly string[],
): Verb {
  return defineVerb(schema, ({ catalogue }, body) => {
    const ids = act(catalogue, body)
    return { count: ids.length, ids: ids.slice(0, IDS_SHOWN) }
  })
}
