// Opens the target that the setting IMAGES names.

import type { Settings } from '../../../config/settings.ts'
import type { Redactor } from '../../../telemetry/redact.ts'
import { ImageKitTarget } from './imagekit.ts'
import { SupabaseTarget } from './supabase.ts'
import type { ImageTarget } from './target.ts'

/** Returns null when images are not stored. The settings are valid, so nothing is missing. */
export function openTarget(
  { images, supabase, secrets }: Pick<Settings, 'images' | 'supabase' | 'secrets'>,
  redact: Redactor,
): ImageTarget | null {
  const { target, imageKit } = images
  if (target?.kind === 'imagekit' && imageKit !== null)
    return new ImageKitTarget({ ...imageKit, folder: target.folder, redact })
  if (target?.kind === 'supabase' && supabase !== null)
    return new SupabaseTarget({ ...supabase, secrets, bucket: target.bucket })
  return null
}
