// The address of an image. Two addresses with the same key are one picture: they differ only in the
// size or the version that a CDN takes from the query or the file name. The SHA-256 of the bytes
// decides whether two pictures are the same; the key only saves requests.

import { hashText } from '../../node/hash.ts'

export interface ImageAddress {
  /** SHA-256 of the address without size and version, as hexadecimal digits. */
  readonly key: string
  /** The address that is requested: the original size where the CDN has one. */
  readonly url: string
  /** Null if the address has none. A greater version is a newer one. */
  readonly version: number | null
  readonly host: string
  /** The work that one process does at a time. */
  readonly channel: string
}

/** Longest address that is requested; servers refuse longer ones. */
const URL_CHARS_MAX = 4000
/** Requests to one CDN at a time, across all processes. */
export const CDN_CHANNELS = 4

/** CDNs that serve many shops and expect several requests at a time. */
const CDN_HOST =
  /^(cdn\.shopify\.com|ik\.imagekit\.io|i[0-3]\.wp\.com|assets\.[a-z]{2}\.medipim\.com)$/
/** https://shopify.dev/docs/api/liquid/filters/image_url */
const SHOPIFY_PATH = /^\/(s\/files\/|cdn\/shop\/)/
const SHOPIFY_SIZE =
  /_(?:pico|icon|thumb|small|compact|medium|large|grande|original|master|\d{1,5}x\d{0,5}|x\d{1,5})(?:_crop_[a-z]+)?(?:@[23]x)?(?:\.progressive)?(?=\.[a-z]{3,4}$)/i
const SHOPIFY_SIZES = ['width', 'height', 'crop', 'pad_color', 'format', 'quality']

export function isCdn(host: string): boolean {
  return CDN_HOST.test(host)
}

/** Returns null for an address that cannot be requested. */
export function toImageAddress(text: string): ImageAddress | null {
  // Shops write addresses that begin with the host.
  const url = URL.parse(text.startsWith('//') ? `https:${text}` : text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return null
  url.hash = ''
  const version = isOfShopify(url) ? removeShopifySize(url) : null
  if (url.href.length > URL_CHARS_MAX) return null
  const key = hashText(toKeyText(url, version))
  return { key, url: url.href, version, host: url.host, channel: toChannel(url.host, key) }
}

/** Shops serve the files of the CDN also under their own domain. */
function isOfShopify({ hostname, pathname }: URL): boolean {
  return (
    SHOPIFY_PATH.test(pathname) && (hostname === 'cdn.shopify.com' || pathname.startsWith('/cdn/'))
  )
}

/** Changes the address to that of the original size, and returns its version. */
function removeShopifySize(url: URL): number | null {
  url.pathname = url.pathname.replace(SHOPIFY_SIZE, '')
  for (const name of SHOPIFY_SIZES) url.searchParams.delete(name)
  const version = url.searchParams.get('v') ?? ''
  return /^\d{1,15}$/.test(version) ? Number(version) : null
}

function toKeyText(url: URL, version: number | null): string {
  const bare = new URL(url)
  if (version !== null) bare.searchParams.delete('v')
  // http and https are the same file.
  return `${bare.host}${bare.pathname}${bare.search}`
}

function toChannel(host: string, key: string): string {
  return isCdn(host) ? `${host}#${parseInt(key.slice(0, 8), 16) % CDN_CHANNELS}` : host
}
