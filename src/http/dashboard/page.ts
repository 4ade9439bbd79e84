// A page of the dashboard: its address, its filters, its content, and the actions of its buttons.
// One file in pages/ defines it, and one line in pages.ts lists it.

import type { z } from 'zod'
import type { ArtifactStore } from '../../artifacts/store.ts'
import { checkValue, formatProblem, formatProblems } from '../../core/check-value.ts'
import type { Connector } from '../../core/connector.ts'
import { SyncError } from '../../core/errors.ts'
import type { Db } from '../../db/pool.ts'
import type { Queues } from '../../jobs/queues.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Operations } from '../control/operations.ts'
import type { AssetName } from './assets.ts'
import type { CountReader, HealthReader } from '../../sources/health-reader.ts'
import type { Html } from './html.ts'

export interface DashboardSettings {
  readonly webUrl: string | null
  readonly publicStatus: boolean
}

export interface DashboardServices {
  readonly db: Db
  readonly store: ArtifactStore
  readonly queues: Queues
  /** By their names, for what a source can do. */
  readonly connectors: ReadonlyMap<string, Connector>
  readonly operations: Operations
  readonly settings: DashboardSettings
  readonly nowMs: () => number
  /** Checks an address that a person enters. @throws SyncError `source/address-refused` */
  readonly checkAddress: (address: string) => Promise<unknown>
  /** The health of all sources, about a second old. */
  readonly readHealths: HealthReader
  readonly readProductCounts: CountReader
}

/** The person who looks at a page. */
export interface User {
  /** The name given at the sign-in; empty on a page without a key. */
  readonly name: string
  readonly mayWrite: boolean
  /** Belongs to the session. `actionForm` sends it with every form. */
  readonly csrfToken: string
  /** The path and query of the page, to which an action returns. */
  readonly address: string
}

interface Visit {
  readonly services: DashboardServices
  readonly user: User
  readonly correlationId: string
  readonly log: Log
}

export interface PageInput<Params, Query> extends Visit {
  readonly params: Params
  readonly query: Query
  readonly request: Request
  /** Ends when the person leaves, or after the deadline of a response. */
  readonly signal: AbortSignal
}

export interface ActionInput<Params, Form> extends Visit {
  readonly params: Params
  readonly form: Form
}

export interface RenderedPage {
  readonly title: string
  readonly main: Html
  /** Default 200. */
  readonly status?: 200 | 404 | 503
  /** Scripts and style sheets of this page alone, by their names in assets.ts. */
  readonly assets?: readonly AssetName[]
}

export interface ActionResult {
  /** One sentence about what has happened. */
  readonly notice: string
  /** The path that is shown next. Default: the page whose button it was. */
  readonly to?: string
}

/** The input of a page before its address is checked. */
export interface RawInput extends Visit {
  readonly params: Readonly<Record<string, string>>
  /** The parameters of the address or the fields of the form; a repeated one is a list. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>
  readonly request: Request
  readonly signal: AbortSignal
}

export interface DashboardPage {
  readonly path: string
  /** An address that tests open. */
  readonly example: string
  readonly access: 'key' | 'public'
  readonly isEnabled: (settings: DashboardSettings) => boolean
  /** @throws SyncError `request/unknown-path` · `request/invalid` */
  readonly render: (input: RawInput) => Promise<RenderedPage | Response>
  /** By name: POST `<path>/<name>`. */
  readonly actions: ReadonlyMap<string, (input: RawInput) => Promise<ActionResult>>
}

export interface PageDefinition<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Forms extends Readonly<Record<string, z.ZodType>>,
> {
  /** For example `/runs/:id`. */
  readonly path: `/${string}`
  /** An address that exists in the catalogue of test/support/shelves.ts. Default: the path. */
  readonly example?: string
  /** `public`: without a key. Such a page has no actions. Default: `key`. */
  readonly access?: 'key' | 'public'
  /** Default: always. */
  readonly isEnabled?: (settings: DashboardSettings) => boolean
  /** The parts of the path. A value that does not match is an unknown path. */
  readonly params?: Params
  /** The filters in the address. Every member needs a default. */
  readonly query?: Query
  /** Returns a page, or a response such as a download. */
  render(
    input: PageInput<z.output<Params>, z.output<Query>>,
  ): Promise<RenderedPage | Response> | RenderedPage | Response
  readonly actions?: {
    readonly [Name in keyof Forms]: {
      readonly form: Forms[Name]
      /** An expected error is shown above the page; throw a SyncError. */
      run(
        input: ActionInput<z.output<Params>, z.output<Forms[Name]>>,
      ): Promise<ActionResult> | ActionResult
    }
  }
}

export function definePage<
  Params extends z.ZodType = z.ZodType<Readonly<Record<string, string>>>,
  Query extends z.ZodType = z.ZodType<Readonly<Record<string, never>>>,
  Forms extends Readonly<Record<string, z.ZodType>> = Record<string, z.ZodType>,
>(definition: PageDefinition<Params, Query, Forms>): DashboardPage {
  const { path, example = path, access = 'key', isEnabled = () => true } = definition
  const actions = Object.entries(definition.actions ?? {}).map(
    ([name, { form, run }]: [string, AnyAction<z.output<Params>>]) =>
      [
        name,
        async (input: RawInput) => {
          const { services, user, correlationId, log } = input
          const params = readParams(definition.params, input.params)
          const fields = readForm(form, input.fields)
          return run({ services, user, correlationId, log, params, form: fields })
        },
      ] as const,
  )
  return {
    path,
    example,
    access,
    isEnabled,
    async render(input) {
      const params = readParams(definition.params, input.params)
      const query = readFilters(definition.query, input.fields)
      return definition.render({ ...input, params, query })
    },
    actions: new Map(actions),
  }
}

interface AnyAction<Params> {
  readonly form: z.ZodType
  run(input: ActionInput<Params, unknown>): Promise<ActionResult> | ActionResult
}

function readParams<Params extends z.ZodType>(
  schema: Params | undefined,
  given: RawInput['params'],
): z.output<Params> {
  if (schema === undefined) return given as z.output<Params>
  const { data, problems } = checkValue(schema, given)
  if (problems === null) return data
  throw new SyncError('request/unknown-path', 'No page has this address')
}

/** @throws SyncError `request/invalid`, which names each filter that is wrong */
function readFilters<Query extends z.ZodType>(
  schema: Query | undefined,
  given: RawInput['fields'],
): z.output<Query> {
  if (schema === undefined) return {} as z.output<Query>
  // An empty field of a filter form filters nothing.
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
  const { data, problems } = checkValue(schema, fields)
  if (problems === null) return data
  const named = problems.map(formatProblem).join('; ')
  throw new SyncError('request/invalid', `The filters in the address are not valid: ${named}`)
}

function readForm<Form extends z.ZodType>(schema: Form, given: RawInput['fields']): z.output<Form> {
  const { data, problems } = checkValue(schema, given)
  if (problems === null) return data
  throw new SyncError('request/invalid', `The form is not valid: ${formatProblems(problems)}`)
}
