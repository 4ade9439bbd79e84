// The part of fly.toml that our files may use, after the reference
// https://fly.io/docs/reference/configuration/ (read on 2026-11-28). Every table is strict: flyctl
// ignores a key that it does not know, unless it is called with `fly config validate --strict`.

import { parse } from 'smol-toml'
import { z } from 'zod'

const Duration = z.union([
  z.int().positive(),
  z.string().regex(/^\d+(ms|s|m)$/, { error: 'expected a duration such as 30s' }),
])
const Port = z.int().min(1).max(65_535)
const Path = z.string().regex(/^\/\S*$/)

const Check = z.strictObject({
  method: z.enum(['GET', 'get']),
  path: Path,
  grace_period: Duration,
  interval: Duration,
  timeout: Duration,
  protocol: z.enum(['http', 'https']).optional(),
})

const HttpService = z.strictObject({
  internal_port: Port,
  force_https: z.boolean(),
  auto_stop_machines: z.enum(['off', 'stop', 'suspend']),
  auto_start_machines: z.boolean(),
  min_machines_running: z.int().min(0),
  processes: z.array(z.string()).optional(),
  concurrency: z
    .strictObject({
      type: z.enum(['connections', 'requests']),
      soft_limit: z.int().positive().optional(),
      hard_limit: z.int().positive().optional(),
    })
    .optional(),
  checks: z.array(Check).optional(),
})

const FlyConfig = z.strictObject({
  app: z.string().regex(/^[a-z][a-z0-9-]{0,28}[a-z0-9]$/),
  primary_region: z.string().regex(/^[a-z]{3}$/),
  kill_signal: z
    .enum(['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL', 'SIGSTOP'])
    .optional(),
  /** In seconds. Fly allows five minutes. */
  kill_timeout: z.int().min(1).max(300).optional(),
  /** Commands by process group. Each replaces the CMD of the image, not its ENTRYPOINT. */
  processes: z.record(z.string(), z.string()).optional(),
  env: z.record(z.string().regex(/^(?!FLY_)[A-Z][A-Z0-9_]*$/), z.string()).optional(),
  http_service: HttpService.optional(),
  checks: z
    .record(z.string(), Check.extend({ port: Port, type: z.enum(['http', 'tcp']) }))
    .optional(),
  metrics: z.strictObject({ port: Port, path: Path }).optional(),
  restart: z
    .array(
      z.strictObject({
        policy: z.enum(['always', 'never', 'on-failure']),
        retries: z.int().positive().optional(),
        processes: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  vm: z
    .array(
      z.strictObject({
        size: z.string().regex(/^(shared-cpu-[12468]|performance-([12468]|1[0246]))x$/),
        memory: z.string().regex(/^\d+(mb|gb)$/),
        processes: z.array(z.string()).optional(),
      }),
    )
    .optional(),
})
export type FlyConfig = z.infer<typeof FlyConfig>

/** @throws Error with every problem */
export function parseFlyConfig(text: string): FlyConfig {
  return FlyConfig.parse(parse(text))
}
