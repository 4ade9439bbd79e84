// The files of deploy/fly against the reference of fly.toml, and against our settings, roles, ports
// and routes.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { STOP_MS } from '../src/cli/serve.ts'
import { PORTS } from '../src/config/service-settings.ts'
import { isSecret, SETTING_GROUPS } from '../src/config/settings-schema.ts'
import { loadSettings } from '../src/config/settings.ts'
import { ALL_ROLES, ROLES, WORKER_ROLES, type Role } from '../src/core/roles.ts'
import { SERVERS, type Route } from '../src/http/control/routes.ts'
import { parseFlyConfig, type FlyConfig } from './support/fly-config.ts'
import { readPage } from './support/pages.ts'

const FOLDER = fileURLToPath(new URL('../deploy/fly/', import.meta.url))
const TEXTS = new Map(
  globSync('*.toml', { cwd: FOLDER })
    .toSorted()
    .map((file) => [basename(file, '.toml'), readFileSync(join(FOLDER, file), 'utf8')]),
)
const CONFIGS = new Map(Array.from(TEXTS, ([name, text]) => [name, parseFlyConfig(text)]))
/** The apps that run `serve` from their file. */
const SERVICES = [...CONFIGS].filter(([name]) => name !== 'once')
const SETTINGS = new Map([...SETTING_GROUPS.values()].flatMap((group) => [...group]))
/** The routes of each port. */
const ROUTES = new Map<number, Readonly<Record<string, Route>>>(
  Object.values(SERVERS).map(({ port, routes }) => [port, routes]),
)
/** Some roles have only the server for metrics. */
const PORTS_BY_ROLE: Readonly<Record<string, number | undefined>> = PORTS
/** The sizes of the earlier documentation: no machine may be larger. */
const MEMORY_MAX_MB: Readonly<Record<string, number>> = {
  fetcher: 512,
  maintainer: 2048,
  orchestrator: 512,
  web: 512,
  scheduler: 512,
  images: 512,
  deliver: 256,
  small: 2048,
}

/** Returns the roles of the command, which are all when it names none. */
function listRoles({ processes = {} }: FlyConfig): readonly Role[] {
  const [command = '', ...others] = Object.values(processes)
  assert.deepEqual(others, [])
  const [serve, ...words] = command.split(' ')
  assert.equal(serve, 'serve')
  const roles = words.map((word) => {
    const role = ROLES.find((one) => one === word)
    assert.ok(role, word)
    return role
  })
  return roles.length === 0 ? ALL_ROLES : roles
}

test('there is a file for each role, one for all of them and one for a scheduled machine', () => {
  assert.deepEqual([...CONFIGS.keys()], [...ROLES, 'once', 'small'].toSorted())
  for (const [name, { app, primary_region: region }] of CONFIGS) {
    assert.equal(app, `medipim-${name === 'small' ? 'sync' : name}`)
    assert.equal(region, 'syd')
  }
  for (const role of ROLES) {
    const config = CONFIGS.get(role)
    assert.deepEqual(config && listRoles(config), [role])
  }
})

test('a mistake in a file is found', () => {
  const text = TEXTS.get('fetcher') ?? ''
  for (const [right, wrong] of [
    ['kill_timeout = 30', 'kill_timeout = "30 seconds"'],
    ['kill_signal', 'stop_signal'],
    ['auto_stop_machines = "off"', 'auto_stop_machines = false'],
    ['[http_service]', '[http_services]'],
    ['path = "/healthz"', 'url = "/healthz"'],
    ['policy = "on-failure"', 'policy = "on-fail"'],
    ['memory = "', 'ram = "'],
    ['LISTEN_HOST = "0.0.0.0"', 'FLY_LISTEN_HOST = "0.0.0.0"'],
    ['TRUST_FLY_HEADER = "true"', 'TRUST_FLY_HEADER = true'],
  ] as const) {
    assert.ok(text.includes(right), right)
    assert.throws(() => parseFlyConfig(text.replace(right, wrong)), wrong)
  }
})

for (const [name, config] of SERVICES) {
  const roles = listRoles(config)
  const { env = {}, http_service: service, metrics, checks = {} } = config

  test(`${name}.toml: each variable is a valid setting of its role and no secret`, () => {
    for (const variable of Object.keys(env)) {
      const setting = SETTINGS.get(variable)
      assert.ok(setting, variable)
      assert.equal(isSecret(variable), false, variable)
      assert.ok(
        roles.some((role) => setting.readBy.includes(role)),
        `${variable} is not read by ${roles.join(', ')}`,
      )
    }
    const { http, exitWhenIdleMs } = loadSettings(env)
    assert.deepEqual(http.ports, PORTS)
    // A machine that exits when it is idle is a choice, and not the default.
    assert.equal(exitWhenIdleMs, null)
  })

  test(`${name}.toml: the ports and paths exist, and need no key`, () => {
    assert.deepEqual(metrics, { port: PORTS.metrics, path: '/metrics' })
    assert.notEqual(loadSettings(env).http.metricsHost, loadSettings({}).http.metricsHost)
    const own = roles.includes('orchestrator') ? 'orchestrator' : roles[0]
    if (service) assert.equal(service.internal_port, own && PORTS_BY_ROLE[own])
    const requests = [
      { port: metrics.port, path: metrics.path },
      ...(service?.checks ?? []).map(({ path }) => ({ port: service?.internal_port ?? 0, path })),
      ...Object.values(checks),
    ]
    assert.ok(requests.length > 1, 'no health check')
    for (const { port, path } of requests)
      assert.equal(ROUTES.get(port)?.[`GET ${path}`]?.needsKey, false, `${port} ${path}`)
  })

  test(`${name}.toml: a machine has the time to stop, and is neither stopped nor started wrongly`, () => {
    assert.equal(config.kill_signal, 'SIGTERM')
    assert.ok((config.kill_timeout ?? 0) * 1000 >= STOP_MS + 5_000)
    assert.equal(service?.auto_stop_machines ?? 'off', 'off')
    assert.equal(service?.auto_start_machines ?? true, true)
    const keepsSchedules = !roles.every((role) => WORKER_ROLES.includes(role))
    assert.deepEqual(config.restart, [{ policy: keepsSchedules ? 'always' : 'on-failure' }])
  })

  test(`${name}.toml: only the orchestrator and the web server are public, and the comment has the command for that`, () => {
    const isPublic = roles.includes('orchestrator') || roles.includes('web')
    assert.equal(service?.force_https ?? false, isPublic)
    const [, command = ''] = /^# {3}(fly deploy .*)$/m.exec(TEXTS.get(name) ?? '') ?? []
    assert.equal(
      command,
      `fly deploy . --config deploy/fly/${name}.toml --ha=false${isPublic ? '' : ' --no-public-ips'}`,
    )
    // The header is only trustworthy if nothing goes around Fly's proxy, which uses IPv4.
    if (service)
      assert.deepEqual([env['LISTEN_HOST'], env['TRUST_FLY_HEADER']], ['0.0.0.0', 'true'])
  })

  test(`${name}.toml: the machine is not larger than the earlier documentation had it`, () => {
    const [{ size, memory } = { size: '', memory: '' }, ...others] = config.vm ?? []
    assert.deepEqual(others, [])
    assert.match(size, name === 'maintainer' ? /^shared-cpu-[12]x$/ : /^shared-cpu-1x$/)
    const mb = parseInt(memory) * (memory.endsWith('gb') ? 1024 : 1)
    assert.ok(mb <= (MEMORY_MAX_MB[name] ?? 0), memory)
  })
}

test('the workers are started at the addresses that their apps have over Flycast', () => {
  for (const name of ['orchestrator', 'scheduler']) {
    const { wakeUrls } = loadSettings(CONFIGS.get(name)?.env ?? {}).queue
    const workers = { fetch: CONFIGS.get('fetcher'), apply: CONFIGS.get('maintainer') }
    for (const queue of ['fetch', 'apply'] as const)
      assert.equal(wakeUrls[queue], `http://${workers[queue]?.app}.flycast`)
  }
})

/** Dollars of October 2026; https://fly.io/docs/about/pricing/ computes its tables from these. */
const PRICES = { cpuSecond: 0.0000008465, gigabyteSecond: 0.000002316, inSydney: 1.269230769 }
const MONTH_SECONDS = 30 * 86_400

/** Returns the price of a second of the app's machine. A shared CPU includes 256 MB. */
function priceSecond(name: string): number {
  const { size = '', memory = '' } = CONFIGS.get(name)?.vm?.[0] ?? {}
  const cpus = Number(/^shared-cpu-(\d)x$/.exec(size)?.[1])
  const gigabytes = parseInt(memory) / (memory.endsWith('gb') ? 1 : 1024)
  const { cpuSecond, gigabyteSecond, inSydney } = PRICES
  return (cpus * cpuSecond + (gigabytes - cpus * 0.25) * gigabyteSecond) * inSydney
}

test('the cost table is the arithmetic of the prices and of the sizes in the files', () => {
  const { text } = readPage('docs/deploy/fly.md')
  const round = (dollars: number): number => Math.round(dollars * 100) / 100
  const [orchestrator = 0, fetcher = 0, maintainer = 0] = [
    'orchestrator',
    'fetcher',
    'maintainer',
  ].map((name) => priceSecond(name))
  const always = [orchestrator, fetcher, maintainer].map((price) => round(price * MONTH_SECONDS))
  const total = always.reduce((sum, price) => sum + price, 0)
  assert.ok(text.includes(`(maintainer) = ${total.toFixed(2)}`), total.toFixed(2))
  const rows: [begin: string, cost: (hours: number, syncs: number) => number][] = [
    ['| fetcher:', (hours) => hours * 3600 * fetcher],
    ['| maintainer:', (hours) => hours * 3600 * maintainer],
    ['| disks of both:', (hours) => (2 * 0.25 * 0.15 * (720 - hours)) / 720],
    ['| orchestrator |', () => orchestrator * MONTH_SECONDS],
    ['| data, if', (_, syncs) => syncs * 30 * 0.15 * 0.04],
  ]
  const costs = [1, 4, 24].map((syncs) =>
    rows.map(([, cost]) => round(cost(syncs * 30 * 0.25, syncs))),
  )
  const assertRow = (begin: string, values: readonly number[]): void => {
    const line = text.split('\n').find((one) => one.startsWith(begin)) ?? ''
    const cells = values.map((value) => value.toFixed(2)).join(' | ')
    assert.ok(line.replaceAll('**', '').endsWith(`| ${cells} |`), `${begin} ${cells}: ${line}`)
  }
  rows.forEach(([begin], row) =>
    assertRow(
      begin,
      costs.map((column) => column[row] ?? Number.NaN),
    ),
  )
  const stopping = costs.map((column) => column.slice(0, 4).reduce((sum, cost) => sum + cost, 0))
  assertRow('| **workers that stop', stopping)
  assertRow('| **machines that always', [total, total, total])
  for (const name of ['orchestrator', 'fetcher', 'maintainer']) {
    const price = priceSecond(name)
    const cells = `| ${price.toFixed(10)} | ${(price * MONTH_SECONDS).toFixed(2)} |`
    assert.ok(text.includes(cells), cells)
  }
})

test('each section of the page creates the login that it uses', () => {
  const [steps = '', ...others] = readPage('docs/deploy/fly.md').text.split(/^(?=## (?:[^1-6]))/m)
  const sections = [steps, ...others].filter((one) => one.includes('SERVICES_DATABASE_URL'))
  assert.ok(sections.length > 0)
  for (const section of sections) assert.match(section, /^shelfsync logins services$/m)
})
