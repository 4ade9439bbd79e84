// An edge function in a real Deno process with the least permissions: the network of this machine
// and its environment, no file and no program. The versions are the one of the hosted runtime and
// the current one.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CREDENTIAL_VARIABLES } from '../support/amazon.ts'
import type { TestDataApi } from '../support/data-api.ts'
import { startProcess, type Process } from '../support/processes.ts'

export type FunctionName = 'import-product' | 'refresh-worker' | 'health-check'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const CRON_TOKEN = 'only-for-tests-0123456789abcdef0123'

/**
 * The program of each version, from npm: `deno` is the current one, `deno-hosted` the hosted one.
 */
export const DENOS = ['deno-hosted', 'deno'] as const
export type Deno = (typeof DENOS)[number]

/**
 * Returns the reason why tests with a version are skipped, or false: npm may lack it for a
 * platform.
 */
export function explainMissingDeno(name: Deno): string | false {
  try {
    findDeno(name)
    return false
  } catch {
    return `${name} is not installed for ${process.platform} ${process.arch}`
  }
}

/** The package of the platform has the program itself; the package `deno` only starts it. */
export function findDeno(name: Deno): string {
  const require = createRequire(join(ROOT, 'node_modules', name, 'package.json'))
  const libc = process.platform === 'linux' ? '-glibc' : ''
  const { platform, arch } = process
  const folder = require.resolve(`@deno/${platform}-${arch}${libc}/package.json`)
  return join(folder, '..', platform === 'win32' ? 'deno.exe' : 'deno')
}

/**
 * Imported before a function, which then listens on a free port of this machine and prints it. On
 * the platform, the port is chosen outside the function.
 */
const SERVE_LOCALLY = `
const { serve } = Deno
const onListen = ({ port }) => console.log('listening on port ' + port)
const value = (handler) => serve({ hostname: '127.0.0.1', port: 0, onListen }, handler)
Object.defineProperty(Deno, 'serve', { value })
`

export interface StartedFunction {
  readonly process: Process
  readonly url: string
  call(request?: CallRequest): Promise<FunctionResponse>
}

export interface CallRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface FunctionResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

export interface FunctionOptions {
  readonly deno: Deno
  readonly api: Pick<TestDataApi, 'url' | 'keys'>
  readonly env?: Readonly<Record<string, string>>
  /** The folder of the functions. Default: that of the project. */
  readonly folder?: string
}

/** The environment of a function on the platform, with the credential of the simulator. */
export function functionEnv(api: FunctionOptions['api']): Record<string, string> {
  return {
    SUPABASE_URL: api.url,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: api.keys.secret }),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: api.keys.publishable }),
    CRON_TOKEN,
    ALLOW_PRIVATE_HOSTS: '127.0.0.1',
    ...CREDENTIAL_VARIABLES,
    AMAZON_PARTNER_TAG: 'simulated-20',
  }
}

/**
 * Environment of a Deno process: what it compiles is kept between tests, and it looks for no
 * update.
 */
export function denoEnv(name: Deno): Record<string, string> {
  return {
    DENO_DIR: join(ROOT, 'node_modules/.cache', `shelfsync-${name}`),
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
  }
}

export async function startFunction(
  t: TestContext,
  name: FunctionName,
  { deno, api, env = {}, folder = join(ROOT, 'supabase/functions') }: FunctionOptions,
): Promise<StartedFunction> {
  const temporary = await mkdtemp(join(tmpdir(), 'shelfsync-function-'))
  t.after(() => rm(temporary, { recursive: true, force: true }))
  const [main, local] = [join(temporary, 'main.js'), join(temporary, 'serve-locally.js')]
  await writeFile(local, SERVE_LOCALLY)
  const files = [local, join(folder, name, 'index.ts')]
  await writeFile(main, files.map((file) => `import '${pathToFileURL(file).href}'\n`).join(''))
  const process = await startProcess(
    t,
    findDeno(deno),
    [
      'run',
      '--no-remote',
      '--no-prompt',
      '--allow-net=127.0.0.1',
      '--allow-env',
      '--config',
      join(ROOT, 'deno.json'),
      main,
    ],
    { env: { ...denoEnv(deno), ...functionEnv(api), ...env } },
  )
  const [, port] = await process.waitForLine(/listening on port (\d+)/)
  const url = `http://127.0.0.1:${port}/${name}`
  const key = { apikey: api.keys.secret }
  const call = async ({ method = 'POST', headers = key, body }: CallRequest = {}) => {
    const response = await fetch(url, {
      method,
      headers: { ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: JSON.parse(text) }
  }
  return { process, url, call }
}

/** The log lines of a function so far. */
export function readLog({ process }: StartedFunction): Readonly<Record<string, unknown>>[] {
  return process
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
