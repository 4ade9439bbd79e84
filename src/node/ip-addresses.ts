// Classes of IP addresses: public, private, and the metadata services of clouds.

import ipaddr from 'ipaddr.js'
import { createNetworks } from './networks.ts'

export type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Metadata services, which give every process of a machine the machine's credentials. The whole
 * link-local range is included.
 *
 * - AWS: 169.254.169.254, fd00:ec2::254; containers 169.254.170.2, 169.254.170.23, fd00:ec2::23
 *   https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 * - Google: 169.254.169.254, fd20:ce::254
 *   https://cloud.google.com/compute/docs/metadata/querying-metadata
 * - Azure: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 * - Alibaba: 100.100.100.200
 *   https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
 * - Oracle: 192.0.0.192, fd00:c1::a9fe:a9fe · Tencent: 169.254.0.23
 * - Scaleway: 169.254.42.42, fd00:42::42 · OpenStack: fe80::a9fe:a9fe
 */
const METADATA = createNetworks([
  '169.254.0.0/16',
  'fe80::/10',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
])
/**
 * IPv6 ranges that contain an IPv4 address (RFC 6052, 8215, 3056, 4291, 2765), with its position in
 * bytes.
 */
const TRANSLATED: readonly (readonly [range: string, at: number])[] = [
  ['64:ff9b::/96', 12],
  ['64:ff9b:1::/96', 12],
  ['::/96', 12],
  ['::ffff:0:0:0/96', 12],
  ['2002::/16', 2],
]
/** All public IPv6 addresses (RFC 4291); the rest is reserved, translated or private. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Returns null for text that is not an address. A mapped address (`::ffff:10.0.0.1`) becomes the
 * IPv4 address that a connection reaches; a zone is ignored.
 */
export function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.parse(text)
  // Parsed as a URL, because ipaddr.js reads `::8.8.8.8` as the mapped `::ffff:8.8.8.8`.
  const canonical = URL.parse(`http://[${text.replace(/%.*/, '')}]`)?.hostname
  return canonical === undefined ? null : ipaddr.process(stripBrackets(canonical))
}

export function stripBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

export function isMetadata(address: Address): boolean {
  return (
    METADATA.includes(address.toString()) ||
    TRANSLATED.some(([range, at]) => {
      if (address.kind() === 'ipv4' || !address.match(ipaddr.IPv6.parseCIDR(range))) return false
      return METADATA.includes(
        address
          .toByteArray()
          .slice(at, at + 4)
          .join('.'),
      )
    })
  )
}

/** Returns the reason why `address` is not public, or null. */
export function findPrivateReason(address: Address): string | null {
  const range = address.range()
  if (range !== 'unicast') return `the range "${range}" is not public`
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6) ? null : 'the range is not public'
}
