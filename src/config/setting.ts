// One setting: how its value is parsed, and the words that `.env.example` and docs/settings.md are
// written from.

import type { z } from 'zod'

export interface SettingMeta {
  /** One or two sentences. */
  readonly description: string
  /**
   * The default value, or text that describes the behaviour without a value. A secret has no
   * default value.
   */
  readonly default: string
  readonly example: string
}

export interface Setting<Value = unknown> extends SettingMeta {
  /** Messages say what is expected and never quote the value. */
  readonly schema: z.ZodType<Value>
  readonly secret: boolean
}

export function plain<Value>(schema: z.ZodType<Value>, meta: SettingMeta): Setting<Value> {
  return { schema, secret: false, ...meta }
}

export function secret<Value>(schema: z.ZodType<Value>, meta: SettingMeta): Setting<Value> {
  return { schema, secret: true, ...meta }
}
