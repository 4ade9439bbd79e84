// The pictures of the dashboard in README.md and docs: what each shows, and its files. The command
// `npm run screenshots` takes them.

/** Pixels of a picture, and of the window. */
export const PICTURE_SIZE = { width: 1280, height: 800 } as const
export const PICTURE_BYTES_MAX = 150_000
export const PICTURE_THEMES = ['light', 'dark'] as const
export type PictureTheme = (typeof PICTURE_THEMES)[number]

export const PICTURES = [
  { name: 'overview', path: '/' },
  { name: 'source', path: '/sources/pharmacy' },
  { name: 'run', path: '/runs/{held}' },
  { name: 'products', path: '/products?source=pharmacy' },
  { name: 'product', path: '/products/pharmacy/{changed}' },
] as const
type Picture = (typeof PICTURES)[number]

/** Relative to the project: `docs/images/run-dark.webp`. */
export function toPictureFile({ name }: Pick<Picture, 'name'>, theme: PictureTheme): string {
  return `docs/images/${name}-${theme}.webp`
}
