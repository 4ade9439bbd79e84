// The address of a product's page. Ids of suppliers may contain anything, a slash included.

export function toProductAddress(source: string, product: string): string {
  return `/products/${encodeURIComponent(source)}/${encodeURIComponent(product)}`
}
