// The version of Shelfsync, as manifests and User-Agent headers state it. scripts/check.ts compares
// it with package.json.

export const VERSION = '0.1.0'
