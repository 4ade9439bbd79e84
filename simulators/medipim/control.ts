// `/_control/…`: whatever a test can do to the simulator from inside its process, over HTTP and in
// JSON, for tests elsewhere. `GET /_control/` lists the verbs. No key is asked for, so it answers
// to this machine only.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { pathOf, readText, sendJson } from '../support/server.ts'
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
  'GET /_control/': () => ({ verbs: Object.keys(VERBS) }),
  'GET /_control/stats': ({ stats }) => stats.snapshot(),
  'DELETE /_control/stats': ({ stats }) => stats.reset(),
  'GET /_control/clock': ({ clock }) => ({ now: new Date(clock.nowMs()).toISOString() }),
  'POST /_control/clock': verb(Time, ({ clock }, { set, advanceSeconds }) => {
    if (set !== undefined) clock.set(Date.parse(set))
    clock.advance(advanceSeconds * 1_000)
    return { now: new Date(clock.nowMs()).toISOString() }
  }),
  'POST /_control/update': mutation(
    Chosen.extend({ patch: Patch.optional() }),
    ({ update }, { select, patch }) => update(select, patch),
  ),
  'POST /_control/touch': mutation(Chosen, ({ touch }, { select }) => touch(select)),
  'POST /_control/deactivate': mutation(Chosen, ({ deactivate }, { select }) => deactivate(select)),
  'POST /_control/activate': mutation(Chosen, ({ activate }, { select }) => activate(select)),
  'POST /_control/replace': mutation(Replaced, ({ replace }, { select, successor }) =>
    replace(select, successor),
  ),
  'POST /_control/remove': mutation(Chosen, ({ remove }, { select }) => remove(select)),
  'POST /_control/restore': mutation(Gone, ({ restore }, { select }) => restore(select)),
  'POST /_control/price': mutation(Price, ({ setPrice }, { select, ...price }) =>
    setPrice(select, price),
  ),
  'POST /_control/add': mutation(
    z.strictObject({ count: z.int().positive().max(100_000) }),
    ({ add }, { count }) => add(count),
  ),
  'GET /_control/faults': ({ faults }) => ({ faults: faults.list() }),
  'POST /_control/faults': verb(Faults, ({ faults }, set) => faults.set(...set)),
  'DELETE /_control/faults': ({ faults }) => faults.clear(),
  'POST /_control/fields': verb(
    z.strictObject({ add: Ids.default([]), remove: Ids.default([]) }),
    ({ fields }, changes) => {
      for (const code of changes.add) fields.add(code)
      for (const code of changes.remove) fields.remove(code)
    },
  ),
  'POST /_control/switches': verb(Switches, (simulator, switches) =>
    simulator.setSwitches(switches),
  ),
  'POST /_control/keys': verb(Key, (simulator, key) => simulator.setKey(key)),
}

const IDS_SHOWN = 1_000

/**
 * Answers 200 with what the verb gives, 400 with what is wrong with its body, 404 for no such verb.
 */
export async function control(
  simulator: MedipimSimulator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const act = VERBS[`${request.method} ${pathOf(request)}`]
  const text = await readText(request)
  if (act === undefined) {
    sendJson(response, 404, {
      error: `There is no ${request.method} ${pathOf(request)}; GET /_control/ lists what there is.`,
    })
    return
  }
  try {
    sendJson(response, 200, act(simulator, text === '' ? {} : JSON.parse(text)) ?? { done: true })
  } catch (error) {
    sendJson(response, 400, {
      error: error instanceof z.ZodError ? z.prettifyError(error) : String(error),
    })
  }
}

function verb<S extends z.ZodType>(
  schema: S,
  act: (simulator: MedipimSimulator, body: z.output<S>) => unknown,
): Verb {
  return (simulator, body) => act(simulator, schema.parse(body))
}

/** Answers with the ids that were struck, but never lists a whole large catalogue. */
function mutation<S extends z.ZodType>(
  schema: S,
  act: (catalogue: Catalogue, body: z.output<S>) => readonly string[],
): Verb {
  return verb(schema, ({ catalogue }, body) => {
    const ids = act(catalogue, body)
    return { count: ids.length, ids: ids.slice(0, IDS_SHOWN) }
  })
}
