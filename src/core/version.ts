// The version of Shelfsync, used in manifests and User-Agent headers. scripts/check.ts compares it
// with package.json.

export const VERSION = '0.1.0'
