// The apps on Fly.io. Each has a configuration of the same name in this folder, and gets only the
// settings and the database login of its roles.

import type { Role } from '../../src/core/roles.ts'

export interface App {
  readonly kind: AppKind
  readonly name: string
  readonly roles: readonly Role[]
  /** The login of `shelfsync logins`. */
  readonly login:
    | 'fetcher'
    | 'maintainer'
    | 'orchestrator'
    | 'web'
    | 'images'
    | 'deliver'
    | 'services'
  /** `public` is reached from the internet, `flycast` only by apps of the organisation. */
  readonly address: 'public' | 'flycast' | 'none'
  /** Memory of a shared-cpu-1x in staging. A whole catalogue must fit: docs/deploy/fly.md. */
  readonly stagingMemoryMb: number
}

type Shape = Omit<App, 'kind' | 'name'> & { readonly suffix: string }

const SHAPES = {
  maintainer: {
    suffix: 'maintainer',
    roles: ['maintainer'],
    login: 'maintainer',
    address: 'flycast',
    stagingMemoryMb: 512,
  },
  fetcher: {
    suffix: 'fetcher',
    roles: ['fetcher'],
    login: 'fetcher',
    address: 'flycast',
    stagingMemoryMb: 512,
  },
  scheduler: {
    suffix: 'scheduler',
    roles: ['scheduler'],
    login: 'orchestrator',
    address: 'none',
    stagingMemoryMb: 256,
  },
  orchestrator: {
    suffix: 'orchestrator',
    roles: ['orchestrator'],
    login: 'orchestrator',
    address: 'public',
    stagingMemoryMb: 256,
  },
  images: {
    suffix: 'images',
    roles: ['images'],
    login: 'images',
    address: 'none',
    stagingMemoryMb: 512,
  },
  deliver: {
    suffix: 'deliver',
    roles: ['deliver'],
    login: 'deliver',
    address: 'none',
    stagingMemoryMb: 256,
  },
  web: {
    suffix: 'web',
    roles: ['web'],
    login: 'web',
    address: 'public',
    stagingMemoryMb: 256,
  },
  small: {
    suffix: 'sync',
    roles: ['fetcher', 'maintainer', 'orchestrator', 'images', 'deliver'],
    login: 'services',
    address: 'public',
    stagingMemoryMb: 512,
  },
} as const satisfies Readonly<Record<string, Shape>>

export type AppKind = keyof typeof SHAPES
export const APP_KINDS = Object.keys(SHAPES) as readonly AppKind[]
export const DEFAULT_KINDS: readonly AppKind[] = ['maintainer', 'fetcher', 'orchestrator']
export const DEFAULT_PREFIX = 'medipim'

/**
 * Returns the apps in the order of deployment: workers first, so that the app that starts runs
 * finds them at its version.
 */
export function createApps(prefix: string, kinds: readonly AppKind[]): readonly App[] {
  return APP_KINDS.filter((kind) => kinds.includes(kind)).map((kind) => {
    const { suffix, ...shape } = SHAPES[kind]
    return { kind, name: `${prefix}-${suffix}`, ...shape }
  })
}
