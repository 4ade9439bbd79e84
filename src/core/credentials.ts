// The environment variables of a connector. A connector declares them and never reads the
// environment: composition parses the values and passes them to `fetch` and `probe`.

import { z } from 'zod'

/** Values of environment variables, by name. */
export type CredentialValues = Readonly<Record<string, string | undefined>>

export interface CredentialVariable {
  /** The variable that all sources of the connector share; null when each source needs its own. */
  readonly name: string | null
  /** A secret is hidden from logs, and a source may have its own: see `sourceVariable`. */
  readonly secret: boolean
  /** One sentence for `.env.example` and docs/settings.md. */
  readonly description: string
  /**
   * The default value, or text that describes the behaviour without a value. A secret has no
   * default value.
   */
  readonly default: string
  readonly example: string
  /** True if `init` prompts for it besides the secrets. Without a value, the default applies. */
  readonly isPrompted?: boolean
  /** True if another variable has replaced it. It is not prompted for, and never reported as missing. */
  readonly isRetired?: boolean
}

export interface CredentialSchema<Credentials> {
  /** Keyed by the members of the object that `schema` parses. */
  readonly variables: Readonly<Record<string, CredentialVariable>>
  /**
   * Parses an object of strings that has a member for each variable with a value. An empty object
   * is valid. The path of an issue is the member, and its message begins with `expected`, `missing`
   * or `set`; it never quotes the value.
   */
  readonly schema: z.ZodType<Credentials>
  /** Whether `fetch` and `probe` can use these credentials. */
  isComplete(credentials: Credentials): boolean
  /** Instruction to complete them, such as `set SHOP_TOKEN`. */
  readonly hint: string
  /** Lists other forms in which the secrets are sent, such as `id:secret`, for the redactor. */
  spellings(credentials: Credentials): readonly string[]
  /**
   * Returns the reason why the secrets must not be sent to `address`, or null when they may be
   * sent. It is not called for this machine and hosts in ALLOW_PRIVATE_HOSTS, which are always
   * allowed.
   */
  findHostFault(address: URL, credentials: Credentials): string | null
}

/** The schema of a connector that needs no credentials. */
export const NO_CREDENTIALS: CredentialSchema<object> = {
  variables: {},
  schema: z.strictObject({}),
  isComplete: () => true,
  hint: '',
  spellings: () => [],
  findHostFault: () => null,
}

/**
 * Returns the variable of a secret of one source: `SECRET_MY_SHOP_API_KEY` for `apiKey` of
 * `my-shop`.
 */
export function sourceVariable(source: string, member: string): string {
  return `SECRET_${source.replaceAll('-', '_').toUpperCase()}_${toUpperSnake(member)}`
}

/** Returns true if `name` has the form of a variable that `sourceVariable` returns. */
export function isSourceVariable(name: string): boolean {
  return /^SECRET_[A-Z0-9]+(_[A-Z0-9]+)+$/.test(name)
}

/** A connector as far as its credentials are concerned. */
export interface CredentialUser {
  readonly credentials: CredentialSchema<unknown>
  usesCredentials?(settings: unknown): boolean
}

/** Returns true if `fetch` and `probe` can work with these settings and credentials. */
export function isReady(
  connector: CredentialUser,
  settings: unknown,
  credentials: unknown,
): boolean {
  const isUsed = connector.usesCredentials?.(settings) ?? true
  return !isUsed || connector.credentials.isComplete(credentials)
}

/** Returns true if `fetch` and `probe` can work without any credentials. */
export function isOptional({ credentials: { schema, isComplete } }: CredentialUser): boolean {
  return isComplete(schema.parse({}))
}

/** The variable that a member of the credentials is read from. */
export interface ReadVariable {
  readonly member: string
  readonly secret: boolean
  readonly isRetired: boolean
  readonly name: string | null
  /** The variables that can provide it, in order of precedence. */
  readonly names: readonly string[]
}

/**
 * Chooses the variable of each member. A source with a separate secret uses no shared secret, so
 * that parts of two keys are never combined.
 */
export function chooseVariables(
  { variables }: Pick<CredentialSchema<unknown>, 'variables'>,
  values: CredentialValues,
  source: string | null,
): ReadVariable[] {
  const rows = Object.entries(variables).map(([member, variable]) => {
    const { name: shared, secret, isRetired = false } = variable
    const own = secret && !isRetired && source !== null ? sourceVariable(source, member) : null
    return { member, secret, isRetired, own, shared }
  })
  const hasOwn = rows.some(({ own }) => own !== null && values[own] !== undefined)
  return rows.map(({ member, secret, own, shared, isRetired }) => {
    const names = [own, secret && hasOwn ? null : shared].filter((name) => name !== null)
    const name = names.find((one) => values[one] !== undefined) ?? null
    return { member, secret, isRetired, names, name }
  })
}

export interface ParsedCredentials<Credentials> {
  /** Null when there are problems. */
  readonly credentials: Credentials | null
  /** One line each, `NAME: expected …`; never a value. */
  readonly problems: readonly string[]
}

/**
 * Reads the credentials of `source`, or the shared ones when it is null. Reports problems instead
 * of throwing.
 */
export function parseCredentials<Credentials>(
  schema: CredentialSchema<Credentials>,
  values: CredentialValues,
  source: string | null,
): ParsedCredentials<Credentials> {
  const chosen = chooseVariables(schema, values, source)
  const given = chosen.flatMap(({ member, name }) =>
    name === null ? [] : [[member, values[name]] as const],
  )
  const { data, error } = schema.schema.safeParse(Object.fromEntries(given))
  if (error === undefined) return { credentials: data, problems: [] }
  const problems = error.issues.map(({ path: [member], message }) => {
    const variable = chosen.find((one) => one.member === member)
    return `${variable?.name ?? variable?.names[0] ?? String(member)}: ${message}`
  })
  return { credentials: null, problems }
}

/** Lists every secret of all sources, in every form in which it is sent, for the redactor. */
export function listSecrets(
  schemas: Iterable<CredentialSchema<unknown>>,
  values: CredentialValues,
): string[] {
  const secrets = Object.entries(values)
    .filter(([name]) => isSourceVariable(name))
    .map(([, value]) => value)
  for (const schema of schemas) {
    for (const source of [null, ...listSources(schema, values)]) {
      const chosen = chooseVariables(schema, values, source)
      secrets.push(
        ...chosen.map(({ name, secret }) => (secret && name !== null ? values[name] : undefined)),
      )
      const { credentials } = parseCredentials(schema, values, source)
      if (credentials !== null) secrets.push(...schema.spellings(credentials))
    }
  }
  return [...new Set(secrets.filter((secret) => secret !== undefined && secret !== ''))] as string[]
}

/**
 * Lists the sources named by `SECRET_<SOURCE>_<MEMBER>` variables, in upper case as written there.
 */
function listSources(
  { variables }: CredentialSchema<unknown>,
  values: CredentialValues,
): Set<string> {
  const sources = new Set<string>()
  for (const name of Object.keys(values)) {
    for (const member of Object.keys(variables)) {
      const end = `_${toUpperSnake(member)}`
      if (isSourceVariable(name) && name.endsWith(end))
        sources.add(name.slice('SECRET_'.length, -end.length))
    }
  }
  return sources
}

/** `apiKey` becomes `API_KEY`. */
function toUpperSnake(member: string): string {
  return member.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
}
