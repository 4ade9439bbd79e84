// The names under which decisions without a person are recorded: `rule 7` of a rule of reviews, and
// `threshold` of a proposal's confidence. No person may have them; `catalog.assert_person` refuses them too.

export function isReservedName(name: string): boolean {
  return /^\s*(rule\s*\d+|threshold)\s*$/i.test(name)
}
