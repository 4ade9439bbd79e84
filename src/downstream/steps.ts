// The downstream steps: one line for each.

import { deliver } from './deliver/deliver.ts'
import { enrich } from './enrich/enrich.ts'
import { images } from './images/images.ts'
import type { DownstreamStep } from './step.ts'

export const STEPS: readonly DownstreamStep[] = [images, enrich, deliver]
