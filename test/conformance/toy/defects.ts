// Defects of the toy connector. Each check of the suite is tested with the defect that it detects.

/** The defects that a toy connector can have. */
export const DEFECTS = [
  'accepts any settings',
  'has a setting for its key',
  'masks the price',
  'does not declare idPaths',
  'puts a counter into titles',
  'normalises to find the id',
  'resumes one page too late',
  'keeps all pages',
  'requests created instead of changed products',
  'treats a truncated feed as complete',
  'treats a failed page as the end',
  'treats an empty response as complete',
  'refuses repeated products',
  'expects the order of ids',
  'throws errors without a code',
  'invents ids',
  'ignores Retry-After',
  'gives up at 429',
  'gives up at 5xx',
  'ignores a stalled response',
  'ignores a reset connection',
  'decodes each piece separately',
  'masks no volatile member',
  'does not scan, and puts a counter into titles',
  'ignores the signal',
  'quotes its key',
  'compares all pairs of elements',
  'declares its key as not secret',
  'quotes an invalid value',
  'makes requests without a key',
  'sends its key to any host',
  'does not probe',
  'has an option without a setting',
  'declares no scope',
  'ignores the instant',
  'ignores the keys',
  'reports a fetch by keys as complete',
] as const
export type Defect = (typeof DEFECTS)[number]

/** Returns true for the defect of this toy connector. */
export type Has = (defect: Defect) => boolean
