// Recognises a page that says that its product is gone, although it responds with the status 200.

/** "Not found" in the languages of the shops met so far, in a title or a heading. */
const MISSING =
  /\b404\b|not found|page (does not|doesn.t) exist|no longer (available|exists)|discontinued|nicht (gefunden|mehr verfügbar)|introuvable|n.existe (pas|plus)|no encontrad[ao]|non trovat[ao]|niet gevonden|não encontrad[ao]|nie znaleziono|hittades inte|ikke funnet|ikke fundet|nenalezen[ao]|не найден/i

const HTML_CHARS_MAX = 200_000

/** True for a page whose title or first heading says that it is missing. */
export function isSoftMissing(html: string): boolean {
  const start = html.slice(0, HTML_CHARS_MAX)
  const title = /<title[^>]*>([^<]*)/i.exec(start)?.[1] ?? ''
  const heading = /<h1[^>]*>([\s\S]{0,500}?)<\/h1/i.exec(start)?.[1] ?? ''
  return MISSING.test(title) || MISSING.test(heading)
}
