// Who is asking: the address that is logged, and the network that failed keys are counted under.

import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { Networks } from '../../node/networks.ts'

const UNKNOWN = 'unknown'

/**
 * What is believed of the headers in which a proxy says whom it speaks for. Anywhere else they are
 * a way to look like somebody else.
 */
export interface ProxyTrust {
  /**
   * `Fly-Client-IP`: only right behind Fly's proxy, which overwrites what callers send
   * (https://fly.io/docs/networking/request-headers/).
   */
  readonly flyHeader: boolean
  /** The proxies whose `X-Forwarded-For` is believed. */
  readonly proxies: Networks
}

/**
 * The address of the client. Each proxy appends to `X-Forwarded-For` the address that it was called
 * from, so the header is read from its end, for as long as what stands there is a proxy that is
 * known; what stands before the first other address may be invented.
 */
export function clientOf(request: IncomingMessage, { flyHeader, proxies }: ProxyTrust): string {
  const named = flyHeader ? request.headers['fly-client-ip'] : undefined
  if (typeof named === 'string' && isIP(named) !== 0) return named
  const hops = forwardedFor(request)
  let client = plain(request.socket.remoteAddress ?? UNKNOWN)
  while (proxies.includes(client)) {
    const before = addressIn(hops.pop() ?? '')
    if (before === null) break
    client = before
  }
  return client
}

function forwardedFor({ headers }: IncomingMessage): string[] {
  return [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
}

/** Of `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::7` or `[2001:db8::7]:4711`. */
function addressIn(hop: string): string | null {
  const text = hop.trim()
  const [, inBrackets, beforePort] =
    /^(?:\[(.*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(text) ?? []
  const address = inBrackets ?? beforePort ?? text
  return isIP(address) === 0 ? null : plain(address)
}

/** A socket that takes both kinds shows IPv4 addresses as IPv6 ones. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/**
 * An IPv4 address by itself, an IPv6 one by its /64: whoever has one address there has all 2⁶⁴ of
 * them.
 */
export function networkOf(client: string): string {
  if (!ipaddr.isValid(client)) return UNKNOWN
  const address = ipaddr.process(client)
  if (address.kind() === 'ipv4') return address.toString()
  return `${address
    .toByteArray()
    .slice(0, 8)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')}/64`
}
