// Flavour notes: the words of a list after `Tasting notes`, and flavours as tags. Free text about
// taste is left alone.

import { type Finding, toFinding } from '../finding.ts'
import { compileLexicon, findPhrases, type Match } from '../lexicon.ts'
import type { Token, TokenText } from '../tokens.ts'
import { toWordSet } from '../words.ts'

/**
 * Flavours in the groups of the SCA/WCR Coffee Taster's Flavor Wheel
 * (https://sca.coffee/research).
 */
const FLAVOURS = `
  blackberry | raspberry | blueberry | strawberry | raisin | prune | coconut | cherry | pomegranate |
  pineapple | grape | apple | peach | pear | grapefruit | orange | lemon | lime | apricot | plum |
  mango | papaya | lychee | melon | watermelon | banana | fig | date | currant | blackcurrant |
  cranberry | passionfruit | guava | tangerine | mandarin | bergamot | fruity | berry | berries |
  citrus | sweet lime | green apple | red apple | stone fruit | red fruit | dried fruit |
  tropical fruit | passion fruit | black currant | black cherry | red grape | orange peel |
  orange blossom | lemon zest | lemon grass |
  winey | red wine | whiskey | rum | fermented | malt | cereal | grain | tobacco | pepper | anise |
  nutmeg | cinnamon | clove | cardamom | spice | spicy | ginger | brown spice | black tea |
  green tea |
  peanut | hazelnut | almond | walnut | pecan | cashew | nutty | nougat | marzipan | chocolate |
  chocolatey | dark chocolate | milk chocolate | white chocolate | cocoa | cacao | caramel | toffee |
  butterscotch | molasses | honey | vanilla | jaggery | treacle | fudge | praline | brownie | biscuit |
  brown sugar | cane sugar | burnt sugar | maple syrup | hazelnut spread |
  floral | jasmine | rose | rose water | chamomile | hibiscus | lavender | elderflower | herbal |
  earthy | woody | cedar | sandalwood | smoky | roasted | sweet | creamy | buttery
`

const LEXICON = compileLexicon<true>([[true, FLAVOURS]])

const LABELS = compileLexicon([
  [
    true,
    `
      tasting notes | tasting note | flavour notes | flavor notes | flavour profile |
      flavor profile | notes of | cup notes | cup profile | taste notes | flavours of |
      flavors of | hints of | notes | flavours | flavors | tasting profile | geschmack |
      geschmacksnoten | aromen | notes aromatiques | notas de cata | notas | nuty smakowe |
      カップノート | 風味 | 风味 | 컵노트
    `,
  ],
])

const NOTES_MAX = 12
/** Words between two notes: `honey, caramel and a hint of lime`. */
const FILLERS = new Set([
  ',',
  '&',
  'and',
  'with',
  'a',
  'of',
  'hint',
  'hints',
  'und',
  'y',
  'et',
  '/',
  '|',
  '+',
  ':',
  '-',
  'the',
  '、',
  '·',
  '•',
  '•',
])

/** Returns the flavours of the first list of notes, in its order, each once. */
export function findFlavours(text: TokenText, isTag: boolean): Finding<readonly string[]> | null {
  const { tokens } = text
  const found = isTag ? findTagFlavour(tokens) : findListedFlavours(tokens)
  const [first, last] = [found[0], found.at(-1)]
  if (first === undefined || last === undefined) return null
  const values = [
    ...new Set(
      found.map(({ from, to }) =>
        tokens
          .slice(from, to)
          .map((one) => one.text)
          .join(' '),
      ),
    ),
  ]
  return toFinding(text, values, {
    from: first.from,
    to: last.to,
    rule: isTag ? 'flavour/tag' : 'flavour/list',
    confidence: 0.9,
  })
}

const TAG_PREFIXES = toWordSet('tag flavor flavour flavors flavours note notes taste tasting')

/** `chocolatey`, `tag_dark_chocolate`: the whole tag is a flavour. */
function findTagFlavour(tokens: readonly Token[]): Match<true>[] {
  const from = TAG_PREFIXES.has(tokens[0]?.text ?? '') ? 1 : 0
  return findPhrases(tokens, LEXICON, { from }).filter(
    (one) => one.from === from && one.to === tokens.length,
  )
}

function findListedFlavours(tokens: readonly Token[]): Match<true>[] {
  const [label] = findPhrases(tokens, LABELS)
  if (label === undefined) return []
  const found: Match<true>[] = []
  for (let at = label.to; at < tokens.length && found.length < NOTES_MAX;) {
    const [flavour] = findPhrases(tokens, LEXICON, { from: at, to: at + 3 })
    if (flavour?.from === at) found.push(flavour)
    else if (
      !FILLERS.has(tokens[at]?.text ?? '') ||
      (found.length > 0 && tokens[at]?.before === '\n')
    )
      break
    at = flavour?.from === at ? flavour.to : at + 1
  }
  return found
}
