// The name of a rule of reviews, under which its decisions are recorded. No person may have it;
// `catalog.assert_person` refuses it too.

export function isRuleName(name: string): boolean {
  return /^\s*rule\s*\d+\s*$/i.test(name)
}
