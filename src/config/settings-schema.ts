// Every setting, by heading. `.env.example` and docs/settings.md are generated from this table.
// Connectors declare the settings of their suppliers.

import { z } from 'zod'
import { CONNECTORS } from '../connectors/registry.ts'
import { isSourceVariable, type CredentialVariable } from '../core/credentials.ts'
import type { Role } from '../core/roles.ts'
import { isWebhookVariable } from '../core/webhook-variables.ts'
import { alertSettings } from './alert-settings.ts'
import { artifactSettings } from './artifact-settings.ts'
import { databaseSettings } from './database-settings.ts'
import { imageSettings } from './image-settings.ts'
import { modelSettings } from './model-settings.ts'
import { requestSettings } from './request-settings.ts'
import { serviceSettings } from './service-settings.ts'
import type { Setting, SettingMeta } from './setting.ts'
import { supabaseSettings } from './supabase-settings.ts'

const own = {
  ...databaseSettings,
  ...artifactSettings,
  ...supabaseSettings,
  ...imageSettings,
  ...serviceSettings,
  ...alertSettings,
  ...modelSettings,
  ...requestSettings,
}

/** Only `fetch` and `probe` of a connector receive its credentials. */
const FETCHER: readonly Role[] = ['fetcher']
/** Only the deliverer sends to webhooks. */
const DELIVER: readonly Role[] = ['deliver']

type Schemas = { [Name in keyof typeof own]: (typeof own)[Name]['schema'] }

/** All settings are optional here; `findConflicts` checks their combinations. */
export const Environment = z
  .object(
    Object.fromEntries(
      Object.entries(own).map(([name, { schema }]) => [name, schema]),
    ) as unknown as Schemas,
  )
  .partial()
export type Environment = z.infer<typeof Environment>

export type ListedSetting = SettingMeta & Pick<Setting, 'secret'>

const connectorVariables = [...CONNECTORS.values()].map(({ name, credentials }) => ({
  heading: `Connector ${name}`,
  variables: Object.values(credentials.variables).filter(hasName),
}))

/** Every setting under its heading, in the order of the documentation. */
export const SETTING_GROUPS: ReadonlyMap<string, ReadonlyMap<string, ListedSetting>> = new Map([
  ['Database', new Map(Object.entries<ListedSetting>(databaseSettings))],
  ['Artifacts', new Map(Object.entries<ListedSetting>(artifactSettings))],
  ['Supabase', new Map(Object.entries<ListedSetting>(supabaseSettings))],
  ['Images', new Map(Object.entries<ListedSetting>(imageSettings))],
  ...connectorVariables
    .filter(({ variables }) => variables.length > 0)
    .map(
      ({ heading, variables }) =>
        [
          heading,
          new Map(variables.map((variable) => [variable.name, { ...variable, readBy: FETCHER }])),
        ] as const,
    ),
  ['Services', new Map(Object.entries<ListedSetting>(serviceSettings))],
  ['Alerts', new Map(Object.entries<ListedSetting>(alertSettings))],
  ['Language model', new Map(Object.entries<ListedSetting>(modelSettings))],
  ['Requests and log', new Map(Object.entries<ListedSetting>(requestSettings))],
])

const SETTINGS = new Map([...SETTING_GROUPS.values()].flatMap((group) => [...group]))
export const SETTING_NAMES: readonly string[] = [...SETTINGS.keys()]
/** Names of the settings that connectors declare. */
export const CONNECTOR_SETTING_NAMES: readonly string[] = connectorVariables.flatMap(
  ({ variables }) => variables.map(({ name }) => name),
)

/** Returns the roles that use a setting, or the secret of one source or webhook; none for other names. */
export function findReaders(name: string): readonly Role[] {
  if (isWebhookVariable(name)) return DELIVER
  return SETTINGS.get(name)?.readBy ?? (isSourceVariable(name) ? FETCHER : [])
}

export function isSecret(name: string): boolean {
  return SETTINGS.get(name)?.secret === true
}

function hasName(variable: CredentialVariable): variable is CredentialVariable & { name: string } {
  return variable.name !== null
}
