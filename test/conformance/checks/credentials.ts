// Checks of credentials, the options of `add` and the probe: the connector uses exactly what it
// declares.

import assert from 'node:assert/strict'
import type { Connector } from '../../../src/core/connector.ts'
import {
  isReady,
  isSourceVariable,
  parseCredentials,
  type CredentialValues,
} from '../../../src/core/credentials.ts'
import { SyncError } from '../../../src/core/errors.ts'
import type { Http } from '../../../src/core/http.ts'
import { listSpellings } from '../../../src/lib/secret-spellings.ts'
import { isSecretName } from '../../../src/telemetry/redact.ts'
import { ANY_SOURCE, credentialsOf, valuesOf, type Rig } from '../rig.ts'
import { secretsOf, type Check } from './check.ts'

const FOREIGN = 'https://shelfsync-conformance.example'
/** Not a valid key: a variable either rejects it or reads it as an ordinary value. */
const NONSENSE = ' planted planted\u0007 '

const variablesAreDeclared: Check = {
  name: 'each variable has a description, and one that contains a key is secret and has no default',
  async prove({ subject: { connector } }) {
    for (const [member, variable] of Object.entries(connector.credentials.variables)) {
      const { name, secret, description, default: otherwise, example } = variable
      const shown = name ?? member
      if (name !== null) assert.match(name, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/, `${name} is misnamed`)
      assert.match(member, /^[a-z][a-zA-Z0-9]*$/, `the member ${member} is misnamed`)
      assert.match(description, /^[A-Z].*\.$/, `${shown} is not described in a sentence`)
      assert.notEqual(example, '', `${shown} has no example`)
      if (isSecretName(shown) || /(^|_)KEY(_|$)/.test(shown))
        assert.ok(secret, `${shown} contains a key and is not a secret`)
      if (secret) assert.match(otherwise, /^none/, `the secret ${shown} has a default value`)
    }
  },
}

const valuesAreNotQuoted: Check = {
  name: 'an invalid value is reported by the name of its variable, without the value',
  async prove({ subject: { connector } }) {
    const { credentials } = connector
    for (const [member, { name, secret }] of Object.entries(credentials.variables)) {
      const variable = name ?? (secret ? `SECRET_SOURCE_${member}` : null)
      if (variable === null) continue
      const { problems } = parseCredentials(credentials, { [variable]: NONSENSE }, null)
      for (const problem of problems) {
        assert.match(problem, /^[A-Z0-9_]+: (expected|missing|set)\b/, 'a problem has no message')
        assert.doesNotMatch(problem, /planted/, `${variable} is quoted when it is invalid`)
      }
    }
  },
}

const replayNeedsNoKey: Check = {
  name: 'without credentials, fetch and probe fail before any request, and normalise still works',
  async prove(rig) {
    const { connector } = rig.subject
    const lines = await rig.lines()
    const { credentials } = parseCredentials(connector.credentials, {}, null)
    assert.notEqual(credentials, null, 'the connector does not load without credentials')
    if (isReady(connector, rig.settings(), credentials)) return
    const requested: string[] = []
    const http: Http = (request, signal) => {
      requested.push(request.url)
      return rig.http(request, signal)
    }
    const failures = [
      await failureOf(() => Array.fromAsync(rig.fetch({ credentials, http }))),
      await failureOf(() => probeWith(rig, credentials, http)),
    ]
    assert.deepEqual(requested, [], 'a request was made without credentials')
    for (const failure of failures)
      assert.ok(
        failure instanceof SyncError && failure.code === 'settings/invalid',
        `without credentials it fails with ${String(failure)}`,
      )
    const record = connector.unwrap(JSON.parse(lines[0]?.toString() ?? ''))
    connector.normalise(record, rig.settings())
  },
}

const secretsGoToTheSupplier: Check = {
  name: 'secrets are sent to the address of the source and to no other host',
  async prove(rig) {
    const { connector } = rig.subject
    const values = valuesOf(rig.subject)
    const secrets = secretsOf(connector, values).flatMap(listSpellings)
    const settings = rig.settings()
    const receivers = connector.secretsAddresses?.(settings, credentialsOf(rig.subject))
    const origins = (receivers ?? [connector.address(settings)]).map((url) => new URL(url).origin)
    const http: Http = (request, signal) => {
      const sent = `${request.url}\n${JSON.stringify(request.headers)}\n${request.body}`
      if (secrets.some((secret) => sent.includes(secret)))
        assert.ok(origins.includes(new URL(request.url).origin), 'a secret is sent to another host')
      return rig.http(request, signal)
    }
    await Array.fromAsync(rig.fetch({ http }))
    const shared = Object.values(connector.credentials.variables).some(
      ({ name, secret }) => secret && name !== null,
    )
    if (!shared) return
    const { credentials } = connector
    const fault = credentials.findHostFault(new URL(FOREIGN), credentialsOf(rig.subject))
    assert.notEqual(fault, null, `a secret of all sources may be sent to ${FOREIGN}`)
  },
}

const probeTellsKeysApart: Check = {
  name: 'probe accepts valid credentials with one request, and rejects invalid ones',
  async prove(rig) {
    const { connector } = rig.subject
    const { probe, credentials: schema } = connector
    const hasSecret = Object.values(schema.variables).some(({ secret }) => secret)
    assert.ok(probe !== undefined || !hasSecret, 'a connector with a secret has no probe')
    if (probe === undefined) return
    let requests = 0
    const http: Http = (request, signal) => {
      requests++
      return rig.http(request, signal)
    }
    await probeWith(rig, credentialsOf(rig.subject), http)
    assert.equal(requests, 1, `a probe makes ${requests} requests`)
    if (!hasSecret || connector.usesCredentials?.(rig.settings()) === false) return
    const { credentials: wrong } = parseCredentials(
      schema,
      withWrongSecrets(connector, valuesOf(rig.subject)),
      ANY_SOURCE,
    )
    const failure = await failureOf(() => probeWith(rig, wrong, rig.http))
    assert.ok(
      failure instanceof SyncError && failure.code === 'source/unauthorized',
      `a probe with wrong credentials ends with ${String(failure)}`,
    )
  },
}

async function probeWith(
  { subject, ...rig }: Rig,
  credentials: unknown,
  http: Http,
): Promise<void> {
  const settings = subject.connector.settings.parse(subject.settings(rig.supplier.origin))
  await subject.connector.probe?.({ settings, credentials, http }, new AbortController().signal)
}

function withWrongSecrets({ credentials }: Connector, values: CredentialValues): CredentialValues {
  const secrets = new Set(
    Object.values(credentials.variables).flatMap(({ name, secret }) => (secret ? [name] : [])),
  )
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      secrets.has(name) || isSourceVariable(name) ? `${value}-wrong` : value,
    ]),
  )
}

async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work()
    return null
  } catch (error) {
    return error
  }
}

const optionsAreSettings: Check = {
  name: 'each option of add is a setting, and its environment variable is declared',
  async prove({ subject: { connector, settings }, supplier }) {
    const { options, credentials } = connector
    const names = options.map(({ setting }) => setting)
    assert.equal(new Set(names).size, names.length, 'two options set the same setting')
    const written = Object(settings(supplier.origin)) as Record<string, unknown>
    for (const { setting, value, description, variable } of options) {
      assert.match(setting, /^[a-z][a-zA-Z0-9]*$/, `the option ${setting} is misnamed`)
      assert.ok(value !== '' && description !== '', `the option ${setting} is not described`)
      const { error } = connector.settings.safeParse({ ...written, [setting]: { nonsense: true } })
      const paths = error?.issues.map(({ path }) => path[0]) ?? []
      assert.ok(paths.includes(setting), `the option ${setting} is not a setting`)
      if (variable === undefined) continue
      const declared = credentials.variables[variable]
      assert.ok(declared, `the option ${setting} reads ${variable}, which is not declared`)
      assert.ok(!declared.secret, `the option ${setting} would store the secret ${variable}`)
    }
  },
}

export const credentialChecks: readonly Check[] = [
  variablesAreDeclared,
  valuesAreNotQuoted,
  replayNeedsNoKey,
  secretsGoToTheSupplier,
  probeTellsKeysApart,
  optionsAreSettings,
]
