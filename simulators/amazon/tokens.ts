// The token endpoints: Cognito's form of 2.x and the JSON of Login with Amazon (3.x).

import type { Answer } from './answers.ts'
import type { AmazonSwitches } from './switches.ts'

export interface Tokens {
  /** Returns the response to a request of this path, or null for any other path. */
  issue(path: string, type: string, body: string): Answer | null
  /** `TokenExpired` or `InvalidToken`; null for a valid token. */
  findFault(token: string): string | null
  /** Makes every token invalid. */
  revoke(): void
}

/** The endpoint of credentials of this version. */
export function tokenPathOf(version: string): string {
  return version.startsWith('2') ? '/oauth2/token' : '/auth/o2/token'
}

/** Tokens have a number, so that tests see when one was renewed. */
export function createTokens(
  switches: () => Required<AmazonSwitches>,
  nowMs: () => number,
): Tokens {
  const issued = new Map<string, number>()
  let count = 0
  return {
    issue(path, type, body) {
      const { credential, tokenSeconds } = switches()
      const isForm = path === '/oauth2/token'
      if (!isForm && path !== '/auth/o2/token') return null
      const fields = readFields(isForm, type, body)
      if (fields === null) return refuse(400, 'invalid_request')
      const scope = isForm ? 'creatorsapi/default' : 'creatorsapi::default'
      if (fields['grant_type'] !== 'client_credentials')
        return refuse(400, 'unsupported_grant_type')
      const isKnown =
        fields['client_id'] === credential.id && fields['client_secret'] === credential.secret
      if (!isKnown || credential.version.startsWith('2') !== isForm)
        return refuse(isForm ? 400 : 401, 'invalid_client')
      if (fields['scope'] !== scope) return refuse(400, 'invalid_scope')
      const token = isForm ? `eyJraWQ.simulated.${++count}` : `Atc|simulated${++count}`
      issued.set(token, nowMs() + tokenSeconds * 1000)
      return {
        status: 200,
        body: {
          access_token: token,
          ...(isForm ? {} : { scope }),
          expires_in: tokenSeconds,
          token_type: isForm ? 'Bearer' : 'bearer',
        },
      }
    },
    findFault(token) {
      const expiresAtMs = issued.get(token)
      if (expiresAtMs === undefined) return 'InvalidToken'
      return expiresAtMs <= nowMs() ? 'TokenExpired' : null
    },
    revoke: () => issued.clear(),
  }
}

function refuse(status: number, error: string): Answer {
  return { status, body: { error, error_description: 'Refused by the simulator.' } }
}

function readFields(
  isForm: boolean,
  type: string,
  body: string,
): Readonly<Record<string, unknown>> | null {
  if (isForm)
    return type.startsWith('application/x-www-form-urlencoded')
      ? Object.fromEntries(new URLSearchParams(body))
      : null
  try {
    return type.startsWith('application/json') ? Object(JSON.parse(body)) : null
  } catch {
    return null
  }
}
