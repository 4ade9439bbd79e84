// The caller's address, which is logged, and its network, by which failed keys are counted.

import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { Networks } from '../../node/networks.ts'

const UNKNOWN = 'unknown'

/**
 * The proxy headers that are accepted. From any other sender, such a header could hide the caller's
 * real address.
 */
export interface ProxyTrust {
  /**
   * Accept `Fly-Client-IP`. Safe only behind Fly's proxy, which overwrites the caller's value
   * (https://fly.io/docs/networking/request-headers/).
   */
  readonly flyHeader: boolean
  /** The proxies whose `X-Forwarded-For` is accepted. */
  readonly proxies: Networks
}

/**
 * Returns the address of the caller. Each proxy appends the address it was called from to
 * `X-Forwarded-For`, so the header is read from its end while the entries are known proxies.
 * Everything before the first other address may be forged.
 */
export function findClientAddress(
  request: IncomingMessage,
  { flyHeader, proxies }: ProxyTrust,
): string {
  const fromFly = flyHeader ? request.headers['fly-client-ip'] : undefined
  if (typeof fromFly === 'string' && isIP(fromFly) !== 0) return fromFly
  const hops = listForwardedHops(request)
  let client = unmapAddress(request.socket.remoteAddress ?? UNKNOWN)
  while (proxies.includes(client)) {
    const before = parseHop(hops.pop() ?? '')
    if (before === null) break
    client = before
  }
  return client
}

function listForwardedHops({ headers }: IncomingMessage): string[] {
  return [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
}

/** Reads `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::7` or `[2001:db8::7]:4711`. */
function parseHop(hop: string): string | null {
  const text = hop.trim()
  const [, inBrackets, beforePort] =
    /^(?:\[(.*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(text) ?? []
  const address = inBrackets ?? beforePort ?? text
  return isIP(address) === 0 ? null : unmapAddress(address)
}

/** A dual-stack socket reports IPv4 addresses as IPv6 ones. */
function unmapAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** Returns an IPv4 address itself, and the /64 of an IPv6 address: one host usually owns all of it. */
export function toNetwork(client: string): string {
  if (!ipaddr.isValid(client)) return UNKNOWN
  const address = ipaddr.process(client)
  if (address.kind() === 'ipv4') return address.toString()
  return `${address
    .toByteArray()
    .slice(0, 8)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')}/64`
}
