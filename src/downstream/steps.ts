// The downstream steps: one line for each.

import type { DownstreamStep } from './step.ts'

export const STEPS: readonly DownstreamStep[] = []
