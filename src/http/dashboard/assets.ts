// The style sheets and scripts of the pages. Their addresses contain a hash of their bytes, so that
// a browser keeps them for good; each is compressed once.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Context } from 'hono'
import { SyncError } from '../../core/errors.ts'

const TYPES = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const

/** The build copies these files of npm packages of 20 MB into `assets`, and the packages are not installed. */
export const PACKAGE_FILES = {
  'pico.css': '@picocss/pico/css/pico.min.css',
  'htmx.js': 'htmx.org/dist/htmx.min.js',
} as const

const IS_COMPILED = import.meta.url.endsWith('.js')
const pathOf = (name: keyof typeof PACKAGE_FILES): string =>
  IS_COMPILED ? `./assets/${name}` : PACKAGE_FILES[name]

const FILES = {
  'pico.css': pathOf('pico.css'),
  'dashboard.css': './assets/dashboard.css',
  'parts.css': './assets/parts.css',
  'runs.css': './assets/runs.css',
  'source.css': './assets/source.css',
  'reviews.css': './assets/reviews.css',
  'api.css': './assets/api.css',
  'htmx.js': pathOf('htmx.js'),
  'dashboard.js': './assets/dashboard.js',
  'live.js': './assets/live.js',
  'reviews.js': './assets/reviews.js',
  'api.js': './assets/api.js',
  'icon.svg': './assets/icon.svg',
} as const
export type AssetName = keyof typeof FILES

const FOREVER = 'public, max-age=31536000, immutable'
const HASH_CHARS = 12

type Encoding = 'br' | 'gzip' | 'identity'

interface Asset {
  readonly hash: string
  readonly type: string
  readonly encoded: (encoding: Encoding) => Promise<Uint8Array<ArrayBuffer>>
}

const require = createRequire(import.meta.url)
const compress = {
  br: (bytes: Uint8Array) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (bytes: Uint8Array) => promisify(gzip)(bytes),
}

export interface Assets {
  /** The address of a file, with its hash. */
  readonly addressOf: (name: AssetName) => string
  /** Responds to `GET /assets/:hash/:name`. @throws SyncError `request/unknown-path` */
  readonly send: (c: Context) => Promise<Response>
}

/** Reads the files once. */
export function loadAssets(): Assets {
  const assets = new Map<string, Asset>(
    Object.entries(FILES).map(([name, path]) => [name, loadAsset(path)]),
  )
  return {
    addressOf: (name) => `/assets/${assets.get(name)?.hash}/${name}`,
    async send(c) {
      const asset = assets.get(c.req.param('name') ?? '')
      if (!asset) throw new SyncError('request/unknown-path', 'No file has this address')
      const encoding = chooseEncoding(c.req.header('Accept-Encoding') ?? '')
      const isCurrent = c.req.param('hash') === asset.hash
      return c.body(await asset.encoded(encoding), 200, {
        'Content-Type': asset.type,
        // During an update, an older page may ask this process for its file.
        'Cache-Control': isCurrent ? FOREVER : 'no-cache',
        Vary: 'Accept-Encoding',
        ...(encoding === 'identity' ? {} : { 'Content-Encoding': encoding }),
      })
    },
  }
}

function loadAsset(path: string): Asset {
  const isOwn = path.startsWith('.')
  const bytes = readFileSync(
    isOwn ? fileURLToPath(new URL(path, import.meta.url)) : require.resolve(path),
  )
  const made = new Map<Encoding, Promise<Uint8Array<ArrayBuffer>>>()
  const encode = async (encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> =>
    Uint8Array.from(encoding === 'identity' ? bytes : await compress[encoding](bytes))
  return {
    hash: createHash('sha256').update(bytes).digest('hex').slice(0, HASH_CHARS),
    type: findType(path),
    encoded(encoding) {
      const before = made.get(encoding) ?? encode(encoding)
      made.set(encoding, before)
      return before
    },
  }
}

function findType(path: string): string {
  const [, type] = Object.entries(TYPES).find(([extension]) => path.endsWith(`.${extension}`)) ?? []
  if (type === undefined) throw new Error(`${path} has no known type`)
  return type
}

function chooseEncoding(accepted: string): Encoding {
  if (/\bbr\b/.test(accepted)) return 'br'
  return /\bgzip\b/.test(accepted) ? 'gzip' : 'identity'
}
