// The entry of the npm package: everything that `import … from 'shelfsync'` offers. docs/library.md
// describes it.

export { plan, sync } from './app/library.ts'
export type {
  Change,
  PlanOptions,
  PlanReport,
  SourceOptions,
  SyncOptions,
  SyncReport,
} from './app/library.ts'
export type {
  Connector,
  Cursor,
  FetchRequest,
  Page,
  ProbeRequest,
  Scan,
  Scope,
} from './core/connector.ts'
export type { CredentialSchema, CredentialVariable } from './core/credentials.ts'
export { defineConnector, toPage } from './core/define-connector.ts'
export type {
  ConnectorDefinition,
  NewDraft,
  NewPrice,
  NewVariant,
} from './core/define-connector.ts'
export type { ErrorCode } from './core/error-table.ts'
export { SyncError } from './core/errors.ts'
export type { Http, HttpRequest, HttpResponse } from './core/http.ts'
export type { Json } from './core/json.ts'
export type { Ledger } from './core/ledger.ts'
export { DraftSchema } from './core/product-schema.ts'
export type {
  Availability,
  Disagreement,
  Draft,
  Image,
  Price,
  PriceClaim,
  ProductStatus,
  Provenance,
  Term,
  Variant,
} from './core/product.ts'
export type { Schedule } from './core/schedule.ts'
export { readJson } from './lib/read-json.ts'
