// Recognises a page that says that its product is gone, although it responds with the status 200.

import type { PageEvidence } from './evidence.ts'

/** "Not found" in the languages of the shops met so far, in a title or a heading. */
const MISSING =
  /\b404\b|not found|page (does not|doesn.t) exist|no longer (available|exists)|discontinued|nicht (gefunden|mehr verfügbar)|introuvable|n.existe (pas|plus)|no encontrad[ao]|non trovat[ao]|niet gevonden|não encontrad[ao]|nie znaleziono|hittades inte|ikke funnet|ikke fundet|nenalezen[ao]|не найден/i

/** True for a page whose title or first heading says that it is missing. */
export function isSoftMissing({
  title,
  heading,
}: Pick<PageEvidence, 'title' | 'heading'>): boolean {
  return MISSING.test(title ?? '') || MISSING.test(heading ?? '')
}
