// Who is asking: the address that is logged, and the network that failed keys are counted under.

import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

const UNKNOWN = 'unknown'

/**
 * The address of the client. `Fly-Client-IP` is believed only behind Fly's proxy, which overwrites what callers send
 * (https://fly.io/docs/networking/request-headers/); anywhere else it is a way to look like somebody else.
 */
export function clientOf(request: IncomingMessage, trustFlyHeader: boolean): string {
  const named = trustFlyHeader ? request.headers['fly-client-ip'] : undefined
  if (typeof named === 'string' && isIP(named) !== 0) return named
  // A socket that takes both kinds shows IPv4 addresses as IPv6 ones.
  return request.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? UNKNOWN
}

/** An IPv4 address by itself, an IPv6 one by its /64: whoever has one address there has all 2⁶⁴ of them. */
export function networkOf(client: string): string {
  if (!ipaddr.isValid(client)) return UNKNOWN
  const address = ipaddr.process(client)
  if (address.kind() === 'ipv4') return address.toString()
  return `${address.toByteArray().slice(0, 8).map((byte) => byte.toString(16).padStart(2, '0')).join('')}/64`
}
