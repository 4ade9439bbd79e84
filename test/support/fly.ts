// An organisation on a played Fly.io, and deploy.sh as an operator runs it: the real program with a
// fake flyctl in its path. Machines are real processes if requested.

import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './database.ts'
import type { FakeFly, MachineRequest } from './fake-flyctl.ts'
import { cleanEnv, startProcess, type Process } from './processes.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/fly/deploy.sh', import.meta.url))
const FLYCTL = fileURLToPath(new URL('fake-flyctl.ts', import.meta.url))
const SHELFSYNC = fileURLToPath(new URL('../../bin/shelfsync', import.meta.url))
/** Commands that change nothing. */
const READING = /^(apps|ips|secrets) list/

export interface FlyCall {
  readonly words: readonly string[]
  readonly stdin: string
}

export interface Deployed {
  readonly code: number | null
  readonly output: string
  /** The printed commands of flyctl and shelfsync, in order. */
  readonly commands: readonly string[]
}

export interface TestFly {
  /** The folder of `.env` and `.env.staging`. */
  readonly folder: string
  /** The newest machine of each app. */
  readonly machines: ReadonlyMap<string, Process>
  writeEnv(file: string, values: Readonly<Record<string, string>>): Promise<void>
  deploy(...args: readonly string[]): Promise<Deployed>
  state(): Promise<FakeFly>
  change(work: (state: FakeFly) => void): Promise<void>
  /** Lets commands fail whose arguments contain the words; null lets all succeed. */
  failAt(words: string | null): Promise<void>
  /** The calls of flyctl that change something. */
  calls(): Promise<readonly FlyCall[]>
}

export interface FlySetup {
  /** Starts the processes of the apps, with these variables in place of those of Fly.io. */
  readonly machineEnv?: (request: MachineRequest) => Readonly<Record<string, string>>
}

export async function openFly(t: Lifetime, { machineEnv }: FlySetup = {}): Promise<TestFly> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-fly-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = (name: string) => join(folder, name)
  await writeFile(path('flyctl'), `#!/bin/sh\nexec "${process.execPath}" "${FLYCTL}" "$@"\n`)
  await chmod(path('flyctl'), 0o755)
  await writeFile(path('calls.jsonl'), '')
  const empty: FakeFly = { signedIn: true, taken: [], apps: {}, images: [] }
  await writeFile(path('state.json'), JSON.stringify(empty))
  const machines = new Map<string, Process>()
  const platform = machineEnv ? await startPlatform(t, machines, machineEnv) : ''
  const env = cleanEnv()
  const state = async () => JSON.parse(await readFile(path('state.json'), 'utf8')) as FakeFly
  return {
    folder,
    machines,
    state,
    writeEnv: (file, values) =>
      writeFile(
        path(file),
        Object.entries(values)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      ),
    async change(work) {
      const changed = await state()
      work(changed)
      await writeFile(path('state.json'), JSON.stringify(changed))
    },
    failAt: (words) =>
      words === null ? rm(path('fail'), { force: true }) : writeFile(path('fail'), words),
    async calls() {
      const lines = (await readFile(path('calls.jsonl'), 'utf8')).split('\n').filter(Boolean)
      const calls = lines.map((line) => JSON.parse(line) as FlyCall)
      return calls.filter(({ words }) => !READING.test(words.join(' ')))
    },
    async deploy(...args) {
      const started = await startProcess(t, DEPLOY, [...args, '--folder', folder], {
        cwd: folder,
        env: {
          ...env,
          PATH: [folder, env['PATH']].join(delimiter),
          FAKE_FLY: folder,
          FAKE_FLY_PLATFORM: platform,
        },
      })
      const { code } = await started.exited
      const output = started.output()
      const commands = [...output.matchAll(/^ {2}\$ (.*)$/gm)].map(([, command = '']) => command)
      return { code, output, commands }
    },
  }
}

/** Replaces the process of an app on request, and responds when the new one serves. */
async function startPlatform(
  t: Lifetime,
  machines: Map<string, Process>,
  machineEnv: NonNullable<FlySetup['machineEnv']>,
): Promise<string> {
  const start = async (request: MachineRequest): Promise<void> => {
    const before = machines.get(request.app)
    before?.kill('SIGTERM')
    await before?.exited
    const env = cleanEnv({ ...request.env, ...machineEnv(request) })
    const args = [SHELFSYNC, ...request.command.split(' ')]
    const machine = await startProcess(t, process.execPath, args, { env })
    machines.set(request.app, machine)
    await machine.waitForLine(/"message":"serving"/)
  }
  const server = createServer((request, response) => {
    void readText(request)
      .then((text) => start(JSON.parse(text) as MachineRequest))
      .then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
