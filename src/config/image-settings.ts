// Settings of stored images.

import { z } from 'zod'
import type { Role } from '../core/roles.ts'
import { BUCKET_NAME } from './artifact-settings.ts'
import { plain, secret } from './setting.ts'
import { HttpUrl, matching } from './value-schemas.ts'

/** A place that stores images; null: they are only linked. */
export type ImageTargetName =
  | { readonly kind: 'supabase'; readonly bucket: string }
  | { readonly kind: 'imagekit'; readonly folder: string }
  | null

/** The user name of a request to ImageKit is the key; ImageKit ignores the password. */
export const IMAGEKIT_PASSWORD = 'do_not_set'
export const IMAGES_KEEP_DAYS_DEFAULT = 30

const FOLDER = /^[A-Za-z0-9_-]{1,60}(\/[A-Za-z0-9_-]{1,60}){0,5}$/
const EXPECTED = '`none`, `supabase:` and a bucket, or `imagekit:` and a folder'
const READERS: readonly Role[] = ['images']

export const imageSettings = {
  IMAGES: plain(z.string().transform(parseTarget), {
    description:
      'Where the images of products are stored: `supabase:` and a public bucket of your project, or `imagekit:` and a folder. ' +
      'With `none`, products have the addresses of the supplier, and no image is fetched.',
    default: 'none',
    example: 'supabase:images',
    readBy: READERS,
  }),
  IMAGEKIT_PRIVATE_KEY: secret(matching(/^(?!public_)\S+$/, 'a private key (`private_…`)'), {
    description: 'The private key of your ImageKit account, for `IMAGES=imagekit:…`.',
    default: 'none',
    example: 'private_…',
    readBy: READERS,
  }),
  IMAGEKIT_ENDPOINT: plain(HttpUrl, {
    description: 'The address of a server in place of the API of ImageKit, such as one for tests.',
    default: 'the API of ImageKit',
    example: 'https://imagekit.internal',
    readBy: READERS,
  }),
  IMAGES_KEEP_DAYS: plain(matching(/^\d{1,4}$/, 'a number of days').transform(Number), {
    description:
      'Days for which a stored image is kept after the last product that showed it has another one or was removed.',
    default: String(IMAGES_KEEP_DAYS_DEFAULT),
    example: '90',
    readBy: READERS,
  }),
}

function parseTarget(text: string, context: z.RefinementCtx): ImageTargetName {
  if (text === 'none') return null
  const [, kind, place = ''] = /^(supabase|imagekit):(.*)$/.exec(text) ?? []
  if (kind === 'supabase' && BUCKET_NAME.test(place)) return { kind, bucket: place }
  if (kind === 'imagekit' && FOLDER.test(place)) return { kind, folder: place }
  context.addIssue({ code: 'custom', message: EXPECTED })
  return z.NEVER
}
