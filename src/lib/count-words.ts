// Counts in sentences, with the noun and the verb in the right number.

/** `1 image has no address`, `2 images have no address`. The phrase begins with a plural verb. */
export function countAll(n: number, noun: string, phrase: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'} ${agree(n, phrase)}`
}

/** `1 of 3 variants has no price`, `2 of 3 variants have no price`. */
export function countSome(n: number, total: number, noun: string, phrase: string): string {
  return `${n} of ${total} ${noun}${total === 1 ? '' : 's'} ${agree(n, phrase)}`
}

/** The verbs that agree: those at the beginning and after "and". */
function agree(n: number, phrase: string): string {
  if (n !== 1) return phrase
  return phrase.replaceAll(
    /(^|\band )(have|are|may|share)\b/g,
    (_, before: string, verb: string) => {
      const singular = { have: 'has', are: 'is', share: 'shares' }[verb] ?? verb
      return before + singular
    },
  )
}
