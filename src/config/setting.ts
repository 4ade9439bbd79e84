// One setting: the schema of its value, and its text in `.env.example` and docs/settings.md.

import type { z } from 'zod'
import type { Role } from '../core/roles.ts'

export interface SettingMeta {
  /** One or two sentences. */
  readonly description: string
  /**
   * The default value, or text that describes the behaviour without a value. A secret has no
   * default value.
   */
  readonly default: string
  readonly example: string
  /**
   * The roles of `serve` that use it. A deployment gives each process only the settings of its
   * roles.
   */
  readonly readBy: readonly Role[]
}

export interface Setting<Value = unknown> extends SettingMeta {
  /** Its messages describe the expected value and never quote the given one. */
  readonly schema: z.ZodType<Value>
  readonly secret: boolean
}

export function plain<Value>(schema: z.ZodType<Value>, meta: SettingMeta): Setting<Value> {
  return { schema, secret: false, ...meta }
}

export function secret<Value>(schema: z.ZodType<Value>, meta: SettingMeta): Setting<Value> {
  return { schema, secret: true, ...meta }
}
