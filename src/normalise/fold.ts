// Folds text for matching: lower case, no accents, ASCII digits, decoded entities, no HTML tags.
// Each folded character keeps the place that it came from, so that a parser can quote the original.

/** Folded text with the original beside it. */
export interface FoldedText {
  readonly raw: string
  readonly folded: string
  /** For each UTF-16 unit of `folded`, and for its end: the unit of `raw` where it begins. */
  readonly starts: Uint32Array
  /** For each UTF-16 unit of `folded`: the unit of `raw` just after its source. */
  readonly ends: Uint32Array
}

/** Letters that Unicode does not decompose into a base letter and a mark. */
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
}

/** Signs with one meaning and several code points. `⁄` divides the parts of `½`. */
const PLAIN_SIGNS: Readonly<Record<string, string>> = {
  '⁄': '/',
  '∕': '/',
  '×': '*',
  '✕': '*',
  '✖': '*',
  '⨯': '*',
  '‐': '-',
  '‑': '-',
  '‒': '-',
  '–': '-',
  '—': '-',
  '−': '-',
  '’': "'",
  '‘': "'",
  '\u00ad': '',
  '\u200b': '',
  '\ufeff': '',
}

/** The named entities that shop software writes into names; numeric ones are decoded as well. */
const NAMED_ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  times: '×',
  frac12: '½',
  frac14: '¼',
  frac34: '¾',
  deg: '°',
  eacute: 'é',
  euro: '€',
  pound: '£',
  yen: '¥',
}

/** An entity, a tag, or a run of characters without either, in this order. */
const PIECE =
  /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}\d{0,2}));|<\/?[a-z!][^<>]{0,2000}>|[^&<]+|[&<]/giy

/** Tags inside a sentence; all others end a line. */
const INLINE_TAG = /^<\/?(?:a|b|em|font|i|small|span|strong|u)\b/i

/** Decimal digits of other scripts: the code point of their zero. NFKC leaves them unchanged. */
const DIGIT_ZEROS = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50]

/** Folds `raw` in one pass; the work is linear in its length. */
export function foldText(raw: string): FoldedText {
  const target = new FoldedWriter()
  PIECE.lastIndex = 0
  for (let match = PIECE.exec(raw); match; match = PIECE.exec(raw)) {
    const [piece, decimal, hex, name] = match
    const entity = decodeEntity(decimal, hex, name)
    if (entity !== null) target.add(foldCharacter(entity), match.index, PIECE.lastIndex)
    else if (piece.length > 1 && piece.startsWith('<'))
      target.add(INLINE_TAG.test(piece) ? ' ' : '\n', match.index, PIECE.lastIndex)
    else foldRun(piece, match.index, target)
  }
  return target.finish(raw)
}

function decodeEntity(decimal?: string, hex?: string, name?: string): string | null {
  if (name !== undefined) return NAMED_ENTITIES[name.toLowerCase()] ?? null
  if (decimal === undefined && hex === undefined) return null
  const code = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal)
  const isValid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return isValid ? String.fromCodePoint(code) : null
}

function foldRun(piece: string, offset: number, target: FoldedWriter): void {
  let at = offset
  for (const character of piece) {
    target.add(foldCharacter(character), at, at + character.length)
    at += character.length
  }
}

/** Folds one code point; the result may be empty or longer. */
function foldCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return code >= 0x41 && code <= 0x5a ? character.toLowerCase() : character
  const sign = PLAIN_SIGNS[character]
  if (sign !== undefined) return sign
  const zero = DIGIT_ZEROS.find((first) => code >= first && code < first + 10)
  if (zero !== undefined) return String(code - zero)
  const letters = character
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .normalize('NFKC')
    .toLowerCase()
  const plain = Array.from(letters, foldLetter).join('')
  // A blank before a fraction keeps the parts of `1½` apart.
  return plain.includes('/') && plain.length > 1 ? ` ${plain}` : plain
}

function foldLetter(letter: string): string {
  return PLAIN_LETTERS[letter] ?? PLAIN_SIGNS[letter] ?? letter
}

/** Collects folded text with its places in typed arrays that grow as needed. */
class FoldedWriter {
  readonly #pieces: string[] = []
  #starts = new Uint32Array(64)
  #ends = new Uint32Array(64)
  #length = 0

  add(text: string, start: number, end: number): void {
    if (text === '') return
    this.#pieces.push(text)
    if (this.#length + text.length >= this.#starts.length) this.#grow()
    for (let at = 0; at < text.length; at++, this.#length++) {
      this.#starts[this.#length] = start
      this.#ends[this.#length] = end
    }
  }

  finish(raw: string): FoldedText {
    return {
      raw,
      folded: this.#pieces.join(''),
      starts: this.#starts.subarray(0, this.#length),
      ends: this.#ends.subarray(0, this.#length),
    }
  }

  #grow(): void {
    this.#starts = doubled(this.#starts)
    this.#ends = doubled(this.#ends)
  }
}

function doubled(places: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(places.length * 2)
  grown.set(places)
  return grown
}
