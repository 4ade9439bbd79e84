// Settings of the artifact store.

import { z } from 'zod'
import { WORKER_ROLES } from '../core/roles.ts'
import { plain, secret } from './setting.ts'
import { HttpUrl, matching, Switch } from './value-schemas.ts'

export const KEEP_DEFAULT = 14
export const CHANGES_DAYS_DEFAULT = 400
export const S3_REGION_DEFAULT = 'us-east-1'
export const BUCKET_NAME = /^[a-z0-9][a-z0-9._-]{1,62}$/

export const artifactSettings = {
  ARTIFACTS: plain(z.string().superRefine(checkLocation), {
    description:
      'Location of the archived data: `file:` and a folder (a relative path starts at the working directory), ' +
      '`supabase:` for the storage of your project, in BUCKET or in the bucket named after the colon, or `s3://bucket/prefix`.',
    default:
      '`supabase:` with SUPABASE_URL, else `artifacts` in SHELFSYNC_HOME: `file:.shelfsync/artifacts`',
    example: 'supabase:',
    readBy: WORKER_ROLES,
  }),
  ARTIFACTS_KEEP: plain(
    matching(/^(all|\d{1,6})$/, 'a number of runs, or `all`').transform(parseKeep),
    {
      description:
        'Number of successful runs of each source whose artifacts are kept, in addition to those that a rebuild of the catalogue needs: the newest complete one and every later one. `all` keeps every artifact.',
      default: String(KEEP_DEFAULT),
      example: '30',
      readBy: WORKER_ROLES,
    },
  ),
  ARTIFACTS_LATEST: plain(Switch, {
    description:
      'Stores the newest complete artifact of each source also as `SOURCE/latest.ndjson`, uncompressed and overwritten by each run. ' +
      'The file may have several hundred megabytes: the file size limits of the project (50 MB by default) and of the bucket must allow that.',
    default: 'false',
    example: 'true',
    readBy: WORKER_ROLES,
  }),
  CHANGES_DAYS: plain(matching(/^[1-9]\d{0,4}$/, 'a number of days').transform(Number), {
    description:
      'Days for which published changes are kept. A consumer of the change feed whose cursor is older gets the error `feed/cursor-expired`.',
    default: String(CHANGES_DAYS_DEFAULT),
    example: '90',
    readBy: ['maintainer'],
  }),
  S3_ENDPOINT: plain(HttpUrl, {
    description:
      'The address of an S3-compatible store that is not AWS; buckets are then part of the path.',
    default: 'AWS',
    example: 'https://s3.storage.example',
    readBy: WORKER_ROLES,
  }),
  S3_REGION: plain(matching(/^[a-z0-9-]{2,32}$/, 'a region such as ap-southeast-2'), {
    description: 'The region of the bucket in ARTIFACTS.',
    default: S3_REGION_DEFAULT,
    example: 'ap-southeast-2',
    readBy: WORKER_ROLES,
  }),
  S3_ACCESS_KEY_ID: secret(matching(/^\S+$/, 'the id of an access key'), {
    description: 'The id of an access key. Set S3_SECRET_ACCESS_KEY as well.',
    default: 'none: the role or the profile of the machine',
    example: 'your-access-key-id',
    readBy: WORKER_ROLES,
  }),
  S3_SECRET_ACCESS_KEY: secret(matching(/^\S+$/, 'the secret of an access key'), {
    description: 'The secret of the access key.',
    default: 'none',
    example: 'your-secret-access-key',
    readBy: WORKER_ROLES,
  }),
}

function parseKeep(text: string): number | 'all' {
  return text === 'all' ? text : Number(text)
}

function checkLocation(location: string, context: z.RefinementCtx): void {
  const [, scheme, rest = ''] = /^(file|supabase|s3):(.*)$/.exec(location) ?? []
  const [, bucket = ''] = /^\/\/([^/]+)(?:\/[A-Za-z0-9._/-]*)?$/.exec(rest) ?? []
  const fits = {
    file: rest !== '',
    supabase: rest === '' || BUCKET_NAME.test(rest),
    s3: BUCKET_NAME.test(bucket),
  }
  if (scheme !== undefined && fits[scheme as keyof typeof fits]) return
  context.addIssue({
    code: 'custom',
    message: '`file:` and a folder, `supabase:` and perhaps a bucket, or `s3://bucket/prefix`',
  })
}
