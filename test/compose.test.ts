// deploy/docker/compose.yml: every container of Shelfsync is without rights, and each service has
// only the settings that its role reads.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { STOP_MS } from '../src/cli/serve.ts'
import { PORTS } from '../src/config/service-settings.ts'
import { SETTING_GROUPS } from '../src/config/settings-schema.ts'
import { ROLES, WORKER_ROLES, type Role } from '../src/core/roles.ts'

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly read_only?: boolean
  readonly tmpfs?: readonly string[]
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
  readonly environment: Readonly<Record<string, string | null>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly disable?: boolean }
}

const text = readFileSync(new URL('../deploy/docker/compose.yml', import.meta.url), 'utf8')
const { services } = parse(text, { merge: true }) as {
  services: Readonly<Record<string, Service>>
}
const own = Object.entries(services).filter(([, { image }]) => image === 'shelfsync')
const settings = new Map([...SETTING_GROUPS.values()].flatMap((group) => [...group]))

/** The role of a service, or null for one that runs another command. */
function findRole({ command = [] }: Service): Role | null {
  const [verb, role, ...others] = command
  if (verb !== 'serve') return null
  assert.deepEqual(others, [])
  return ROLES.find((one) => one === role) ?? assert.fail(role)
}

test('there is a service for each role; the orchestrator keeps the schedules', () => {
  const roles = own.flatMap(([, service]) => findRole(service) ?? [])
  assert.deepEqual(roles.toSorted(), ROLES.filter((role) => role !== 'scheduler').toSorted())
})

for (const [name, service] of own) {
  const role = findRole(service)

  test(`${name} has no rights, and has time to stop`, () => {
    assert.equal(service.read_only, true)
    assert.deepEqual(service.tmpfs, ['/tmp'])
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    const [, seconds = ''] = /^(\d+)s$/.exec(service.stop_grace_period ?? '') ?? []
    assert.ok(1000 * Number(seconds) > STOP_MS)
  })

  test(`${name} has only settings that it reads, and no value of a secret`, () => {
    for (const [variable, value] of Object.entries(service.environment)) {
      const setting = settings.get(variable) ?? assert.fail(variable)
      assert.ok(role === null || setting.readBy.includes(role), variable)
      // A secret is passed on from the caller's environment or from .env.
      if (setting.secret) assert.match(value ?? '${', /\$\{/, variable)
    }
    assert.equal(
      'MEDIPIM_API_KEY_SECRET' in service.environment,
      role === 'fetcher' || name === 'shelfsync',
    )
  })

  test(`${name} has the health check of the image if it is a service, and artifacts if it needs them`, () => {
    assert.equal(service.healthcheck?.disable ?? false, role === null)
    const needs = name === 'shelfsync' || (role !== null && WORKER_ROLES.includes(role))
    assert.deepEqual(service.volumes ?? [], needs ? ['artifacts:/var/lib/shelfsync'] : [])
  })
}

test('every process can send an alert with a link to the dashboard', () => {
  for (const [name, service] of own) {
    const given = ['SLACK_WEBHOOK_URL', 'SENTRY_DSN', 'WEB_URL'].map(
      (variable) => variable in service.environment,
    )
    const isProcess = findRole(service) !== null
    assert.deepEqual(given, [isProcess, isProcess, isProcess], name)
  }
})

test('the ports of the orchestrator and the dashboard are published, and only to the host itself', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? [])
  assert.deepEqual(
    ports,
    [PORTS.orchestrator, PORTS.web].map((port) => `127.0.0.1:${port}:${port}`),
  )
})
