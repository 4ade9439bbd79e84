// The container image, built from the Dockerfile by Podman. Its base image cannot be downloaded
// everywhere, so a replacement with the same name is made from Debian's packages, the Node of
// `npm ci` and this machine's npm. Nothing outside a temporary folder changes.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './database.ts'
import { CERTIFICATES, createDebian, NPM_SETTINGS, runProgram } from './debian.ts'
import {
  explainMissingContainers,
  explainMissingProgram,
  findProgram,
  startProcess,
  type Process,
} from './processes.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NAME = 'shelfsync'

/** As a careful operator runs it: no rights, and no writable folder except /tmp. */
const HARDENED = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--tmpfs=/tmp',
  '--cap-drop=all',
  '--security-opt=no-new-privileges',
  // Podman's defaults exceed the limits of some machines.
  '--ulimit=nofile=1024:1024',
  '--ulimit=nproc=1024:1024',
  // A timer of systemd would run the health check; the tests run it themselves.
  '--no-healthcheck',
]

export interface ImageConfig {
  readonly Config: {
    readonly Entrypoint: readonly string[]
    readonly Cmd: readonly string[]
    readonly User: string
    readonly Env: readonly string[]
    readonly Labels: Readonly<Record<string, string>>
  }
  readonly Healthcheck: { readonly Test: readonly string[] }
}

export interface Layer {
  /** The folder that the instruction filled, or `/` for the base. */
  readonly folder: string
  readonly bytes: number
}

export interface Image {
  readonly config: ImageConfig
  /** The layers that contain files, the base first. */
  readonly layers: readonly Layer[]
  /** Runs a command of Shelfsync to its end. Rejects with its output when it fails. */
  run(args: readonly string[], options?: RunOptions): Promise<string>
  /** Starts a container; the result is the process that prints its output. */
  start(name: string, args: readonly string[], options?: RunOptions): Promise<Process>
  /** Runs the podman command, such as `exec` or `stop`. */
  podman(...args: readonly string[]): Promise<string>
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Further options of `podman run`. */
  readonly flags?: readonly string[]
}

/** The reason why this machine cannot build the image, or false. */
export function explainMissingBuilder(): string | false {
  return (
    explainMissingContainers() ||
    explainMissingProgram('podman', 'podman') ||
    explainMissingProgram('runc', 'runc') ||
    explainMissingProgram('mmdebstrap', 'mmdebstrap')
  )
}

/** Builds the image from the files of the repository. Needs the registries of Debian and npm. */
export async function buildImage(t: Lifetime): Promise<Image> {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-image-'))
  const store = ['root', 'runroot', 'tmpdir'].map((name) => `--${name}=${join(folder, name)}`)
  const global = [...store, '--runtime=runc', '--cgroup-manager=cgroupfs']
  const podman = (...args: readonly string[]): Promise<string> =>
    runProgram('podman', [...global, ...args])
  t.after(async () => {
    await podman('rm', '--all', '--force', '--volumes')
    // The monitor of a container ends a moment after it, and writes until then.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  })
  await importBase(folder, podman)
  await writeFile(join(folder, 'npmrc'), NPM_SETTINGS.text)
  await podman(
    'build',
    '--isolation=chroot',
    '--network=host',
    '--format=docker',
    '--pull=never',
    // The certificates of this machine, for a registry behind a proxy.
    `--volume=${dirname(CERTIFICATES)}:${dirname(CERTIFICATES)}:ro`,
    `--volume=${join(folder, 'npmrc')}:/${NPM_SETTINGS.path}:ro`,
    `--tag=${NAME}`,
    ROOT,
  )
  const toArgs = (args: readonly string[], { env = {}, flags = [] }: RunOptions): string[] => [
    ...HARDENED,
    '--network=host',
    ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    ...flags,
    NAME,
    ...args,
  ]
  return {
    config: await loadConfig(podman),
    layers: await listLayers(podman),
    run: (args, options = {}) => podman('run', '--rm', ...toArgs(args, options)),
    start: (name, args, options = {}) =>
      startProcess(t, findProgram('podman', 'podman'), [
        ...global,
        'run',
        `--name=${name}`,
        ...toArgs(args, options),
      ]),
    podman,
  }
}

type Podman = (...args: readonly string[]) => Promise<string>

/** Makes the image that the Dockerfile names: Debian, Node, npm and the user `node`. */
async function importBase(folder: string, podman: Podman): Promise<void> {
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
  const [, reference = '', release = ''] = /^FROM (node:24-(\w+)-slim)/m.exec(dockerfile) ?? []
  const base = join(folder, 'base')
  await createDebian(base, release)
  const account = ['--uid', '1000', '--gid', 'node', '--create-home', 'node']
  await runProgram('chroot', [base, 'groupadd', '--gid', '1000', 'node'])
  await runProgram('chroot', [base, 'useradd', ...account])
  await runProgram('tar', ['-cf', `${base}.tar`, '-C', base, '.'])
  await rm(base, { recursive: true })
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  await podman('import', `--change=ENV ${path}`, `${base}.tar`, `docker.io/library/${reference}`)
  await rm(`${base}.tar`)
}

async function loadConfig(podman: Podman): Promise<ImageConfig> {
  const [found] = JSON.parse(await podman('image', 'inspect', NAME)) as ImageConfig[]
  if (!found) throw new Error(`the image ${NAME} does not exist`)
  return found
}

async function listLayers(podman: Podman): Promise<Layer[]> {
  const history = JSON.parse(await podman('history', '--format=json', NAME)) as {
    CreatedBy: string
    size: number
  }[]
  return history
    .map(({ CreatedBy, size }) => ({
      folder: /(?<= in | --group=node )\S+/.exec(CreatedBy)?.[0] ?? CreatedBy,
      bytes: size,
    }))
    .filter(({ bytes }) => bytes > 0)
    .toReversed()
}
