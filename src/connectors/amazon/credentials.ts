// A credential of the Creators API: id, secret and version, and the associate tags. Its version
// decides the token endpoint and how a token is sent: 2.x are of Cognito, 3.x of Login with Amazon.

import { z } from 'zod'
import type { CredentialSchema, CredentialVariable } from '../../core/credentials.ts'
import { SyncError } from '../../core/errors.ts'
import { findMarketplace, MARKETPLACES, REGION_GROUPS, type Marketplace } from './marketplaces.ts'
import { API_URL, marketplaceOf, type AmazonSettings } from './settings.ts'

/** https://affiliate-program.amazon.com/creatorsapi/docs/en-us/get-started/using-curl */
const TOKEN_URLS: Readonly<Record<string, string>> = {
  '2.1': 'https://creatorsapi.auth.us-east-1.amazoncognito.com/oauth2/token',
  '2.2': 'https://creatorsapi.auth.eu-south-2.amazoncognito.com/oauth2/token',
  '2.3': 'https://creatorsapi.auth.us-west-2.amazoncognito.com/oauth2/token',
  '3.1': 'https://api.amazon.com/auth/o2/token',
  '3.2': 'https://api.amazon.co.uk/auth/o2/token',
  '3.3': 'https://api.amazon.co.jp/auth/o2/token',
}
const OWN_HOSTS = new Set([API_URL, ...Object.values(TOKEN_URLS)].map((url) => new URL(url).host))

const RETIRED = 'PA-API 5.0 ended in May 2026'
const ADVICE = 'set AMAZON_CREDENTIAL_ID and AMAZON_CREDENTIAL_SECRET'
const HINT = `${ADVICE} (keys in PAAPI_ACCESS_KEY are not used: ${RETIRED})`

export interface AmazonCredentials {
  readonly id: string | null
  readonly secret: string | null
  /** Null: 3.x of the region group of the marketplace. */
  readonly version: string | null
  /** The tag of marketplaces without a separate one. */
  readonly tag: string | null
  /** By country. */
  readonly tags: Readonly<Record<string, string>>
  /** The variables of PA-API 5.0 that are still set. They are not used. */
  readonly oldVariables: readonly string[]
}

/** A credential with everything that a request needs. */
export interface Credential {
  readonly id: string
  readonly secret: string
  readonly version: string
}

/** The variables of PA-API 5.0, by member, and what replaced each. */
const OLD = [
  { member: 'oldAccessKey', name: 'PAAPI_ACCESS_KEY', successor: 'AMAZON_CREDENTIAL_ID' },
  { member: 'oldSecretKey', name: 'PAAPI_SECRET_KEY', successor: 'AMAZON_CREDENTIAL_SECRET' },
  { member: 'oldPartnerTag', name: 'PAAPI_PARTNER_TAG', successor: 'AMAZON_PARTNER_TAG' },
  { member: 'oldMarketplace', name: 'PAAPI_MARKETPLACE', successor: 'AMAZON_MARKETPLACE' },
] as const

const Tag = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'expected an associate tag such as my-shop-20')
  .optional()
const Old = z.string().optional()
const TAG_MEMBERS = MARKETPLACES.map((one) => [toTagMember(one), one] as const)

const Variables = z
  .strictObject({
    credentialId: z
      .string()
      .regex(/^[\x21-\x7e]{1,300}$/, 'expected the id of a credential')
      .optional(),
    credentialSecret: z
      .string()
      .regex(/^\S{1,300}$/, 'expected the secret of a credential')
      .optional(),
    credentialVersion: z
      .string()
      .regex(/^[23]\.[123]$/, 'expected 2.1, 2.2, 2.3, 3.1, 3.2 or 3.3')
      .optional(),
    marketplace: z
      .string()
      .refine(
        (code) => findMarketplace(code) !== null,
        'expected a marketplace such as www.amazon.com',
      )
      .optional(),
    partnerTag: Tag,
    oldAccessKey: Old,
    oldSecretKey: Old,
    oldPartnerTag: Old,
    oldMarketplace: Old,
  })
  .extend(Object.fromEntries(TAG_MEMBERS.map(([member]) => [member, Tag])))

export const amazonCredentials: CredentialSchema<AmazonCredentials> = {
  variables: {
    credentialId: {
      name: 'AMAZON_CREDENTIAL_ID',
      secret: true,
      description:
        'The id of your credential of the Creators API. Set AMAZON_CREDENTIAL_SECRET as well.',
      default: 'none: sources of Amazon cannot be synced',
      example: 'your-credential-id',
    },
    credentialSecret: {
      name: 'AMAZON_CREDENTIAL_SECRET',
      secret: true,
      description: 'The secret of your credential of the Creators API.',
      default: 'none',
      example: 'your-credential-secret',
    },
    credentialVersion: {
      name: 'AMAZON_CREDENTIAL_VERSION',
      secret: false,
      description:
        'The version that Amazon shows beside your credential: 2.1 to 2.3, or 3.1 to 3.3.',
      default: '3.1, 3.2 or 3.3, by the marketplace',
      example: '3.1',
      isPrompted: true,
    },
    marketplace: {
      name: 'AMAZON_MARKETPLACE',
      secret: false,
      description: 'The marketplace of sources that are added without one.',
      default: 'www.amazon.com',
      example: 'www.amazon.de',
      isPrompted: true,
    },
    partnerTag: {
      name: 'AMAZON_PARTNER_TAG',
      secret: false,
      description: 'Your associate tag, for marketplaces without a separate variable.',
      default: 'none: each marketplace needs its own',
      example: 'my-shop-20',
      isPrompted: true,
    },
    ...Object.fromEntries(TAG_MEMBERS.map(([member, one]) => [member, toTagVariable(one)])),
    ...Object.fromEntries(OLD.map((old) => [old.member, toOldVariable(old)])),
  },
  schema: Variables.superRefine(checkPair).transform(toCredentials),
  isComplete: ({ id, secret }) => id !== null && secret !== null,
  hint: HINT,
  spellings: ({ id, secret }) =>
    id === null || secret === null ? [] : [id, secret, `${id}:${secret}`, btoa(`${id}:${secret}`)],
  findHostFault: ({ host }) =>
    OWN_HOSTS.has(host) ? null : 'it is not a host of the Creators API',
}

/**
 * Returns the credential for the marketplace of these settings.
 *
 * @throws SyncError `settings/invalid` without one, or when it is of another region group
 */
export function requireCredential(
  { id, secret, version, oldVariables }: AmazonCredentials,
  settings: Pick<AmazonSettings, 'marketplace'>,
): Credential {
  if (id === null || secret === null)
    throw new SyncError(
      'settings/invalid',
      oldVariables.length > 0
        ? `${RETIRED}, and the Creators API does not accept ${oldVariables.join(', ')}. Create ` +
            `a credential of the Creators API in Associates Central, and ${ADVICE}`
        : `No credential of Amazon: ${ADVICE}`,
    )
  const { code, group } = marketplaceOf(settings)
  const wanted = REGION_GROUPS[group]
  if (version !== null && !version.endsWith(wanted))
    throw new SyncError(
      'settings/invalid',
      `A credential of version ${version} is not valid for ${code}: it needs 2.${wanted} or ` +
        `3.${wanted}. Create one in the account of that region`,
    )
  return { id, secret, version: version ?? `3.${wanted}` }
}

/** @throws SyncError `settings/invalid` without an associate tag for the marketplace */
export function requireTag(
  { tag, tags, oldVariables }: AmazonCredentials,
  settings: Pick<AmazonSettings, 'marketplace' | 'partnerTag'>,
): string {
  const { code, country } = marketplaceOf(settings)
  const found = settings.partnerTag ?? tags[country] ?? tag
  if (found !== null) return found
  const isOldSet = oldVariables.includes('PAAPI_PARTNER_TAG')
  const change = isOldSet ? `. PAAPI_PARTNER_TAG is not used: ${RETIRED}` : ''
  throw new SyncError(
    'settings/invalid',
    `No associate tag for ${code}: set AMAZON_PARTNER_TAG_${country} or AMAZON_PARTNER_TAG${change}`,
  )
}

/** Returns what replaced the variables of PA-API 5.0 that are set; null without any. */
export function describeOldVariables({ oldVariables }: AmazonCredentials): string | null {
  if (oldVariables.length === 0) return null
  const pairs = OLD.filter(({ name }) => oldVariables.includes(name)).map(
    ({ name, successor }) => `${successor} instead of ${name}`,
  )
  const set = pairs.join(', ')
  return `${RETIRED}, and its variables are not used: set ${set}, and remove the old ones`
}

/** The address that receives the id and the secret. */
export function tokenUrlOf(
  settings: Pick<AmazonSettings, 'marketplace' | 'tokenUrl'>,
  version: string | null,
): string {
  const assumed = version ?? `3.${REGION_GROUPS[marketplaceOf(settings).group]}`
  return settings.tokenUrl ?? TOKEN_URLS[assumed] ?? ''
}

function toTagMember({ country }: Marketplace): string {
  return `partnerTag${country.charAt(0)}${country.slice(1).toLowerCase()}`
}

function toTagVariable({ code, country }: Marketplace): CredentialVariable {
  return {
    name: `AMAZON_PARTNER_TAG_${country}`,
    secret: false,
    description: `Your associate tag for ${code}.`,
    default: 'AMAZON_PARTNER_TAG',
    example: 'my-shop-21',
  }
}

function toOldVariable({ name, successor }: (typeof OLD)[number]): CredentialVariable {
  return {
    name,
    secret: name.endsWith('_KEY'),
    description: `Not used: ${RETIRED}. Set ${successor} instead.`,
    default: 'none',
    example: 'remove-this-variable',
    isRetired: true,
  }
}

type Values = Readonly<Record<string, string | undefined>>

function checkPair(values: Values, context: z.RefinementCtx): void {
  const addIssue = (member: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [member], message })
  const { credentialId: id, credentialSecret: secret } = values
  const what = 'missing; a credential consists of an id and a secret'
  if (id !== undefined && secret === undefined) addIssue('credentialSecret', what)
  if (id === undefined && secret !== undefined) addIssue('credentialId', what)
}

function toCredentials(values: Values): AmazonCredentials {
  const tags = TAG_MEMBERS.flatMap(([member, { country }]) => {
    const tag = values[member]
    return tag === undefined ? [] : [[country, tag] as const]
  })
  return {
    id: values['credentialId'] ?? null,
    secret: values['credentialSecret'] ?? null,
    version: values['credentialVersion'] ?? null,
    tag: values['partnerTag'] ?? null,
    tags: Object.fromEntries(tags),
    oldVariables: OLD.filter(({ member }) => values[member] !== undefined).map(({ name }) => name),
  }
}
