// The defects that the toy connector can have, so that each check of the suite is seen to catch the
// defect that it exists for.

/** The ways in which a toy connector can be wrong. */
export const DEFECTS = [
  'takes any settings',
  'has a setting for its key',
  'masks the price',
  'names no place of its ids',
  'counts in its titles',
  'identifies by normalising',
  'resumes a page too late',
  'keeps all pages',
  'requests what was created since',
  'takes any end for the end',
  'takes a failed page for the end',
  'takes nothing for the end',
  'refuses repeated products',
  'expects the order of ids',
  'throws what has no name',
  'makes up ids',
  'ignores Retry-After',
  'gives up at 429',
  'gives up at 5xx',
  'passes over silence',
  'passes over cuts',
  'decodes piece by piece',
  'masks nothing',
  'scans nothing and counts in its titles',
  'does not hear the signal',
  'quotes its key',
  'compares each with each',
  'declares its key as no secret',
  'quotes a wrong value',
  'makes requests without a key',
  'sends its key to any host',
  'probes nothing',
  'has an option without a setting',
  'declares no scope',
  'ignores the instant',
  'ignores the keys',
  'takes keys for everything',
] as const
export type Defect = (typeof DEFECTS)[number]

/** True for the defect that a toy has. */
export type Has = (defect: Defect) => boolean
