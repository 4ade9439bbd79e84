// The key of MediPim, and the environment variables that provide it.

import { z } from 'zod'
import type { CredentialSchema } from '../../core/credentials.ts'

export interface Key {
  readonly id: string
  readonly secret: string
}

export interface MedipimCredentials {
  readonly key: Key | null
  /** Hosts besides MediPim's own that may receive the key, each with its port unless it is 443. */
  readonly hosts: readonly string[]
}

/** Each market has its own domain or a subdomain of medipim.com: https://docs.dev.medipim.be */
const OWN_HOST = /(^|\.)medipim\.(com|be|fr|de)$/

const Variables = z.strictObject({
  apiUrl: z.string().superRefine(checkApiUrl).optional(),
  apiKeyId: z
    .string()
    .regex(/^[^\s:]+$/, 'expected the id of a key, without a colon')
    .optional(),
  apiKeySecret: z.string().regex(/^\S+$/, 'expected the secret of a key').optional(),
  apiKey: z
    .string()
    .regex(/^[^\s:]+:\S+$/, 'expected `id:secret`')
    .optional(),
  hosts: z.string().transform(parseHosts).optional(),
})
type Variables = z.infer<typeof Variables>

export const medipimCredentials: CredentialSchema<MedipimCredentials> = {
  variables: {
    apiUrl: {
      name: 'MEDIPIM_API_URL',
      secret: false,
      description:
        'The API of your market or its sandbox: the host, or the whole address of the product stream.',
      default: 'https://api.au.medipim.com',
      example: 'https://api.sandbox.au.medipim.com',
    },
    apiKeyId: {
      name: 'MEDIPIM_API_KEY_ID',
      secret: true,
      description: 'The id of your API key. Set MEDIPIM_API_KEY_SECRET as well.',
      default: 'none: MediPim sources cannot be synced',
      example: 'your-key-id',
    },
    apiKeySecret: {
      name: 'MEDIPIM_API_KEY_SECRET',
      secret: true,
      description: 'The secret of your API key.',
      default: 'none',
      example: 'your-key-secret',
    },
    apiKey: {
      name: 'MEDIPIM_API_KEY',
      secret: true,
      description:
        'Id and secret as `id:secret`, in place of MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET.',
      default: 'none',
      example: 'your-key-id:your-key-secret',
    },
    hosts: {
      name: 'MEDIPIM_HOSTS',
      secret: false,
      description:
        "Hosts besides MediPim's own that may receive your key, such as your gateway, separated by commas, each with its port unless it is 443.",
      default:
        'none: only medipim.com, medipim.be, medipim.fr and medipim.de, their subdomains, and hosts in ALLOW_PRIVATE_HOSTS',
      example: 'medipim-gateway.example',
    },
  },
  schema: Variables.superRefine(checkPair).transform(toCredentials),
  isComplete: ({ key }) => key !== null,
  hint: 'set MEDIPIM_API_KEY_ID and MEDIPIM_API_KEY_SECRET (or MEDIPIM_API_KEY=id:secret)',
  spellings: ({ key }) => (key === null ? [] : [key.id, key.secret, `${key.id}:${key.secret}`]),
  findHostFault: ({ host, hostname }, { hosts }) =>
    OWN_HOST.test(hostname) || hosts.includes(host)
      ? null
      : 'it is not a host of MediPim. If it is yours, add it to MEDIPIM_HOSTS',
}

function toCredentials({ apiKeyId, apiKeySecret, apiKey, hosts }: Variables): MedipimCredentials {
  const [, id = apiKeyId, secret = apiKeySecret] = /^([^:]+):(.+)$/.exec(apiKey ?? '') ?? []
  const key = id === undefined || secret === undefined ? null : { id, secret }
  return { key, hosts: hosts ?? [] }
}

function checkPair({ apiKeyId, apiKeySecret, apiKey }: Variables, context: z.RefinementCtx): void {
  const addIssue = (member: keyof Variables, message: string): void =>
    context.addIssue({ code: 'custom', path: [member], message })
  if (apiKey !== undefined && (apiKeyId ?? apiKeySecret) !== undefined)
    addIssue('apiKey', 'set either this or both id and secret')
  else if (apiKeyId !== undefined && apiKeySecret === undefined)
    addIssue('apiKeySecret', 'missing; a key consists of an id and a secret')
  else if (apiKeyId === undefined && apiKeySecret !== undefined)
    addIssue('apiKeyId', 'missing; a key consists of an id and a secret')
}

function checkApiUrl(text: string, context: z.RefinementCtx): void {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`)
  // An "@" after the host may be the end of a password that contains a "/".
  if (url === null || !/^https?:$/.test(url.protocol) || text.includes('@'))
    context.addIssue({
      code: 'custom',
      message: 'expected a host, or an http or https address without credentials',
    })
}

/** Hosts in lower case, as `URL.host` writes them. */
function parseHosts(text: string, context: z.RefinementCtx): readonly string[] {
  const hosts = text.split(',').map(toHost)
  const wrong = hosts.indexOf(null)
  if (wrong === -1) return hosts.filter((host) => host !== null)
  const example = 'medipim-gateway.example:8443'
  context.addIssue({
    code: 'custom',
    message: `expected hosts separated by commas, such as ${example}; entry ${wrong + 1} is not one`,
  })
  return z.NEVER
}

/**
 * Returns the host as `URL.host` writes it, or null. A bare word such as `true` was probably meant
 * as a switch and is not a host.
 */
function toHost(text: string): string | null {
  const isPlain = /^[\w.:[\]-]*[.:][\w.:[\]-]*$/.test(text.trim())
  return isPlain ? (URL.parse(`https://${text.trim()}`)?.host ?? null) : null
}
