// Problems of combinations of settings: two that exclude each other, or one that needs another.

import { createAddressGuard } from '../node/address-guard.ts'
import type { Environment } from './settings-schema.ts'

/** Values by name; an empty value is absent. */
export type GivenValues = Readonly<Record<string, string | undefined>>

/** Returns one line for each problem, which names settings and never quotes a value. */
export function findConflicts(given: GivenValues): string[] {
  return [
    ...supabaseConflicts(given),
    ...missingPartners(given, 'ADMIN_KEY_NEXT', 'ADMIN_KEY', 'ADMIN_KEY_NEXT needs it'),
    ...missingPartners(given, 'SYNC_KEY', 'ADMIN_KEY', 'SYNC_KEY needs it'),
    ...missingPartners(given, 'SYNC_KEY_NEXT', 'SYNC_KEY', 'SYNC_KEY_NEXT needs it'),
    ...missingPartners(given, 'READ_KEY', 'ADMIN_KEY', 'READ_KEY needs it'),
    ...missingPartners(given, 'READ_KEY_NEXT', 'READ_KEY', 'READ_KEY_NEXT needs it'),
    ...findSharedKeys(given),
    ...imageConflicts(given),
    ...missingPartners(given, 'LLM_URL', 'LLM_MODEL', 'LLM_URL needs it'),
    ...missingPartners(given, 'LLM_MODEL', 'LLM_URL', 'LLM_MODEL needs it'),
    ...missingPartners(given, 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', PAIR),
    ...missingPartners(given, 'S3_SECRET_ACCESS_KEY', 'S3_ACCESS_KEY_ID', PAIR),
  ]
}

const PAIR = 'an access key consists of an id and a secret'

function supabaseConflicts(given: GivenValues): string[] {
  const hasUrl = given.SUPABASE_URL !== undefined
  const { SUPABASE_SECRET_KEY: key, SUPABASE_SERVICE_ROLE_KEY: olderKey } = given
  const problems = []
  if (key !== undefined && olderKey !== undefined && key !== olderKey)
    problems.push('SUPABASE_SECRET_KEY: set either this or SUPABASE_SERVICE_ROLE_KEY')
  if (hasUrl && key === undefined && olderKey === undefined)
    problems.push('SUPABASE_SECRET_KEY: missing; SUPABASE_URL needs it')
  if (!hasUrl && (key ?? olderKey) !== undefined)
    problems.push(
      `SUPABASE_URL: missing; ${key === undefined ? 'SUPABASE_SERVICE_ROLE_KEY' : 'SUPABASE_SECRET_KEY'} needs it`,
    )
  if (!hasUrl && given.ARTIFACTS?.startsWith('supabase:') === true)
    problems.push('SUPABASE_URL: missing; ARTIFACTS needs it')
  return problems
}

function imageConflicts(given: GivenValues): string[] {
  const kind = given.IMAGES?.split(':', 1)[0]
  if (kind === 'supabase' && given.SUPABASE_URL === undefined)
    return ['SUPABASE_URL: missing; IMAGES needs it']
  if (kind === 'imagekit' && given.IMAGEKIT_PRIVATE_KEY === undefined)
    return ['IMAGEKIT_PRIVATE_KEY: missing; IMAGES needs it']
  return []
}

/** A key for fewer rights that equals one for more would be allowed more. */
function findSharedKeys(given: GivenValues): string[] {
  return [
    ...sharedWith(given, ['SYNC_KEY', 'SYNC_KEY_NEXT'], ['ADMIN_KEY', 'ADMIN_KEY_NEXT']),
    ...sharedWith(
      given,
      ['READ_KEY', 'READ_KEY_NEXT'],
      ['ADMIN_KEY', 'ADMIN_KEY_NEXT', 'SYNC_KEY', 'SYNC_KEY_NEXT'],
    ),
  ]
}

function sharedWith(
  given: GivenValues,
  names: readonly string[],
  others: readonly string[],
): string[] {
  const taken = others.map((name) => given[name])
  return names
    .filter((name) => given[name] !== undefined && taken.includes(given[name]))
    .map((name) => `${name}: expected a key other than ${formatNames(others)}`)
}

function formatNames(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function missingPartners(
  given: GivenValues,
  name: string,
  partner: string,
  reason: string,
): string[] {
  return given[name] !== undefined && given[partner] === undefined
    ? [`${partner}: missing; ${reason}`]
    : []
}

/** Reports an http address of a Supabase project, because every request to it contains the key. */
export function findKeysInTheClear({
  SUPABASE_URL: text,
  ALLOW_PRIVATE_HOSTS: allow = [],
}: Environment): string[] {
  const url = URL.parse(text ?? '')
  if (url?.protocol !== 'http:' || createAddressGuard(allow).isOwn(url)) return []
  return [
    'SUPABASE_URL: expected https, because http sends the key unencrypted; list a private host in ALLOW_PRIVATE_HOSTS to allow it',
  ]
}
