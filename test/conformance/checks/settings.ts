// Settings are stored with the source and shown to people, so they survive JSON, are validated, and
// contain no secret.

import assert from 'node:assert/strict'
import { Policy } from '../../../src/core/policy.ts'
import { isSecretName } from '../../../src/telemetry/redact.ts'
import { valuesOf, type Rig } from '../rig.ts'
import { secretsOf, type Check } from './check.ts'

const settingsReadBack: Check = {
  name: 'settings survive storage as JSON, and an invalid one is reported by its name',
  async prove({ subject: { connector, settings }, supplier }) {
    const { settings: schema, policy = {} } = connector
    const stored = Policy.parse(JSON.parse(JSON.stringify(policy)))
    assert.deepEqual({ ...stored, ...policy }, stored, 'the policy does not survive JSON')
    const written = settings(supplier.origin)
    const read = schema.parse(written)
    assert.deepEqual(JSON.parse(JSON.stringify(read)), read, 'the settings do not survive JSON')
    assert.deepEqual(
      schema.parse(JSON.parse(JSON.stringify(read))),
      read,
      'settings that were read once are read differently the second time',
    )
    for (const nonsense of [null, 7, 'nonsense', []]) {
      assert.ok(
        !schema.safeParse(nonsense).success,
        `${JSON.stringify(nonsense)} is accepted as settings`,
      )
    }
    const { error } = schema.safeParse({ ...membersOf(written), shelfsyncConformance: 1 })
    assert.ok(error, 'an unknown member is not rejected')
    for (const name of Object.keys(membersOf(read))) {
      const problem = schema.safeParse({ ...membersOf(written), [name]: { nonsense: true } })
      assert.ok(problem.error, `an invalid value of ${name} is not rejected`)
      assert.equal(
        problem.error.issues[0]?.path[0],
        name,
        `the problem in ${name} does not name its place`,
      )
    }
  },
}

const settingsWithoutSecrets: Check = {
  name: 'settings cannot contain a secret',
  async prove({ subject, supplier }: Rig) {
    const { settings: schema } = subject.connector
    const written = membersOf(subject.settings(supplier.origin))
    const read = membersOf(schema.parse(written))
    for (const [name, value] of Object.entries(read)) {
      assert.ok(!isSecretName(name), `the setting ${name} is intended for a secret`)
      for (const secret of secretsOf(subject.connector, valuesOf(subject)))
        assert.ok(
          !JSON.stringify(value).includes(secret),
          `the setting ${name} contains the secret`,
        )
      const url = typeof value === 'string' ? URL.parse(value) : null
      if (url?.host !== undefined && url.host !== '') {
        url.username = 'user'
        url.password = 'password'
        assert.ok(
          !schema.safeParse({ ...written, [name]: url.href }).success,
          `${name} takes an address with a password in it`,
        )
      }
    }
  },
}

function membersOf(settings: unknown): Record<string, unknown> {
  assert.ok(typeof settings === 'object' && settings !== null, 'the settings are not an object')
  return { ...settings }
}

export const settingsChecks: readonly Check[] = [settingsReadBack, settingsWithoutSecrets]
