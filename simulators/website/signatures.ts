// Verifies Web Bot Auth signatures as a site does: RFC 9421 with Ed25519, and the rules of the profile
// (a tag, a short life, the host and the agent covered).

import { createHash, createPublicKey, verify } from 'node:crypto'

export interface PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

type Headers = Readonly<Record<string, string | undefined>>

const SKEW_S = 60
const LIFETIME_S_MAX = 24 * 60 * 60

/** Returns the fault of the signature of a request to `host`, or null when it is valid. */
export function findSignatureFault(headers: Headers, host: string, key: PublicKey): string | null {
  const input = /^([a-z][\w-]*)=(\(([^)]*)\)(;.*))$/.exec(headers['signature-input'] ?? '')
  const agent = headers['signature-agent'] ?? ''
  if (input === null) return 'no Signature-Input'
  const [, label = '', parameters = '', components = '', rest = ''] = input
  const signature = new RegExp(`^${label}=:([A-Za-z0-9+/=]+):$`).exec(headers.signature ?? '')?.[1]
  if (signature === undefined) return 'no Signature with the label of Signature-Input'
  if (components !== '"@authority" "signature-agent"') return `unexpected components ${components}`
  if (!/^"https:\/\/[^"/]+"$/.test(agent)) return 'Signature-Agent is not an https origin'
  const fault = findParameterFault(rest, key)
  if (fault !== null) return fault
  const base = `"@authority": ${host}\n"signature-agent": ${agent}\n"@signature-params": ${parameters}`
  const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' })
  return verify(null, Buffer.from(base), publicKey, Buffer.from(signature, 'base64'))
    ? null
    : 'the signature is not valid'
}

function findParameterFault(rest: string, key: PublicKey): string | null {
  const read = (name: string): string => new RegExp(`;${name}="?([^";]*)"?`).exec(rest)?.[1] ?? ''
  const [created, expires] = [Number(read('created')), Number(read('expires'))]
  const nowS = Date.now() / 1000
  const thumbprint = createHash('sha256')
    .update(JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x }))
    .digest('base64url')
  if (read('tag') !== 'web-bot-auth') return 'another tag'
  if (read('alg') !== 'ed25519') return 'another algorithm'
  if (read('keyid') !== thumbprint) return 'another key'
  if (Buffer.from(read('nonce'), 'base64').length < 32) return 'a short nonce'
  if (!(created <= nowS + SKEW_S && expires > nowS && expires - created <= LIFETIME_S_MAX))
    return 'it is not valid at this time'
  return null
}
