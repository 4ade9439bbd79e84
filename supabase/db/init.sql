-- Shelfsync's schema, for Postgres 15, 16, 17 and 18. Run it once, on a database without the schema.
-- Afterwards `shelfsync migrate` applies newer migrations.
-- Generated from supabase/migrations by scripts/write-migrations.ts: do not edit.

begin;
set local statement_timeout = 0;

create schema if not exists catalog;
create table if not exists catalog.migrations (
  version    text primary key,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now()
);
alter table catalog.migrations enable row level security;

do $$
begin
  if exists (select from catalog.migrations) then
    raise exception 'Shelfsync is already installed in this database: run "shelfsync migrate" instead.';
  end if;
end
$$;

-- 20261122000010_run_tables.sql

-- Generated from supabase/schemas/10_run_tables.sql until the first release: do not edit.

-- Sources, their runs, and the tables that runs work with. Schema `catalog` is private: it is not exposed to
-- the Data API, and row security is on for every table without a policy. Every primary key begins with the
-- source, so that the catalogue can be split by source without a rewrite.

create schema if not exists catalog;
create schema if not exists api;
comment on schema catalog is 'Shelfsync: all tables. Private; readers use schema api.';
comment on schema api is 'Shelfsync: views for readers and the Data API.';

-- One configured catalogue: a connector, its settings, its schedule and its policy.
create table catalog.sources (
  id                 integer generated always as identity primary key,
  name               text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  -- Names that it had before: keys of older artifacts begin with them.
  former_names       text[] not null default '{}',
  connector          text not null,
  settings           jsonb not null default '{}',
  -- Key in catalog.marketplaces; null for other connectors than Amazon.
  marketplace        text generated always as (
                       case when connector = 'amazon'
                         then coalesce(settings ->> 'marketplace', 'www.amazon.com') end) stored,
  -- Facts that rpc_upsert_roaster states: {name, platform, website, support_email, instagram_handle, social}.
  roaster            jsonb,
  -- Options that belong to no connector: pack, unitPrice, filters, tags. See
  -- src/core/source-options.ts.
  options            jsonb not null default '{}',
  schedule           jsonb not null default '{}',
  -- Last change of the schedule's times; no earlier time is due.
  schedule_set_at    timestamptz not null default now(),
  -- Next time of the schedule, as a scheduler has computed it; null until one does.
  due_at             timestamptz,
  -- Last change of the schedule's refreshes.
  refresh_set_at     timestamptz not null default now(),
  policy             jsonb not null default '{}',
  state              text not null default 'active' check (state in ('active', 'paused')),
  -- Normaliser version of the last full run. Null before the first one, 0 after the settings or the
  -- options have changed.
  normaliser_version integer,
  -- Next product number; numbers follow the order of appearance.
  next_seq           integer not null default 0,
  watermark          timestamptz,                    -- newest source time of the last settled run
  -- Newest full or incremental run with a complete artifact.
  latest_run         bigint,
  last_full_at       timestamptz,                    -- start of the last settled full run
  -- Run whose artifact `latest.ndjson` contains; null without a copy.
  copied_run         bigint,
  -- Failed attempts to write that copy, since the source was added.
  copy_failures      integer not null default 0,
  -- Error of the last attempt to write that copy; null if it succeeded.
  copy_error         text,
  -- Runs in a row whose error was the host's, with the class of the last one; 0 after the host has responded.
  failures           integer not null default 0,
  failure_class      text check (failure_class in ('gone', 'closed', 'blocked', 'unreachable', 'malformed')),
  failing_since      timestamptz,                    -- end of the first of these runs
  failed_at          timestamptz,                    -- end of the last one
  created_at         timestamptz not null default now(),
  check ((failures = 0) = (failure_class is null) and (failures = 0) = (failing_since is null)
    and (failures = 0) = (failed_at is null))
);

create index sources_due on catalog.sources (due_at) where state = 'active';

create index sources_refreshing on catalog.sources (id) where schedule ? 'refresh' and state = 'active';

-- One attempt to update a source. This row is authoritative: a lost queue or process is replaced from it.
create table catalog.runs (
  source_id          integer not null references catalog.sources (id),
  id                 bigint generated always as identity,
  kind               text not null check (kind in ('full', 'incremental', 'refresh', 'import', 'replay')),
  state              text not null default 'running'
                     check (state in ('running', 'interrupted', 'fetched', 'succeeded', 'held', 'failed',
                                      'rejected', 'superseded', 'cancelled', 'partial')),
  reason             text,
  error_code         text,
  correlation_id     text not null,
  -- Run whose artifact is applied: itself, or an older one in a replay.
  artifact_run       bigint not null,
  -- Incremental: the time from which changes were requested.
  since              timestamptz,
  -- Refresh and import: the requested external ids, in order and without duplicates.
  keys               text[] check ((keys is not null) = (kind in ('refresh', 'import'))),
  normaliser_version integer not null,
  first_load         boolean not null,               -- the source had no product when the run started
  queued             boolean not null default false, -- executed by workers of the queue, not by one process
  by_schedule        boolean not null default false, -- started by the schedule of the source, not by a person
  -- Of a manual run: stages, chunkSize, offset, limit, debug, import.
  options            jsonb not null default '{}',
  started_at         timestamptz not null default clock_timestamp(),
  -- When it was last started or resumed.
  last_started_at    timestamptz not null default clock_timestamp(),
  -- When the worker that settled it began to; null before that.
  settle_began_at    timestamptz,
  finished_at        timestamptz,
  ledger             jsonb,
  -- The reason why a full run could not detect missing products, or why those of a held run that this one
  -- superseded were not removed.
  removals_off       text,
  watermark          timestamptz,
  -- Bitmap over products.seq of the products that the run saw.
  seen               bytea,
  -- Refresh and import: why the supplier has no such product, by its id.
  refusals           jsonb not null default '{}',
  -- Results of a requested import, since it settled: see list_import_results.
  imports            jsonb,
  primary key (source_id, id)
);
create index runs_id on catalog.runs (id);
-- Refreshes and imports may run beside any other run.
create unique index runs_one_active on catalog.runs (source_id)
  where state in ('running', 'interrupted', 'fetched') and kind not in ('refresh', 'import');
create index runs_keyed_active on catalog.runs (source_id)
  where state in ('running', 'interrupted', 'fetched') and kind in ('refresh', 'import');
create index runs_held on catalog.runs (source_id, id) where state = 'held';
-- Runs of the whole source, and refreshes. A source may have thousands of keyed runs.
create index runs_whole on catalog.runs (source_id, id) where keys is null;
create index runs_whole_newest on catalog.runs (id) where keys is null;
create index runs_refreshes on catalog.runs (source_id, id) where kind = 'refresh';
-- count_week_runs reads this index and no row: metrics, alerts and health call it every few seconds.
create index runs_of_week on catalog.runs (started_at) include (source_id, state, error_code, kind)
  where kind in ('full', 'incremental', 'refresh');
create index runs_by_state on catalog.runs (state, id);
-- For list_runs since an instant, with imports: small, because runs are stored in the order of their start.
create index runs_started on catalog.runs using brin (started_at);
create index runs_explained on catalog.runs (source_id, id)
  where reason is not null and (error_code is not null or state in ('failed', 'interrupted'));
create index runs_quoting on catalog.runs (source_id, id) where refusals <> '{}'
  or imports @? '$[*].error.message ? (@ != "The message has expired")';
create index runs_removals_off on catalog.runs (source_id, id) where removals_off is not null;

-- Fencing tokens. Each lease gets a number that was never given before, and its worker proves it in every
-- transaction.
create sequence catalog.tokens;

-- The worker that owns a run or one task of it. Task `run` belongs to a process that executes the whole run;
-- `fetch`, `part N` and `settle` belong to workers of the queue. Leases have a separate table because batches
-- keep the run's row share-locked, and a renewal must never wait for a batch.
create table catalog.leases (
  source_id          integer not null,
  run_id             bigint not null,
  task               text not null check (task ~ '^(run|fetch|part [0-9]+|settle)$'),
  token              bigint not null,
  owner              text not null,
  expires_at         timestamptz not null,           -- from then on another worker may take over
  primary key (source_id, run_id, task),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

-- The result of a fetch, in immutable parts.
create table catalog.artifacts (
  source_id          integer not null,
  run_id             bigint not null,
  state              text not null default 'open' check (state in ('open', 'closed', 'purged')),
  complete           boolean not null default false, -- the connector proved that nothing is missing
  expected           bigint,                         -- number of records that the supplier reported
  watermark          timestamptz,
  warnings           jsonb not null default '[]',
  -- The error that ended the fetch early: the run settles what had arrived.
  error_code         text,
  -- Requests to the supplier, and those without a response of the status 2xx or 3xx.
  requests           integer not null default 0,
  failed_requests    integer not null default 0,
  closed_at          timestamptz,                    -- when the fetch ended
  -- From then on bytes may be missing. Once the state is `purged`, all of them are.
  purge_began_at     timestamptz,
  primary key (source_id, run_id),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

create index artifacts_kept on catalog.artifacts (source_id, run_id) where state <> 'purged';
create index artifacts_warned on catalog.artifacts (source_id, run_id) where warnings <> '[]';

-- One stored file of an artifact.
create table catalog.parts (
  source_id          integer not null,
  run_id             bigint not null,
  no                 integer not null,
  key                text not null,
  codec              text not null check (codec in ('zstd', 'gzip', 'none')),
  sha256             bytea not null,                 -- of the stored bytes
  line_count         bigint not null,
  raw_bytes          bigint not null,
  stored_bytes       bigint not null,
  cursor_after       jsonb,                          -- where the fetch resumes after this part
  -- When the part was requested; the supplier read its records later.
  requested_at       timestamptz not null default clock_timestamp(),
  -- When its first page had arrived.
  arrived_at         timestamptz not null default clock_timestamp(),
  created_at         timestamptz not null default clock_timestamp(),
  -- Time in which the fetch sent nothing while the part filled: for its turn of a limit, or before a retry.
  waited             interval not null default '0',
  primary key (source_id, run_id, no),
  foreign key (source_id, run_id) references catalog.artifacts (source_id, run_id)
);

-- Ends of runs, in the order in which they were committed; a run that failed and was retried has two. Rows
-- never change, so that a reader counts each one once.
create table catalog.run_ends (
  no                 bigint generated always as identity primary key,
  source_id          integer not null,
  run_id             bigint not null,
  state              text not null,
  seconds            double precision not null,      -- since the run was started, interruptions included
  -- Raw bytes archived since the previous end of the same run.
  bytes              bigint not null,
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);
create index run_ends_run on catalog.run_ends (source_id, run_id);

-- The position up to which a run has applied a part, and the products it saw there. Each batch commits it
-- with its rows.
create table catalog.checkpoints (
  source_id          integer not null,
  run_id             bigint not null,
  part_no            integer not null,
  lines_done         bigint not null,
  bytes_done         bigint not null,
  done               boolean not null,
  counts             jsonb not null,
  -- Deflated bitmap of products whose hash was already known.
  known              bytea not null,
  staged             bytea not null,                 -- deflated bitmap of products that went through staging
  -- Numbers of the products in the last batch, as big-endian int4: not yet in `staged`, which only the worker
  -- can unpack. Empty for a worker with a session, which adds them to `staged` itself.
  last_staged        bytea not null default '',
  began_at           timestamptz not null default clock_timestamp(), -- when a worker first began the part
  saved_at           timestamptz not null default clock_timestamp(), -- commit of the last batch
  primary key (source_id, run_id, part_no),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

-- Events of a run that its other rows do not keep.
--   claimed     a worker took the task, whose earlier worker is `from` in the detail if it had died
--   resumed     the run was running again, after the state, the error code and the time in the detail
--   copied      latest.ndjson was written, or not, after `seconds`
create table catalog.run_events (
  source_id          integer not null,
  run_id             bigint not null,
  id                 bigint generated always as identity,
  at                 timestamptz not null default clock_timestamp(),
  event              text not null check (event in ('claimed', 'resumed', 'copied')),
  task               text,
  worker             text,
  detail             jsonb not null default '{}',
  primary key (source_id, run_id, id),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

-- 20261122000011_catalogue_tables.sql

-- Generated from supabase/schemas/11_catalogue_tables.sql until the first release: do not edit.

-- The catalogue: products with their variants, prices and images, and the brands, organisations and
-- categories that records mention.

create table catalog.products (
  source_id          integer not null,
  external_id        text collate "C" not null,
  seq                integer not null,               -- number within the source; runs keep bitmaps over it
  status             text not null
                     check (status in ('draft', 'active', 'unavailable', 'filtered', 'removed')),
  title              text,
  description        text,
  brand              text,
  manufacturer       text,
  url                text,
  identifiers        jsonb not null default '{}',
  attributes         jsonb not null default '{}',
  -- External id of the product that replaces it.
  successor          text,
  -- Source of that product; null: the same source.
  successor_source   integer,
  source_updated_at  timestamptz,
  first_seen_at      timestamptz not null,
  changed_at         timestamptz not null,
  last_available_at  timestamptz,                    -- when it stopped being active; null while it is active
  -- The time from which its content must not be shown, see 53_licences.sql.
  expires_at         timestamptz,
  -- Time of the request for the record in this row. A run that finds the product unchanged renews it only
  -- where content expires.
  refreshed_at       timestamptz,
  purged_at          timestamptz,                    -- since when its expired content is removed
  run_id             bigint not null,                -- run whose artifact wrote the row last
  -- Place of the record in that artifact. Within one artifact the highest (source time, part, line) of a key
  -- wins.
  part_no            integer not null,
  line_no            integer not null,               -- see part_no
  normaliser_version integer not null,
  -- Hash of the record's bytes without its volatile members.
  record_hash        bytea not null,
  content_hash       bytea not null,                 -- hash of the normalised product
  warnings           jsonb,
  -- Of values that a rule has read in a text, by path (`attributes.process`, `variants.<id>.weightGrams`):
  -- {raw, rule, confidence, place}. Null if the supplier states all values.
  provenance         jsonb,
  raw                json,                          -- the record as the supplier sent it
  primary key (source_id, external_id)
);

-- `api.products` derives the uuid of a product from its key, so the table has no column for it.
create index products_id on catalog.products ((md5(source_id::text || ' ' || external_id)::uuid));
create index products_succeeded on catalog.products (successor_source) where successor_source is not null;
create index products_expiring on catalog.products (source_id, external_id) include (expires_at)
  where expires_at is not null;
create index products_purgeable on catalog.products (expires_at)
  where expires_at is not null and purged_at is null;

-- lz4 compresses a load's documents in a fraction of the time of pglz. Some servers are built without it.
do $$
begin
  alter table catalog.products alter raw set compression lz4, alter description set compression lz4,
    alter attributes set compression lz4, alter identifiers set compression lz4,
    alter provenance set compression lz4;
exception when feature_not_supported or invalid_parameter_value then null;
end $$;

create table catalog.variants (
  source_id           integer not null,
  product_external_id text collate "C" not null,
  external_id         text collate "C" not null,
  position            integer not null,
  title               text,
  sku                 text,
  gtin                text,
  options             jsonb not null default '{}',
  weight_grams        numeric,
  pack_count          integer,
  availability        text check (availability in ('in_stock', 'out_of_stock', 'preorder', 'discontinued')),
  removed_at          timestamptz,                   -- when its product stopped listing it
  primary key (source_id, product_external_id, external_id)
);
create index variants_gtin on catalog.variants (gtin) where gtin is not null;

-- One row for each change. A changed price is `pending` until its run settles and `held` if it failed a gate;
-- it is `superseded` if another price arrived before a decision. `current` and `past` are the published
-- history.
create table catalog.prices (
  source_id           integer not null,
  product_external_id text collate "C" not null,
  variant_external_id text collate "C" not null,
  price_type          text not null,
  run_id              bigint not null,
  amount_minor        bigint,                        -- null: the supplier withdrew the price
  currency            text not null check (currency ~ '^[A-Z]{3}$'),
  compare_at_minor    bigint,
  state               text not null
                      check (state in ('current', 'pending', 'held', 'past', 'rejected', 'superseded')),
  observed_at         timestamptz not null,
  -- Place of the record that stated it, in the artifact that the run applied.
  part_no             integer,
  line_no             integer,                       -- see part_no
  -- Run that made it current or rejected it, if it waited for the end of a run.
  settled_run         bigint,
  -- The supplier's price where a person has stated another one: {amountMinor, currency, compareAtMinor}.
  stated              jsonb,
  -- The end of the licence of a price that a newer record contradicts, or a person has rejected. Null: that
  -- of its product.
  expires_at          timestamptz,
  primary key (source_id, product_external_id, variant_external_id, price_type, run_id)
);
create index prices_waiting on catalog.prices (source_id, run_id) where state in ('pending', 'held');

create index prices_expiring on catalog.prices (expires_at) where expires_at is not null;

create table catalog.images (
  source_id           integer not null,
  product_external_id text collate "C" not null,
  position            integer not null,
  url                 text not null,
  alt                 text,
  sha256              bytea,                         -- of the stored copy
  cdn_url             text,                          -- of the stored copy
  state               text not null default 'new' check (state in ('new', 'stored', 'failed')),
  address_id          bigint,                        -- in `image_addresses`; null until it is looked at
  primary key (source_id, product_external_id, position)
);
create index images_new on catalog.images (source_id) where address_id is null and state = 'new';
create index images_address on catalog.images (address_id) where address_id is not null;

create table catalog.brands (
  source_id           integer not null references catalog.sources (id),
  external_id         text collate "C" not null,
  name                text not null,
  attributes          jsonb not null default '{}',
  changed_at          timestamptz not null,
  expires_at          timestamptz,                   -- the row must not be shown from then on
  primary key (source_id, external_id)
);
create index brands_expiring on catalog.brands (expires_at) where expires_at is not null;

create table catalog.organizations (
  like catalog.brands including all,
  foreign key (source_id) references catalog.sources (id)
);

create table catalog.categories (
  like catalog.brands including all,
  parent_external_id  text collate "C",
  foreign key (source_id) references catalog.sources (id)
);

-- 20261122000012_review_tables.sql

-- Generated from supabase/schemas/12_review_tables.sql until the first release: do not edit.

-- Missed products, quarantined records, reviews and changes.

-- Products that the last complete run did not see. The row is deleted when the product is seen again; a
-- second complete run in a row without the product removes it.
create table catalog.misses (
  source_id           integer not null references catalog.sources (id),
  external_id         text collate "C" not null,
  run_id              bigint not null,
  missed_at           timestamptz not null,
  primary key (source_id, external_id)
);

-- Records that could not be applied, with everything needed to find and replay them.
create table catalog.quarantine (
  source_id           integer not null references catalog.sources (id),
  id                  bigint generated always as identity,
  -- Run that quarantined it last: the run of the artifact, or a replay of it.
  run_id              bigint not null,
  artifact_run        bigint not null,
  part_no             integer not null,
  line_no             integer not null,
  byte_offset         bigint not null,
  byte_length         bigint not null,
  external_id         text collate "C",
  rule                text not null,
  message             text not null,
  raw                 bytea not null,                -- at most 64 KiB; the artifact has all of it
  state               text not null default 'open'
                      check (state in ('open', 'replayed', 'superseded', 'resolved', 'ignored')),
  -- Run that closed it; of an open record, null or a run before it was quarantined again.
  closed_run          bigint,
  created_at          timestamptz not null default clock_timestamp(),
  expires_at          timestamptz,                   -- of `raw` and `message`
  primary key (source_id, id),
  unique (source_id, artifact_run, part_no, line_no)
);
-- Every scrape of the metrics counts open records, the command line lists them by artifact, settle finds them
-- by run.
create index quarantine_open on catalog.quarantine (source_id, artifact_run) where state = 'open';
create index quarantine_newest on catalog.quarantine (id) where state = 'open';
create index quarantine_expiring on catalog.quarantine (expires_at) where expires_at is not null;
create index quarantine_run on catalog.quarantine (source_id, run_id);

-- Decisions that wait for a person.
--   price         a price that failed a gate
--   run           a whole run
--   disagreement  a price that the supplier states in different ways, see 35_disagreements.sql
--   proposal      a value that a later step proposes for an empty field, see 36_enrichments.sql
--   record        a quarantined record, see 44_decisions.sql
create table catalog.reviews (
  source_id           integer not null references catalog.sources (id),
  id                  bigint generated always as identity,
  kind                text not null check (kind in ('price', 'run', 'disagreement', 'proposal', 'record')),
  run_id              bigint not null,
  product_external_id text collate "C",
  variant_external_id text collate "C",
  price_type          text,
  reason              text not null,
  detail              jsonb not null default '{}',
  state               text not null default 'open'
                      check (state in ('open', 'approved', 'rejected', 'superseded')),
  opened_at           timestamptz not null default clock_timestamp(),
  decided_at          timestamptz,
  -- A person, a rule such as `rule 7`, or `threshold`, see propose_value.
  decided_by          text,
  expires_at          timestamptz,                   -- of the content in `reason` and `detail`
  primary key (source_id, id)
);
create index reviews_expiring on catalog.reviews (expires_at) where expires_at is not null;
create index reviews_open on catalog.reviews (source_id, run_id) where state = 'open';
create index reviews_of_runs on catalog.reviews (source_id, run_id) where kind = 'run';
create index reviews_oldest on catalog.reviews (id) where state = 'open';
-- Each record with a disagreement or a proposal is compared with the reviews of its product.
create index reviews_product on catalog.reviews (source_id, product_external_id, kind)
  where kind in ('disagreement', 'proposal', 'record') and state <> 'superseded';

-- Rules are listed with the number of reviews that each has decided.
create index reviews_by_rule on catalog.reviews (source_id, decided_by) where decided_by like 'rule %';

-- One value of a product is open as a proposal at a time.
create unique index reviews_proposals on catalog.reviews
  (source_id, product_external_id, (detail ->> 'field')) where kind = 'proposal' and state = 'open';

-- Accepted values of fields that the supplier leaves empty, beside the supplier's values and never among
-- them.
create table catalog.enrichments (
  source_id           integer not null references catalog.sources (id),
  product_external_id text collate "C" not null,
  field               text not null,                 -- path as in products.provenance: attributes.process
  value               jsonb not null,
  quotation           text not null,                 -- words of the product that the value relies on
  confidence          numeric not null check (confidence between 0 and 1),
  model               text not null,                 -- that proposed it
  content_hash        bytea not null,                -- of the product that the model read
  accepted_at         timestamptz not null default clock_timestamp(),
  -- The person who approved it, or `threshold`: its confidence reached the threshold of the source.
  accepted_by         text not null,
  expires_at          timestamptz,                   -- of the product when it was accepted
  primary key (source_id, product_external_id, field)
);
create index enrichments_expiring on catalog.enrichments (expires_at) where expires_at is not null;

-- Changes to products, by runs and by decisions of people. `position` is assigned under a lock, see
-- 87_feed.sql, so that a reader that follows it skips no change.
create table catalog.changes (
  source_id           integer not null references catalog.sources (id),
  run_id              bigint not null,
  -- Empty for `loaded`, which stands for a whole first load.
  product_external_id text collate "C" not null,
  -- The review whose decision made the change, see publish_decision; 0: the run itself.
  review_id           bigint not null default 0,
  kind                text not null
                      check (kind in ('loaded', 'created', 'updated', 'repriced', 'unavailable', 'removed',
                                      'returned')),
  position            bigint,                        -- null: not published yet
  detail              jsonb not null default '{}',
  -- The time of publication; before that, when the run made the change.
  changed_at          timestamptz not null default clock_timestamp(),
  expires_at          timestamptz,                   -- of the values in `detail`
  primary key (source_id, run_id, product_external_id, review_id)
);
create index changes_expiring on catalog.changes (expires_at) where expires_at is not null;
create unique index changes_position on catalog.changes (position) where position is not null;
create index changes_of_source on catalog.changes (source_id, position) where position is not null;
create index changes_product on catalog.changes (source_id, product_external_id);
create index changes_unpublished on catalog.changes (source_id, run_id) where position is null;

-- 20261122000013_constants.sql

-- Generated from supabase/schemas/13_constants.sql until the first release: do not edit.

-- Constants that more than one function uses. src/db/constants.test.ts compares those that TypeScript has
-- too.

-- Largest accepted lead of a supplier's clock over the server's: CLOCK_TOLERANCE_MS in
-- src/core/source-time.ts.
create function catalog.clock_tolerance() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '5 minutes' $$;

-- Fewer changed prices than this never hold a run as a price shift.
create function catalog.shifted_prices_min() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 5 $$;

-- Time after the expiry of a lease within which another worker of the queue takes over the task.
create function catalog.takeover_grace() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '5 seconds' $$;

-- First number of an advisory lock on a run.
create function catalog.run_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221287 $$;

-- First number of an advisory lock that marks the session of a lease's token.
create function catalog.token_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221286 $$;

-- First number of an advisory lock on the calls of a source.
create function catalog.call_lock_class() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 1936221285 $$;

-- Larger than every id: the run of an artifact that is newer than all others, or the start of a list.
create function catalog.max_id() returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 9223372036854775807 $$;

-- 20261122000014_documents.sql

-- Generated from supabase/schemas/14_documents.sql until the first release: do not edit.

-- Pure functions of JSON documents.

-- remove_member(doc, path) → the document without the member at the path; `*` in a path stands for every
-- index.
create function catalog.remove_member(doc jsonb, path text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(doc) = 'array' and path[1] = '*' then
    return (
      select coalesce(jsonb_agg(catalog.remove_member(e, path[2:]) order by i), '[]')
      from jsonb_array_elements(doc) with ordinality as t (e, i));
  elsif jsonb_typeof(doc) is distinct from 'object' or not doc ? path[1] then
    return doc;
  elsif cardinality(path) = 1 then
    return doc - path[1];
  end if;
  return jsonb_set(doc, path[1:1], catalog.remove_member(doc -> path[1], path[2:]));
end $$;

-- remove_members(doc, paths) → the document without the members at these paths, written with dots.
create function catalog.remove_members(doc jsonb, paths text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  path text;
begin
  foreach path in array paths loop
    doc := catalog.remove_member(doc, string_to_array(path, '.'));
  end loop;
  return doc;
end $$;

-- diff_members(before, after) → the members that differ, as {member: [before, after]}.
create function catalog.diff_members(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(k, jsonb_build_array(before -> k, after -> k) order by k), '{}')
  from (select jsonb_object_keys(before || after) as k) keys
  where before -> k is distinct from after -> k
$$;

-- diff_provenance(before, after) → {provenance: [before, after]} with the paths that differ; empty if none
-- does.
create function catalog.diff_provenance(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when before is not distinct from after then '{}'::jsonb else (
    select coalesce(jsonb_build_object('provenance', jsonb_build_array(
        jsonb_object_agg(key, value -> 0) filter (where value ->> 0 is not null),
        jsonb_object_agg(key, value -> 1) filter (where value ->> 1 is not null))), '{}')
    from jsonb_each(catalog.diff_members(coalesce(before, '{}'), coalesce(after, '{}')))) end
$$;

-- merge_kinds(first, last) → the kind of two changes that one run makes to a product. A product that returned
-- stays returned after a change of its other members.
create function catalog.merge_kinds(p_first text, p_last text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_first = 'returned' and p_last <> 'unavailable' then p_first
    when p_last = 'repriced' then p_first
    else p_last end
$$;

-- merge_details(first, last, kept) → the details of two changes that one run makes to a product: each member
-- from its value before the first to its value after the last. A member that has its first value again is
-- left out. The prices `p_kept` are left out too.
create function catalog.merge_details(p_first jsonb, p_last jsonb, p_kept text[]) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, value), '{}')
  from (
    select key, case when p_first ? key then jsonb_set(value, '{0}', p_first -> key -> 0) else value end
      as value
    from jsonb_each(p_first - p_kept || p_last)
  ) merged
  where value -> 2 is not null or value -> 0 is distinct from value -> 1
$$;

-- product_members(…) → the members of a product that a change reports.
create function catalog.product_members(
  status text, title text, description text, brand text, manufacturer text, url text, successor text,
  identifiers jsonb, attributes jsonb
) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('status', status, 'title', title, 'description', description, 'brand', brand,
    'manufacturer', manufacturer, 'url', url, 'successor', successor) || identifiers || attributes
$$;

-- add_counts(a, b) → the sum of two objects of counts, member by member.
create function catalog.add_counts(a jsonb, b jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_object_agg(key, total)
  from (
    select key, sum(value::bigint) as total
    from (select * from jsonb_each_text(a) union all select * from jsonb_each_text(b)) c
    group by key
  ) t
$$;

-- 20261122000015_quantities.sql

-- Generated from supabase/schemas/15_quantities.sql until the first release: do not edit.

-- Counts and shares in messages, in the spellings of src/cli/format/format.ts.

-- format_quantity(n, noun) → `1 product`, `1,250 products`.
create function catalog.format_quantity(n bigint, noun text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select to_char(n, 'FM999,999,999,999,990') || ' ' || noun || case when n = 1 then '' else 's' end
$$;

-- format_part(n, total, noun, one, many) → `1 of 30 products is missing` with `is missing` and `are missing`
-- for `one` and `many`.
create function catalog.format_part(n bigint, total bigint, noun text, one text, many text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('%s of %s %s', to_char(n, 'FM999,999,999,999,990'), catalog.format_quantity(total, noun),
    case when n = 1 then one else many end)
$$;

-- format_share(share) → the share in percent: `15 %`, `0.25 %`.
create function catalog.format_share(share numeric) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select trim_scale(round(100 * share, 2)) || ' %'
$$;

-- 20261122000016_image_tables.sql

-- Generated from supabase/schemas/16_image_tables.sql until the first release: do not edit.

-- Images that are stored: the copies by their content, and the addresses that they come from. The images of
-- products are rows of `images`, with the supplier's address. src/downstream/images fills these tables.

-- A stored copy, once for all products and sources whose image has this content.
create table catalog.blobs (
  sha256      bytea primary key check (octet_length(sha256) = 32),
  type        text not null,                   -- by its first bytes, such as `image/jpeg`
  bytes       bigint not null,
  width       integer,                         -- in pixels; null if its header does not state it
  height      integer,                         -- see width
  target      text not null,                   -- the setting IMAGES when it was stored
  object      text not null,                   -- the key or the id of the object there
  cdn_url     text not null,
  stored_at   timestamptz not null,
  -- Since when its object is being removed: nothing may refer to it until the row is deleted.
  removing_at timestamptz
);

-- The work at one host, which one process does at a time. A host that takes several requests at once, such as
-- that of a CDN, has several channels.
create table catalog.image_channels (
  channel      text collate "C" primary key,
  host         text not null,
  due_at       timestamptz,                    -- of its next address; null if none waits
  token        bigint not null default 0,      -- fencing token of the newest lease
  leased_until timestamptz,
  paused_until timestamptz,                    -- as the host demands, or because it is flagged
  refusals     integer not null default 0,     -- refused requests in a row
  flagged_at   timestamptz,                    -- since when it gets only one request a day
  flag_reason  text
);
create index image_channels_due on catalog.image_channels (due_at) where due_at is not null;

-- An address, once for all images that name it. Sizes and versions of one picture have the same key.
create table catalog.image_addresses (
  id            bigint generated always as identity primary key,
  key           bytea not null unique check (octet_length(key) = 32),
  url           text not null,                 -- as it is requested
  version       numeric,                       -- of the newest address, such as Shopify's `v`
  channel       text collate "C" not null,
  state         text not null default 'waiting' check (state in ('waiting', 'stored', 'failed')),
  due_at        timestamptz not null,
  attempts      integer not null default 0,    -- failed ones since the last success
  code          text,                          -- of the last failure
  reason        text,                          -- of the last failure
  sha256        bytea references catalog.blobs (sha256),
  etag          text,                          -- of the last response, for the next request
  last_modified text,                          -- see etag
  changed_at    timestamptz not null,          -- of its state or its last failure
  unused_since  timestamptz                    -- since when no image names it
);
create index image_addresses_waiting on catalog.image_addresses (channel, due_at) where state = 'waiting';
create index image_addresses_failed on catalog.image_addresses (id) where state = 'failed';
create index image_addresses_blob on catalog.image_addresses (sha256);
create index image_addresses_unused on catalog.image_addresses (unused_since) where unused_since is not null;

-- 20261122000017_marketplaces.sql

-- Generated from supabase/schemas/17_marketplaces.sql until the first release: do not edit.

-- Marketplaces of Amazon. The rows are those of src/connectors/amazon/marketplaces.ts, which the connector
-- reads; `src/connectors/amazon/views.test.ts` compares them. Hosts and regions are those of the retired
-- PA-API 5.0: the Creators API has one address for all marketplaces.

create table catalog.marketplaces (
  code          text collate "C" primary key,        -- header of requests, such as www.amazon.de
  -- The same in every database.
  id            uuid not null unique generated always as (md5('marketplace ' || code)::uuid) stored,
  region_name   text not null,                       -- of the country, such as Germany
  host          text not null,                       -- of PA-API 5.0
  region        text not null,                       -- of PA-API 5.0, such as eu-west-1
  currency      text not null check (currency ~ '^[A-Z]{3}$'),
  languages     text[] not null,                     -- the default one first
  -- Shown before the links of products state one. Requests use the tag of the source or of the environment.
  associate_tag text check (associate_tag ~ '^[A-Za-z0-9_-]{1,64}$')
);

insert into catalog.marketplaces (code, region_name, host, region, currency, languages)
  select 'www.amazon.' || domain, region_name, 'webservices.amazon.' || domain, region, currency,
    languages::text[]
  from (values
    ('com.au', 'Australia',            'us-west-2', 'AUD', '{en_AU}'),
    ('com.be', 'Belgium',              'eu-west-1', 'EUR', '{fr_BE,nl_BE,en_GB}'),
    ('com.br', 'Brazil',               'us-east-1', 'BRL', '{pt_BR}'),
    ('ca',     'Canada',               'us-east-1', 'CAD', '{en_CA,fr_CA}'),
    ('eg',     'Egypt',                'eu-west-1', 'EGP', '{en_AE,ar_AE}'),
    ('fr',     'France',               'eu-west-1', 'EUR', '{fr_FR}'),
    ('de',     'Germany',              'eu-west-1', 'EUR', '{de_DE,cs_CZ,en_GB,nl_NL,pl_PL,tr_TR}'),
    ('in',     'India',                'eu-west-1', 'INR', '{en_IN,hi_IN,kn_IN,ml_IN,ta_IN,te_IN}'),
    ('ie',     'Ireland',              'eu-west-1', 'EUR', '{en_IE}'),
    ('it',     'Italy',                'eu-west-1', 'EUR', '{it_IT}'),
    ('co.jp',  'Japan',                'us-west-2', 'JPY', '{ja_JP,en_US,zh_CN}'),
    ('com.mx', 'Mexico',               'us-east-1', 'MXN', '{es_MX}'),
    ('nl',     'Netherlands',          'eu-west-1', 'EUR', '{nl_NL}'),
    ('pl',     'Poland',               'eu-west-1', 'PLN', '{pl_PL}'),
    ('sg',     'Singapore',            'us-west-2', 'SGD', '{en_SG}'),
    ('sa',     'Saudi Arabia',         'eu-west-1', 'SAR', '{en_AE,ar_AE}'),
    ('es',     'Spain',                'eu-west-1', 'EUR', '{es_ES}'),
    ('se',     'Sweden',               'eu-west-1', 'SEK', '{sv_SE}'),
    ('com.tr', 'Türkiye',              'eu-west-1', 'TRY', '{tr_TR}'),
    ('ae',     'United Arab Emirates', 'eu-west-1', 'AED', '{en_AE,ar_AE}'),
    ('co.uk',  'United Kingdom',       'eu-west-1', 'GBP', '{en_GB}'),
    ('com',    'United States',        'us-east-1', 'USD', '{en_US,de_DE,es_US,ko_KR,pt_BR,zh_CN,zh_TW}')
  ) as marketplace (domain, region_name, region, currency, languages);

-- 20261122000018_callers.sql

-- Generated from supabase/schemas/18_callers.sql until the first release: do not edit.

-- Callers of the functions of schemas `pipeline` and `api`, which run as their owner. A right to execute
-- them is not enough: it is easily granted by accident.

-- assert_admitted(schema, roles, action, command): refuses a caller that has neither the rights of the
-- schema's owner nor those of one of the roles. In a function that runs as its owner, the setting `role`
-- names the role for which PostgREST works; a session can set it only to a role that it may take.
--   p_action    that is refused, as in `may not read the catalogue`
--   p_command   by which the owner admits the caller, as a format with the name of the caller
--   errors      SQLSTATE 42501 (insufficient_privilege)
create function catalog.assert_admitted(p_schema name, p_roles name[], p_action text, p_command text)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  caller name := case current_setting('role') when 'none' then session_user else current_setting('role') end;
begin
  if not pg_has_role(caller, (select nspowner from pg_namespace where nspname = p_schema), 'usage')
     and not exists (
       select from pg_roles r where r.rolname = any (p_roles) and pg_has_role(caller, r.oid, 'usage')) then
    raise exception using errcode = 'insufficient_privilege',
      message = format('permission denied: the role %s may not %s', caller, p_action),
      hint = 'The owner can allow it: ' || format(p_command, caller);
  end if;
end $$;

-- 20261122000019_failures.sql

-- Generated from supabase/schemas/19_failures.sql until the first release: do not edit.

-- The failures of hosts: how often in a row the runs of a source failed at its host, and when a failing
-- source is tried again. The classes come from src/core/failure-class.ts.

-- record_host_result(source, class): counts the end of a run. A class: the host has failed. Null: it has
-- responded, or the source has new settings, and the failures count from 0.
--   ordering    the source's row is locked before the row of its run, as by start_run
create function catalog.record_host_result(p_source integer, p_class text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_class is not null then
    update catalog.sources
      set failures = failures + 1, failure_class = p_class, failed_at = clock_timestamp(),
          failing_since = coalesce(failing_since, clock_timestamp()), due_at = null
      where id = p_source;
  else
    update catalog.sources
      set failures = 0, failure_class = null, failing_since = null, failed_at = null, due_at = null
      where id = p_source and failures > 0;
  end if;
end $$;

-- record_host_response(source, run): the host of the source has responded, unless the run is a replay or a
-- call, which request nothing.
create function catalog.record_host_response(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
      select from catalog.runs
      where source_id = p_source and id = p_run and kind <> 'replay' and not options ? 'call') then
    perform catalog.record_host_result(p_source, null);
  end if;
end $$;

-- is_flagged(failures) → whether a source is flagged: it is shown first, and its scheduled runs are spaced
-- out.
create function catalog.is_flagged(p_failures integer) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_failures >= 3
$$;

-- find_earliest_run(failures, failed_at) → the instant before which a flagged source has no scheduled run;
-- null for any other source. It is one day after its third failure in a row, then two and four, and at most
-- seven.
create function catalog.find_earliest_run(p_failures integer, p_failed_at timestamptz) returns timestamptz
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when catalog.is_flagged(p_failures)
    then p_failed_at + least(interval '7 days',
      interval '1 day' * 2 ^ least(p_failures - 3, 3)) end
$$;

-- 20261122000020_leases.sql

-- Generated from supabase/schemas/20_leases.sql until the first release: do not edit.

-- Leases: the worker that owns a run, or one task of it. Workers may execute these functions and read no
-- table.

-- fail(code, message): raises a named error.
--   errors      SQLSTATE SHELF; the hint is a code of src/core/error-table.ts
create function catalog.fail(code text, message text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'SHELF', hint = code, message = message;
end $$;

-- advisory_key(id) → the second number of an advisory lock, for a run's id or a lease's token.
create function catalog.advisory_key(p_id bigint) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select (p_id % 2147483647)::integer
$$;

-- lock_run_shared(run): taken for the length of a transaction by every worker that writes to the run.
--   ordering    a caller waits while another transaction ends the run; workers do not wait for each other
create function catalog.lock_run_shared(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock_shared(catalog.run_lock_class(), catalog.advisory_key(p_run))
$$;

-- lock_run_exclusive(run): taken by a transaction that ends the run. It waits until the transactions of all
-- workers have ended and lets no new one in. The lock of the run's row cannot do that: Postgres lets a new
-- sharer pass an update that waits, so overlapping batches would keep the update waiting forever. The lock
-- alone does not permit a write: the caller also checks the rows.
create function catalog.lock_run_exclusive(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock(catalog.run_lock_class(), catalog.advisory_key(p_run))
$$;

-- raise_lease_error(run, token, state, leased): fails with the reason why a worker has to stop.
--   state       of the run; null if it does not exist
--   leased      the token belongs to a lease
--   errors      run/cancelled (a person ended the run) · run/fenced (another worker has the lease, or it was
--               released) · run/over (the worker has the lease, but the run has ended)
create function catalog.raise_lease_error(p_run bigint, p_token bigint, p_state text, p_leased boolean)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_state = 'cancelled' then
    perform catalog.fail('run/cancelled', format('Run %s was cancelled', p_run));
  elsif p_leased or p_state is null then
    perform catalog.fail('run/over', format('Run %s is over: it is %s', p_run, coalesce(p_state, 'gone')));
  else
    perform catalog.fail('run/fenced',
      format('Run %s is no longer leased to this worker (token %s): another one took it over', p_run,
      p_token));
  end if;
end $$;

-- assert_lease(source, run, token): proves, inside a transaction, that the caller owns the run or one task of
-- it.
--   fencing     both rows are share-locked: a takeover waits for this transaction, and after a takeover this
--               fails. A lease that expired without a takeover still counts. A key share lock lets renewals
--               pass
--   errors      see raise_lease_error
create function catalog.assert_lease(p_source integer, p_run bigint, p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  perform catalog.lock_run_shared(p_run);
  select state into current_state from catalog.runs where source_id = p_source and id = p_run for share;
  perform from catalog.leases where source_id = p_source and run_id = p_run and token = p_token for key share;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.raise_lease_error(p_run, p_token, current_state, leased);
  end if;
  -- Marks this session as the token's, for terminate_sessions.
  perform pg_catalog.pg_advisory_xact_lock_shared(catalog.token_lock_class(), catalog.advisory_key(p_token));
end $$;

-- terminate_sessions(token): ends the sessions in which the worker of an expired lease has a transaction
-- open. Such a worker may have been cut off in the middle of a COPY, behind a pooler that keeps the session
-- alive, and its locks would never be released. Does nothing where the owner of this function may not
-- terminate sessions: there the time limits of the session apply (src/db/pool.ts).
create function catalog.terminate_sessions(p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_catalog.pg_terminate_backend(l.pid)
    from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.classid = catalog.token_lock_class()::oid
      and l.objid = catalog.advisory_key(p_token)::oid and l.objsubid = 2 and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database());
exception when insufficient_privilege then null;
end $$;

-- take_lease(source, run, task, owner, dead_owner, duration) → (token, previous_owner)
--   token            new; null while another worker's lease lasts, unless that worker is `p_dead_owner`
--   previous_owner   the worker that had the lease and did not release it
--   ordering         waits for the transaction that the previous owner has open; never while its lease lasts
create function catalog.take_lease(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval,
  out token bigint, out previous_owner text
) language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if exists (
      select from catalog.leases l
      where l.source_id = p_source and l.run_id = p_run and l.task = p_task
        and l.expires_at > clock_timestamp() and l.owner is distinct from p_dead_owner) then
    return;
  end if;
  perform catalog.terminate_sessions(l.token)
    from catalog.leases l
    where l.source_id = p_source and l.run_id = p_run and l.task = p_task
      and (l.expires_at <= clock_timestamp() or l.owner = p_dead_owner);
  -- Waits for the owner's open transaction, which an upsert alone would not do.
  select l.owner into previous_owner
    from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.task = p_task for update;
  insert into catalog.leases as l (source_id, run_id, task, token, owner, expires_at)
    values (p_source, p_run, p_task, nextval('catalog.tokens'), p_owner, clock_timestamp() + p_lease)
    on conflict (source_id, run_id, task) do update
      set token = excluded.token, owner = excluded.owner, expires_at = excluded.expires_at
      where l.expires_at <= clock_timestamp() or l.owner = p_dead_owner
    returning l.token into token;
end $$;

-- claim_task(source, run, task, owner, dead_owner, duration) → (token, previous_owner), as take_lease
--   recorded    as an event of the run
--   errors      run/over (the run has ended, or one process has taken all of it over) · run/active (another
--               worker has this task)
create function catalog.claim_task(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval,
  out token bigint, out previous_owner text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.lock_run_shared(p_run);
  perform from catalog.runs
    where source_id = p_source and id = p_run and state = 'running' and queued for share;
  if not found then
    perform catalog.fail('run/over', format('Run %s no longer waits for workers', p_run));
  end if;
  select l.token, l.previous_owner into token, previous_owner
    from catalog.take_lease(p_source, p_run, p_task, p_owner, p_dead_owner, p_lease) l;
  if token is null then
    perform catalog.fail('run/active',
      format('Another worker has the lease of "%s" of run %s', p_task, p_run));
  end if;
  insert into catalog.run_events (source_id, run_id, event, task, worker, detail)
    values (p_source, p_run, 'claimed', p_task, p_owner,
      jsonb_strip_nulls(jsonb_build_object('from', previous_owner)));
end $$;

-- find_lease_owner(source, run, task) → the owner, also of an expired lease; null without a lease.
create function catalog.find_lease_owner(p_source integer, p_run bigint, p_task text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select owner from catalog.leases where source_id = p_source and run_id = p_run and task = p_task
$$;

-- renew_lease(source, run, token, duration): the lease expires `p_lease` from now.
--   ordering    never waits for a batch
--   errors      see raise_lease_error
create function catalog.renew_lease(p_source integer, p_run bigint, p_token bigint, p_lease interval)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  select state into current_state from catalog.runs where source_id = p_source and id = p_run;
  update catalog.leases set expires_at = clock_timestamp() + p_lease
    where source_id = p_source and run_id = p_run and token = p_token;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.raise_lease_error(p_run, p_token, current_state, leased);
  end if;
end $$;

-- release_task(source, run, token): deletes the lease, so that another worker may claim the task at once.
--   idempotent  a token that belongs to no lease changes nothing
create function catalog.release_task(p_source integer, p_run bigint, p_token bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.leases where source_id = p_source and run_id = p_run and token = p_token
$$;

-- record_resumption(run): records that the run, which stopped or whose worker died, is running again. The
-- reason is kept unless it may quote content whose licence ends.
create function catalog.record_resumption(p_run catalog.runs) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into catalog.run_events (source_id, run_id, event, detail)
    values (p_run.source_id, p_run.id, 'resumed', jsonb_strip_nulls(jsonb_build_object(
      'state', p_run.state, 'code', p_run.error_code, 'stopped_at', p_run.finished_at,
      'reason', case when catalog.expires_after(p_run.source_id) is null then p_run.reason end)));
end $$;

-- 20261122000021_runs.sql

-- Generated from supabase/schemas/21_runs.sql until the first release: do not edit.

-- Runs: started, resumed, extended, ended, cancelled and reopened.

-- may_resume(active, …) → whether a request may resume the source's active run instead of starting one. The
-- active run has to be younger than `p_resume_within` and of the same normaliser.
--   replay      resumes only the same replay
--   keyed run   resumes only a run of the same keys
--   other runs  resume a run of their kind that covers at least as much, or with `p_resume_any` any run but a
--               replay
--   p_refetch   a run that has fetched everything is not resumed, because the request is to fetch again
create function catalog.may_resume(
  p_active catalog.runs, p_kind text, p_since timestamptz, p_artifact_run bigint, p_resume_any boolean,
  p_normaliser_version integer, p_resume_within interval, p_options jsonb, p_refetch boolean, p_keys text[]
) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    p_active.started_at > clock_timestamp() - p_resume_within
    and p_active.normaliser_version = p_normaliser_version
    and case p_kind
      when 'refresh' then p_active.keys = p_keys
      when 'import' then p_active.keys = p_keys
      when 'replay' then
        p_active.kind = 'replay' and p_active.artifact_run = p_artifact_run
        and p_active.options = p_options
      else
        p_resume_any and p_active.kind <> 'replay'
        or p_active.kind = p_kind and (p_active.since is null or p_active.since <= p_since)
    end
    and not (p_refetch and p_active.state in ('interrupted', 'fetched') and not exists (
      select from catalog.artifacts a
      where a.source_id = p_active.source_id and a.run_id = p_active.artifact_run and a.state = 'open')),
    false)
$$;

-- resume_run(active, …) → the run, running again. Its leases are deleted, which fences their workers.
create function catalog.resume_run(
  p_active catalog.runs, p_correlation_id text, p_queued boolean, p_options jsonb
) returns catalog.runs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
begin
  perform catalog.record_resumption(p_active);
  update catalog.runs r
    set state = 'running', reason = null, error_code = null, last_started_at = clock_timestamp(),
        finished_at = null, correlation_id = p_correlation_id, queued = p_queued, options = p_options
    where r.source_id = p_active.source_id and r.id = p_active.id returning * into run;
  delete from catalog.leases l where l.source_id = run.source_id and l.run_id = run.id;
  return run;
end $$;

-- insert_run(…) → a new run, with a new artifact unless it applies the one of `p_artifact_run`.
create function catalog.insert_run(
  p_source integer, p_kind text, p_since timestamptz, p_artifact_run bigint, p_normaliser_version integer,
  p_correlation_id text, p_queued boolean, p_options jsonb, p_keys text[],
  p_by_schedule boolean default false
) returns catalog.runs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
begin
  insert into catalog.runs
      (source_id, kind, since, keys, artifact_run, normaliser_version, correlation_id, queued, options,
        by_schedule, first_load)
    values (p_source, p_kind, p_since, p_keys, coalesce(p_artifact_run, 0), p_normaliser_version,
      p_correlation_id, p_queued, p_options, p_by_schedule,
      p_keys is null and not exists (select from catalog.products where source_id = p_source))
    returning * into run;
  if p_artifact_run is null then
    update catalog.runs r set artifact_run = run.id
      where r.source_id = p_source and r.id = run.id returning * into run;
    insert into catalog.artifacts (source_id, run_id) values (p_source, run.id);
  end if;
  return run;
end $$;

-- supersede_stale_keyed_runs(source, resume_within): supersedes interrupted refreshes and imports that
-- started too long ago to be resumed.
create function catalog.supersede_stale_keyed_runs(p_source integer, p_resume_within interval) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.runs
    set state = 'superseded', reason = 'it was interrupted for too long to be resumed',
        finished_at = clock_timestamp()
    where source_id = p_source and keys is not null and state = 'interrupted'
      and started_at <= clock_timestamp() - p_resume_within
$$;

-- take_over(active, dead_owner): ends the sessions of workers that had a lease of the run.
--   errors      run/active  a worker has a lease of the running run, unless it is `p_dead_owner`
create function catalog.take_over(p_active catalog.runs, p_dead_owner text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  worker text := (
    select l.owner from catalog.leases l
    where l.source_id = p_active.source_id and l.run_id = p_active.id and l.expires_at > clock_timestamp()
      and l.owner is distinct from p_dead_owner
    order by l.expires_at desc limit 1);
begin
  if p_active.state = 'running' and worker is not null then
    perform catalog.fail('run/active',
      format('Run %s of this source is under way on %s', p_active.id, split_part(worker, '/', 1)));
  end if;
  perform catalog.terminate_sessions(l.token)
    from catalog.leases l where l.source_id = p_active.source_id and l.run_id = p_active.id;
end $$;

-- is_scheduled(run, keyed) → whether a schedule may have started the run: a refresh, or a run of the whole
-- source.
create function catalog.is_scheduled(p_run catalog.runs, p_keyed boolean) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_keyed then p_run.kind = 'refresh' and p_run.options ? 'refreshTo'
              else p_run.kind in ('full', 'incremental') end
$$;

-- start_run(…) → the run, new or resumed (see may_resume); an active run that is not resumed is superseded.
--   started     this call started or resumed the run
--   token       null for a run of the queue: each of its tasks is claimed separately
--   superseded  the active run that was superseded, and its state before; null without one
--   idempotent  a second request for a queued run that is running returns it unchanged. With `p_after` (a
--               schedule's request: the last run that the scheduler has seen), a newer run of the source is
--               returned unchanged, in any state
--   keys        of a refresh or an import: the active run is then one of the same keys (a requested import
--               only with another one), else the one that is neither
--   ordering    requests for one source wait for each other
--   errors      run/active  another worker has the lease, unless it is `p_dead_owner`
create function catalog.start_run(
  p_source integer, p_kind text, p_since timestamptz, p_artifact_run bigint, p_resume_any boolean,
  p_normaliser_version integer, p_owner text, p_dead_owner text, p_lease interval, p_resume_within interval,
  p_correlation_id text, p_queued boolean, p_options jsonb, p_after bigint default null,
  p_refetch boolean default false, p_keys text[] default null
) returns table (
  run_id bigint, token bigint, started boolean, resumed boolean, kind text, since timestamptz,
  artifact_run bigint, first_load boolean, started_at timestamptz, superseded_run bigint,
  superseded_state text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  active catalog.runs;
  run catalog.runs;
  resumes boolean;
  given bigint;
begin
  perform from catalog.sources where id = p_source for update;
  perform catalog.supersede_stale_keyed_runs(p_source, p_resume_within);
  select * into active from catalog.runs r
    where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched')
      and r.keys is not distinct from p_keys and r.options ? 'import' = p_options ? 'import';
  resumes := catalog.may_resume(active, p_kind, p_since, p_artifact_run, p_resume_any, p_normaliser_version,
    p_resume_within, p_options, p_refetch, p_keys);
  if p_after is not null and active.id is null then
    select * into run from catalog.runs r
      where r.source_id = p_source and r.id > p_after and catalog.is_scheduled(r, p_keys is not null)
      order by r.id desc limit 1;
  elsif p_queued and active.queued and active.state = 'running' then
    run := active;
  end if;
  if run.id is not null then
    return query select run.id, null::bigint, false, true, run.kind, run.since, run.artifact_run,
      run.first_load, run.started_at, null::bigint, null::text;
    return;
  end if;
  perform catalog.take_over(active, p_dead_owner);
  update catalog.sources s set due_at = null where s.id = p_source and s.due_at is not null;
  if resumes then
    run := catalog.resume_run(active, p_correlation_id, p_queued, p_options);
  else
    update catalog.runs r
      set state = 'superseded', reason = 'a newer run that could not resume it has replaced it',
          finished_at = clock_timestamp()
      where r.source_id = p_source and r.id = active.id;
    run := catalog.insert_run(p_source, p_kind, p_since, p_artifact_run, p_normaliser_version,
      p_correlation_id, p_queued, p_options, p_keys, p_after is not null);
  end if;
  if not p_queued then
    select l.token into given from catalog.take_lease(p_source, run.id, 'run', p_owner, null, p_lease) l;
  end if;
  return query select run.id, given, true, resumes, run.kind, run.since, run.artifact_run, run.first_load,
    run.started_at, nullif(active.id, run.id), case when active.id <> run.id then active.state end;
end $$;

-- extend_run(source, run) → whether a fetch-only run will now be applied too. False if it has ended or is
-- not fetch-only.
create function catalog.extend_run(p_source integer, p_run bigint) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with extended as (
    update catalog.runs set options = options - 'stages'
    where source_id = p_source and id = p_run and state = 'running' and queued and options ? 'stages'
    returning 1)
  select exists (select from extended)
$$;

-- record_run_end(): a trigger that appends the end of a run to run_ends.
--   ordering    numbers follow the order of commits, so that a reader that remembers the last one misses none
create function catalog.record_run_end() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtext('catalog.run_ends'));
  insert into catalog.run_ends (source_id, run_id, state, seconds, bytes)
    select new.source_id, new.id, new.state, extract(epoch from new.finished_at - new.started_at),
      (select coalesce(sum(raw_bytes), 0) from catalog.parts p
       where p.source_id = new.source_id and p.run_id = new.id)
      - (select coalesce(sum(bytes), 0) from catalog.run_ends e
         where e.source_id = new.source_id and e.run_id = new.id);
  -- The schedule of a run that was resumed counts from its first start again.
  if new.last_started_at > new.started_at then
    update catalog.sources set due_at = null where id = new.source_id and due_at is not null;
  end if;
  return null;
end $$;

create trigger record_run_end after update of state on catalog.runs for each row
  when (old.state in ('running', 'interrupted') and new.state not in ('running', 'interrupted'))
  execute function catalog.record_run_end();

-- end_run(source, run, token, state, code, reason, failure): ends a run that did not reach settle.
--   interrupted the next sync may resume it
--   fetched     as requested, unless extend_run came first; the next sync may resume it too
--   partial     it applied only some lines, as requested
--   failed      with `run/too-many-quarantined` its artifact is closed as it is, and can be replayed
--   p_failure   the class of the error if the host of the source has failed; null for any other error
--   idempotent  a call of a worker without the lease changes nothing
create function catalog.end_run(
  p_source integer, p_run bigint, p_token bigint, p_state text, p_code text, p_reason text,
  p_failure text default null
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ended catalog.runs;
begin
  perform catalog.lock_run_exclusive(p_run);
  perform from catalog.sources where id = p_source for update;
  update catalog.runs r
    set state = p_state, error_code = p_code, reason = p_reason, finished_at = clock_timestamp()
    where source_id = p_source and id = p_run and state = 'running'
      and (p_state in ('interrupted', 'failed', 'partial') or p_state = 'fetched' and options ? 'stages')
      and exists (
        select from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.token = p_token)
    returning * into ended;
  if not found then return; end if;
  if p_code = 'run/too-many-quarantined' then
    update catalog.artifacts a set state = 'closed', warnings = a.warnings || to_jsonb(p_reason)
      where a.source_id = p_source and a.run_id = ended.artifact_run and a.state = 'open';
  end if;
  if p_failure is not null or p_state = 'fetched' then
    perform catalog.record_host_result(p_source, p_failure);
  end if;
end $$;

-- cancel_run(run) → the state of the run afterwards. A run that has ended stays as it is.
--   ordering    waits for open transactions of its workers; their next write fails with run/cancelled
--   errors      run/unknown
create function catalog.cancel_run(p_run bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ended text;
begin
  perform catalog.lock_run_exclusive(p_run);
  perform from catalog.sources s join catalog.runs r on r.source_id = s.id where r.id = p_run for update of s;
  update catalog.runs
    set state = 'cancelled', reason = 'cancelled by a person', finished_at = clock_timestamp()
    where id = p_run and state in ('running', 'interrupted', 'fetched');
  select state into ended from catalog.runs where id = p_run;
  if not found then
    perform catalog.fail('run/unknown', format('Run %s does not exist', p_run));
  end if;
  return ended;
end $$;

-- reopen_run(run) → whether the run is running for the queue again. Only the newest run of a source (of a
-- refresh or an import: the newest of the same keys), failed or interrupted, can be reopened.
create function catalog.reopen_run(p_run bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  stopped catalog.runs;
begin
  perform from catalog.sources s join catalog.runs r on r.source_id = s.id where r.id = p_run for update of s;
  select * into stopped from catalog.runs r where r.id = p_run;
  update catalog.runs r
    set state = 'running', queued = true, reason = null, error_code = null,
        last_started_at = clock_timestamp(), finished_at = null
    where r.id = p_run and r.state in ('failed', 'interrupted')
      and not exists (
        select from catalog.runs y
        where y.source_id = r.source_id and y.id > r.id and y.keys is not distinct from r.keys
          and y.options ? 'import' = r.options ? 'import');
  if not found then
    return false;
  end if;
  perform catalog.record_resumption(stopped);
  return true;
end $$;

-- interrupt_run(run, reason): ends a running run of the queue that no worker will finish, because its job is
-- a dead letter. The next sync may resume it.
create function catalog.interrupt_run(p_run bigint, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.lock_run_exclusive(p_run);
  update catalog.runs set state = 'interrupted', reason = p_reason, finished_at = clock_timestamp()
  where id = p_run and state = 'running' and queued
$$;

-- 20261122000022_queue.sql

-- Generated from supabase/schemas/22_queue.sql until the first release: do not edit.

-- Readers for the queue and the scheduler: runs with remaining work, and sources that may be due.

-- find_active_run(source, keys) → the run that is active, or that the next sync resumes; no row without one.
-- With keys: the refresh or import of these keys; with `p_import` the one that a person requested.
--   owner       of its last lease, if there is one
--   leased      that lease has not expired
create function catalog.find_active_run(
  p_source integer, p_keys text[] default null, p_import boolean default false
) returns table (
  id bigint, kind text, state text, queued boolean, artifact_run bigint, options jsonb, owner text,
  leased boolean, started_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, r.kind, r.state, r.queued, r.artifact_run, r.options, l.owner,
    r.state = 'running' and l.expires_at > clock_timestamp(), r.started_at
  from catalog.runs r
  left join lateral (
    select * from catalog.leases
    where source_id = r.source_id and run_id = r.id order by expires_at desc limit 1
  ) l on true
  where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched')
    and r.keys is not distinct from p_keys and r.options ? 'import' = p_import
$$;

-- load_run(source, run) → the members of a run that its workers need; no row if it does not exist.
create function catalog.load_run(p_source integer, p_run bigint)
returns table (
  kind text, since timestamptz, keys text[], artifact_run bigint, first_load boolean, started_at timestamptz,
  options jsonb, correlation_id text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select kind, since, keys, artifact_run, first_load, started_at, options, correlation_id
  from catalog.runs where source_id = p_source and id = p_run
$$;

-- list_due_sources() → the active sources that are due, or whose next time no scheduler has computed, up to
-- 1,000 of them, and the instant from which it counts.
--   last_run    newest full or incremental run; 0 without one
--   since       start of that run, or the last change of the schedule if that was later. An interrupted run
--               counts from its last resumption; one that was resumed and has ended counts from its first
--               start. Of a flagged source, not before find_earliest_run
--   at          the database's clock, by which a source is due
create function catalog.list_due_sources()
returns table (
  source text, schedule jsonb, last_run bigint, since timestamptz, schedule_set_at timestamptz, at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.schedule, coalesce(r.id, 0),
    greatest(case when r.state in ('interrupted', 'fetched') then r.last_started_at else r.started_at end,
      s.schedule_set_at, catalog.find_earliest_run(s.failures, s.failed_at)),
    s.schedule_set_at, clock_timestamp()
  from (
    -- Two conditions, so that each has the index.
    select * from catalog.sources where state = 'active' and due_at <= now()
    union all
    select * from catalog.sources where state = 'active' and due_at is null
      -- Such a source only has refreshes, see FullOn.
      and schedule ->> 'fullOn' is distinct from 'never'
    limit 1000
  ) s
  left join lateral (
    select id, state, started_at, last_started_at from catalog.runs
    where source_id = s.id and kind in ('full', 'incremental') order by id desc limit 1
  ) r on true
$$;

-- save_due_times(sources, set_at, due_at): the next times of these sources, whose schedules were set at the
-- times of `p_set_at`. A source whose schedule has changed meanwhile is computed again.
create function catalog.save_due_times(p_sources text[], p_set_at timestamptz[], p_due_at timestamptz[])
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources s set due_at = d.due_at
  from unnest(p_sources, p_set_at, p_due_at) as d (source, set_at, due_at)
  where s.name = d.source and date_trunc('milliseconds', s.schedule_set_at) = d.set_at
$$;

-- list_due_refreshes() → each active source with a refresh schedule and without a running run (of a source
-- that refreshes due products: without a running refresh), and the instant from which the schedule's next
-- time counts. Due products have a licence that ends, so failures of the host do not space their refreshes
-- out: the circuit breaker protects it.
--   last_run    newest refresh by schedule; 0 without one
--   after       the product up to which that run went; empty without one
--   since       start of that run, or the last change of the refresh schedule if that was later
create function catalog.list_due_refreshes()
returns table (source text, schedule jsonb, last_run bigint, after text, since timestamptz, at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.schedule, coalesce(r.id, 0), coalesce(r.options ->> 'refreshTo', ''),
    greatest(r.last_started_at, s.refresh_set_at,
      case when s.schedule #>> '{refresh,products}' <> 'due'
        then catalog.find_earliest_run(s.failures, s.failed_at) end),
    clock_timestamp()
  from catalog.sources s
  left join lateral (
    select id, options, last_started_at from catalog.runs
    where source_id = s.id and kind = 'refresh' and options ? 'refreshTo' order by id desc limit 1
  ) r on true
  where s.state = 'active' and s.schedule ? 'refresh' and not exists (
    select from catalog.runs a where a.source_id = s.id and a.state = 'running'
      and (a.kind = 'refresh' or s.schedule #>> '{refresh,products}' <> 'due'))
$$;

-- list_refresh_keys(source, products, after, limit) → the products of the next refresh, in its order.
--   all         active products after `p_after`, then those from the beginning
--   changing    those whose prices changed most often in the last 30 days; none without a change
--   due         see list_due_products
create function catalog.list_refresh_keys(p_source integer, p_products text, p_after text, p_limit integer)
returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_products = 'changing' then
    return query
      select p.external_id from catalog.products p
      join catalog.prices c on c.source_id = p.source_id and c.product_external_id = p.external_id
      where p.source_id = p_source and p.status = 'active' and c.state in ('current', 'past')
        and c.observed_at > greatest(p.first_seen_at, now() - interval '30 days')
      group by p.external_id order by count(*) desc, p.external_id limit p_limit;
  elsif p_products = 'due' then
    return query select d.external_id from catalog.list_due_products(p_source, p_limit) d;
  else
    return query
      select o.external_id
      from (
        (select p.external_id, 1 as lap from catalog.products p
          where p.source_id = p_source and p.status = 'active' and p.external_id > p_after collate "C"
          order by p.external_id limit p_limit)
        union all
        (select p.external_id, 2 from catalog.products p
          where p.source_id = p_source and p.status = 'active' and p.external_id <= p_after collate "C"
          order by p.external_id limit p_limit)
      ) o order by o.lap, o.external_id limit p_limit;
  end if;
end $$;

-- list_queued_runs(run) → each running run of the queue, or only `p_run`, with its work.
--   fetched     its artifact is closed: nothing more will be fetched
--   parts_left  parts that are not completely applied, in order
create function catalog.list_queued_runs(p_run bigint default null)
returns table (
  source_id integer, source text, run_id bigint, last_started_at timestamptz, options jsonb, fetched boolean,
  parts_left integer[]
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.source_id, s.name, r.id, r.last_started_at, r.options, a.state <> 'open', coalesce((
    select array_agg(p.no order by p.no)
    from catalog.parts p
    left join catalog.checkpoints c on c.source_id = p.source_id and c.run_id = r.id and c.part_no = p.no
    where p.source_id = r.source_id and p.run_id = r.artifact_run and not coalesce(c.done, false)), '{}')
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.state = 'running' and r.queued and (p_run is null or r.id = p_run)
$$;

-- list_obsolete_runs(runs) → those whose dead letters are obsolete: their source has succeeded since, or was
-- removed. A replay does not fetch from the supplier, so its success counts for replays only. A refresh or an
-- import counts for those of the same keys or of fewer, and a full run for all of them.
create function catalog.list_obsolete_runs(p_runs bigint[]) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select asked.id from unnest(p_runs) as asked (id)
  where not exists (
    select from catalog.runs r
    where r.id = asked.id and not exists (
      select from catalog.runs y
      where y.source_id = r.source_id and y.id >= r.id and y.state = 'succeeded'
        and case
          when r.keys is not null then y.kind = 'full' or y.keys @> r.keys
          when y.keys is not null then false
          else y.kind <> 'replay' or r.kind = 'replay'
        end))
$$;

-- 20261122000023_sources.sql

-- Generated from supabase/schemas/23_sources.sql until the first release: do not edit.

-- Sources: found, added and changed.

-- find_source(name) → the source; no row if it does not exist.
create function catalog.find_source(p_name text) returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name = p_name
$$;

-- list_sources(after, limit) → sources by name, after the name `p_after`; all of them without a limit.
create function catalog.list_sources(p_after text default null, p_limit integer default null)
returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name > coalesce(p_after, '') order by name limit p_limit
$$;

-- add_source(name, connector, settings, schedule, predecessor, options, policy) → the new source; no row if
-- the name is taken.
--   p_predecessor  the source that it continues, see begin_succession
--   p_policy       where it differs from the defaults, such as what the licence of the supplier allows
create function catalog.add_source(
  p_name text, p_connector text, p_settings jsonb, p_schedule jsonb, p_predecessor integer default null,
  p_options jsonb default '{}', p_policy jsonb default '{}'
) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  added catalog.sources;
begin
  insert into catalog.sources (name, connector, settings, schedule, options, policy)
    values (p_name, p_connector, p_settings, p_schedule, p_options, p_policy)
    on conflict (name) do nothing returning * into added;
  if added.id is not null then
    perform catalog.begin_succession(added.id, p_predecessor);
    return next added;
  end if;
end $$;

-- assert_idle(source): fails with `run/active` if a worker has a run of this source, or may take one.
create function catalog.assert_idle(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  active bigint := (
    select max(r.id) from catalog.runs r
    where r.source_id = p_source and r.state = 'running' and (r.queued or exists (
      select from catalog.leases l
      where l.source_id = p_source and l.run_id = r.id and l.expires_at > clock_timestamp())));
begin
  if active is not null then
    perform catalog.fail('run/active', format('Run %s of this source is running', active));
  end if;
end $$;

-- save_source(source, schedule, policy, state, settings, options) → the source afterwards.
--   null        leaves that member as it is; of the policy, only the given members change, see apply_licence
--   schedule    counts from now on if its times change, which `fullOn` does not; refreshes likewise
--   settings, options   may change what is fetched, and the product that an unchanged record becomes: an
--               interrupted or fetched run is superseded, and the next full run normalises every record
--               again. After new settings, the failures of the host count from 0
--   errors      run/active  a running run has read the old settings; nothing is changed
create function catalog.save_source(
  p_source integer, p_schedule jsonb, p_policy jsonb, p_state text, p_settings jsonb,
  p_options jsonb default null
) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  before jsonb;
begin
  select schedule into before from catalog.sources where id = p_source for update;
  perform catalog.apply_licence(p_source, p_policy);
  if coalesce(p_settings, p_options) is not null then
    perform catalog.assert_idle(p_source);
    update catalog.runs
      set state = 'superseded', reason = 'the settings of the source were changed',
          finished_at = clock_timestamp()
      where source_id = p_source and state in ('running', 'interrupted', 'fetched');
  end if;
  if p_settings is not null then
    perform catalog.record_host_result(p_source, null);
  end if;
  update catalog.sources
    set due_at = null, schedule = coalesce(p_schedule, schedule),
        policy = policy || coalesce(p_policy, '{}'),
        state = coalesce(p_state, state), settings = coalesce(p_settings, settings),
        options = coalesce(p_options, options),
        normaliser_version = case when coalesce(p_settings, p_options) is null then normaliser_version
                                  else 0 end,
        schedule_set_at = case
          when p_schedule - 'fullOn' - 'refresh' <> schedule - 'fullOn' - 'refresh' then clock_timestamp()
          else schedule_set_at end,
        refresh_set_at = case
          when p_schedule -> 'refresh' is distinct from schedule -> 'refresh' and p_schedule is not null
            then clock_timestamp()
          else refresh_set_at end
    where id = p_source;
  perform catalog.schedule_reads(p_source, before);
  return query select * from catalog.sources where id = p_source;
end $$;

-- set_source_state(source, state): pauses or resumes the source and changes nothing else, for a caller that
-- may not change settings. See save_source.
create function catalog.set_source_state(p_source integer, p_state text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.save_source(p_source, null, null, p_state, null);
end $$;

-- rename_source(source, name) → the source afterwards; no row if another source has this name. Artifacts
-- stay under the keys that they have. The next copy of `latest.ndjson` is written under the new name. Alerts
-- of the source follow, so that none is sent again.
--   errors      run/active  a worker of a running run writes under the old name
create function catalog.rename_source(p_source integer, p_name text) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  former text;
begin
  select name into former from catalog.sources where id = p_source for update;
  perform catalog.assert_idle(p_source);
  return query
    update catalog.sources s
      set name = p_name, copied_run = null,
          former_names = array(
            select distinct n from unnest(s.former_names || s.name) n where n <> p_name order by n)
      where s.id = p_source and not exists (select from catalog.sources o where o.name = p_name)
      returning s.*;
  if found then
    update catalog.alerts a set source = p_name, subject = p_name where a.source = former;
  end if;
end $$;

-- 20261122000024_artifacts.sql

-- Generated from supabase/schemas/24_artifacts.sql until the first release: do not edit.

-- Artifacts and their parts: archived by fetch, read by apply, removed by retention.

-- add_part(source, run, token, …) → when the part was archived. The caller has made its bytes durable.
--   age         time since the part was requested; `p_arrived_age` since its first page had arrived
--   waited      see the table
--   note        {complete, expected, watermark, warnings, facts}: the part is the last one, and closes the
--               artifact, see update_artifact
--   idempotent  the same part a second time changes nothing
--   errors      see raise_lease_error
create function catalog.add_part(
  p_source integer, p_run bigint, p_token bigint, p_no integer, p_key text, p_codec text, p_sha256 bytea,
  p_line_count bigint, p_raw_bytes bigint, p_stored_bytes bigint, p_cursor_after jsonb, p_age interval,
  p_note jsonb default null, p_arrived_age interval default '0', p_waited interval default '0'
) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.parts
      (source_id, run_id, no, key, codec, sha256, line_count, raw_bytes, stored_bytes, cursor_after,
        requested_at, arrived_at, waited)
    values (p_source, p_run, p_no, p_key, p_codec, p_sha256, p_line_count, p_raw_bytes, p_stored_bytes,
      p_cursor_after, clock_timestamp() - p_age, clock_timestamp() - p_arrived_age, p_waited)
    on conflict do nothing;
  if p_note is not null then
    perform catalog.update_artifact(p_source, p_run, p_token, true, (p_note ->> 'complete')::boolean,
      (p_note ->> 'expected')::bigint, (p_note ->> 'watermark')::timestamptz, p_note -> 'warnings',
      p_note -> 'facts');
  end if;
  return (select created_at from catalog.parts where source_id = p_source and run_id = p_run and no = p_no);
end $$;

-- update_artifact(source, run, token, …): records the progress or the end of the fetch.
--   closed      nothing more will be fetched; `p_complete` is then the connector's proof that nothing is
--               missing
--   watermark   ignored if it is ahead by more than the clock tolerance: incremental runs would request no
--               changes until that time
--   facts       {error_code, requests, failed_requests}: see the table; without it, they stay
--   errors      see raise_lease_error
create function catalog.update_artifact(
  p_source integer, p_run bigint, p_token bigint, p_closed boolean, p_complete boolean, p_expected bigint,
  p_watermark timestamptz, p_warnings jsonb, p_facts jsonb default null
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  update catalog.artifacts
    set state = case when p_closed then 'closed' else state end,
        closed_at = case when p_closed then coalesce(closed_at, clock_timestamp()) end,
        complete = p_complete,
        expected = coalesce(p_expected, expected),
        watermark = greatest(
          case when p_watermark <= clock_timestamp() + catalog.clock_tolerance() then p_watermark end,
          watermark),
        warnings = p_warnings,
        error_code = case when p_facts is null then error_code else p_facts ->> 'error_code' end,
        requests = coalesce((p_facts ->> 'requests')::integer, requests),
        failed_requests = coalesce((p_facts ->> 'failed_requests')::integer, failed_requests)
    where source_id = p_source and run_id = p_run;
end $$;

-- find_artifact(source, run) → the artifact, `purged` once its licence has ended; no row if the run has none.
create function catalog.find_artifact(p_source integer, p_run bigint) returns setof catalog.artifacts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
    select shown.* from catalog.artifacts a cross join lateral catalog.show_artifact(a) shown
    where a.source_id = p_source and a.run_id = p_run;
end $$;

-- find_newest_artifact(source) → the run of the newest closed artifact whose licence has not ended; null
-- without one.
create function catalog.find_newest_artifact(p_source integer) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select a.run_id from catalog.artifacts a
    join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
    where a.source_id = p_source and a.state = 'closed' and a.purge_began_at is null and r.keys is null
      and not catalog.is_expired_artifact(a)
    order by a.run_id desc limit 1);
end $$;

-- find_newest_full_artifact(source) → the newest full run, in any state, whose artifact is complete and has
-- all its bytes, and whose licence has not ended; null without one.
create function catalog.find_newest_full_artifact(p_source integer) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select a.run_id
    from catalog.artifacts a join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
    where a.source_id = p_source and a.state = 'closed' and a.complete and a.purge_began_at is null
      and r.kind = 'full' and not catalog.is_expired_artifact(a)
    order by a.run_id desc limit 1);
end $$;

-- measure_part(source, run, no) → seconds since the first page of the part had arrived; null without the
-- part.
create function catalog.measure_part(p_source integer, p_run bigint, p_no integer) returns double precision
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from clock_timestamp() - arrived_at)
  from catalog.parts where source_id = p_source and run_id = p_run and no = p_no
$$;

-- list_parts(source, run) → the parts of the artifact, in order, see show_part.
create function catalog.list_parts(p_source integer, p_run bigint) returns setof catalog.parts
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query
    select shown.* from catalog.parts p cross join lateral catalog.show_part(p) shown
    where p.source_id = p_source and p.run_id = p_run order by p.no;
end $$;

-- record_copy(source, run, error, age): records that `latest.ndjson` contains the artifact of `p_run`, or
-- that writing it failed with `p_error`. Both null: the source has no copy.
--   age         how long it took; with it, the copy is an event of the run
create function catalog.record_copy(
  p_source integer, p_run bigint, p_error text, p_age interval default null
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into catalog.run_events (source_id, run_id, event, detail)
    select source_id, id, 'copied', jsonb_strip_nulls(jsonb_build_object(
      'seconds', extract(epoch from p_age), 'failed', case when p_error is not null then true end))
    from catalog.runs where source_id = p_source and id = p_run and p_age is not null;
  update catalog.sources
    set copied_run = case when p_error is null then p_run else copied_run end,
        copy_error = p_error,
        copy_failures = copy_failures + case when p_error is null then 0 else 1 end
    where id = p_source
$$;

-- list_retained_artifacts(source) → every artifact that is not purged, by run.
--   finished_at null while a run that applies the artifact, its own or a replay, is active
--   good        its run succeeded
--   whole       its run was a full one that succeeded, and it is complete with all its bytes
--   closed      nothing more will be fetched, and it has all its bytes
--   held        a run that applies it is held
--   latest      `replay` applies it by default
--   archived    it has parts in the store, not only in their rows, and no purge has started to remove them
--   expired     its licence has ended, and no worker has a lease for a run that applies it
create function catalog.list_retained_artifacts(p_source integer) returns table (
  run bigint, keyed boolean, started_at timestamptz, finished_at timestamptz, good boolean, whole boolean,
  closed boolean, held boolean, latest boolean, archived boolean, stored_bytes bigint, expired boolean
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select r.id, r.keys is not null, r.started_at,
    case when u.active then null else coalesce(r.finished_at, r.started_at) end, r.state = 'succeeded',
    r.kind = 'full' and r.state = 'succeeded' and a.state = 'closed' and a.complete
      and a.purge_began_at is null,
    a.state = 'closed' and a.purge_began_at is null, coalesce(u.held, false),
    s.latest_run is not distinct from r.id, p.in_store and a.purge_began_at is null,
    p.stored_bytes::bigint, catalog.is_expired_artifact(a) and not exists (
      select from catalog.runs u
      join catalog.leases l on l.source_id = u.source_id and l.run_id = u.id
      where u.source_id = a.source_id and u.artifact_run = a.run_id and l.expires_at > clock_timestamp())
  from catalog.artifacts a
  join catalog.sources s on s.id = a.source_id
  join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
  cross join lateral (
    select bool_or(u.state in ('running', 'interrupted', 'fetched')) as active,
      bool_or(u.state = 'held') as held
    from catalog.runs u where u.source_id = a.source_id and u.artifact_run = a.run_id
  ) u
  cross join lateral (
    select coalesce(sum(stored_bytes), 0) as stored_bytes,
      coalesce(bool_or(not starts_with(key, 'data:')), false) as in_store
    from catalog.parts p
    where p.source_id = r.source_id and p.run_id = r.id
  ) p
  where a.source_id = p_source and a.state <> 'purged' order by r.id;
end $$;

-- begin_purge(source, run): records that bytes of this artifact may be missing from now on.
--   idempotent  the first instant stays
create function catalog.begin_purge(p_source integer, p_run bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.artifacts set purge_began_at = now()
    where source_id = p_source and run_id = p_run and purge_began_at is null;
$$;

-- mark_purged(source, runs): records that the bytes of these artifacts have been removed, and deletes the
-- checkpoints and the claims of the runs that applied them. Those of calls are removed here: see
-- archive_call. A run that is interrupted, or fetched and not applied, cannot resume without its artifact: it
-- is superseded.
create function catalog.mark_purged(p_source integer, p_runs bigint[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.artifacts set state = 'purged'
    where source_id = p_source and run_id = any (p_runs) and state <> 'purged';
  update catalog.runs r
    set state = 'superseded', reason = 'its archive has expired', finished_at = clock_timestamp()
    where r.source_id = p_source and r.artifact_run = any (p_runs)
      and (r.state in ('interrupted', 'fetched') or r.state = 'running' and not exists (
        select from catalog.leases l
        where l.source_id = p_source and l.run_id = r.id and l.expires_at > clock_timestamp()));
  update catalog.parts set cursor_after = null
    where source_id = p_source and run_id = any (p_runs) and cursor_after is not null;
  update catalog.parts set key = 'data:application/x-ndjson;base64,'
    where source_id = p_source and run_id = any (p_runs) and starts_with(key, 'data:');
  delete from catalog.checkpoints
    where source_id = p_source and run_id in (
      select id from catalog.runs where source_id = p_source and artifact_run = any (p_runs));
  delete from catalog.run_events
    where source_id = p_source and event = 'claimed' and run_id in (
      select id from catalog.runs where source_id = p_source and artifact_run = any (p_runs));
$$;

-- 20261122000025_keyed_runs.sql

-- Generated from supabase/schemas/25_keyed_runs.sql until the first release: do not edit.

-- Keyed runs: runs of the kinds refresh and import, which cover named products. They may run beside any other
-- run of their source. They never prove that a product is missing, and they publish only what they wrote
-- themselves.

-- list_keyed_runs_beside(source, run) → older keyed runs that were active at some time since the run started.
-- A newer run beside it is keyed too, so `run_id > run or run_id = any (…)` selects all of them.
create function catalog.list_keyed_runs_beside(p_source integer, p_run bigint) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select k.id from catalog.runs r
    join catalog.runs k on k.source_id = r.source_id and k.id < r.id and k.kind in ('refresh', 'import')
      and (k.state in ('running', 'interrupted', 'fetched') or k.finished_at >= r.started_at)
    where r.source_id = p_source and r.id = p_run)
$$;

-- list_unpublished_by_others(source, run) → the runs whose pending prices and unpublished changes stay as
-- they are when this run is published or rejected.
--   keyed run   every other run that has not succeeded
--   other runs  keyed runs that are active, and newer keyed runs that are held. This run publishes all else
--               that older runs left unpublished
create function catalog.list_unpublished_by_others(p_source integer, p_run bigint) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select o.id from catalog.runs r
    join catalog.runs o on o.source_id = r.source_id and o.id <> r.id
    where r.source_id = p_source and r.id = p_run and case
      when r.kind in ('refresh', 'import') then o.state <> 'succeeded'
      else o.state in ('running', 'interrupted', 'fetched') or o.state = 'held' and o.id > r.id
    end)
$$;

-- load_requested_at(source, artifact_run, part) → when the part was requested, or the first part of the
-- artifact. The supplier may have read a record at any time from then on. Without a part, the start of the
-- run.
create function catalog.load_requested_at(p_source integer, p_artifact_run bigint, p_part integer)
returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    (select requested_at from catalog.parts
     where source_id = p_source and run_id = p_artifact_run and no = p_part),
    (select min(requested_at) from catalog.parts where source_id = p_source and run_id = p_artifact_run),
    (select started_at from catalog.runs where source_id = p_source and id = p_artifact_run))
$$;

-- is_newer_artifact(source, artifact_run, than) → whether the first artifact was requested after the second.
create function catalog.is_newer_artifact(p_source integer, p_artifact_run bigint, p_than bigint)
returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select (catalog.load_requested_at(p_source, p_artifact_run, null), p_artifact_run)
    > (catalog.load_requested_at(p_source, p_than, null), p_than)
$$;

-- list_overwritten_products(source, run) → numbers of products whose rows a keyed run wrote beside this run,
-- although it had requested them before this run did.
create function catalog.list_overwritten_products(p_source integer, p_run bigint) returns setof integer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  own bigint := (select artifact_run from catalog.runs where source_id = p_source and id = p_run);
  overwriting bigint[] := array(
    select k from unnest(catalog.list_keyed_runs_beside(p_source, p_run)) k
    where catalog.is_newer_artifact(p_source, own, k));
begin
  if cardinality(overwriting) > 0 then
    return query select seq from catalog.products where source_id = p_source and run_id = any (overwriting);
  end if;
end $$;

-- mark_seen(source, run, artifact_run, part): a keyed run records in the rows of unchanged products that it
-- saw them, while another run of the source is active or held. An older record then cannot overwrite them,
-- and a full run cannot remove them.
create function catalog.mark_seen(p_source integer, p_run bigint, p_artifact_run bigint, p_part integer)
returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not exists (
    select from catalog.runs r
    where r.source_id = p_source and r.id = p_run and r.kind in ('refresh', 'import') and exists (
      select from catalog.runs o
      where o.source_id = p_source and o.id <> p_run
        and o.state in ('running', 'interrupted', 'fetched', 'held')))
  then
    return;
  end if;
  update catalog.products p set run_id = p_artifact_run, part_no = p_part, line_no = j.line_no
    from pg_temp.verdicts j
    where j.verdict = 'unchanged' and not j.is_older and p.source_id = p_source
      and p.external_id = j.external_id and p.run_id <> p_artifact_run;
end $$;

-- 20261122000026_requests.sql

-- Generated from supabase/schemas/26_requests.sql until the first release: do not edit.

-- Requests to suppliers: limits that hold across all workers of this database. Their times are those of the
-- server's clock. The rules come from the callers: src/core/limits.ts.

-- A bucket of requests, by the generic cell rate algorithm (GCRA, ITU-T I.371), and its daily quota.
create table catalog.limits (
  scope   text not null,                  -- `host`, or a connector
  key     text not null,
  -- The theoretical arrival time: from then on, a request comes after a pause.
  next_at timestamptz not null,
  -- The day in UTC, and its requests so far. Counted only with a daily quota.
  day     date,
  used    integer not null default 0,
  primary key (scope, key)
) with (fillfactor = 50);

-- A request in progress, where the number of requests at the same time is limited.
create table catalog.limit_holders (
  scope      text not null,
  key        text not null,
  holder     text not null,
  owner      text not null,               -- the process
  expires_at timestamptz not null,
  primary key (scope, key, holder)
);

-- to_ms(instant) → epoch milliseconds.
create function catalog.to_ms(p_at timestamptz) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from p_at)::double precision * 1000
$$;

-- to_day(instant) → the day in UTC.
create function catalog.to_day(p_at timestamptz) returns date
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select (p_at at time zone 'UTC')::date
$$;

-- enter_limit(limit, max_wait, holder, owner, dead_owner, hold) → (entered, wait_ms, blocked_by, now_ms):
--     reserves the turn of one request. All times are milliseconds.
--   p_limit     {scope, key, interval, burst, concurrency, per_day}; null concurrency and per_day: any number
--   entered     true: the request may be sent after `wait_ms`. False: nothing is reserved, because the wait
--               would exceed `p_max_wait`, because the quota of the day is used up, or because `concurrency`
--               requests are in progress
--   wait_ms     without a quota left: until the next day in UTC
--   blocked_by  the process of a request in progress, if these are the reason
--   p_now       the time, where it is simulated
--   quota       a request counts for the day of its turn
--   ordering    one caller after the other, by the lock of the bucket's row; a turn that is not used is lost
--   durable     not at once: a crash of the server may forget the turns of the last moment
create function catalog.enter_limit(
  p_limit jsonb, p_max_wait double precision, p_holder text, p_owner text, p_dead_owner text,
  p_hold double precision, p_now timestamptz default null
) returns table (entered boolean, wait_ms double precision, blocked_by text, now_ms double precision)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  l_scope constant text := p_limit ->> 'scope';
  l_key constant text := p_limit ->> 'key';
  step constant interval := make_interval(secs => (p_limit ->> 'interval')::double precision / 1000);
  burst constant integer := p_limit ->> 'burst';
  concurrency constant integer := p_limit ->> 'concurrency';
  per_day constant integer := p_limit ->> 'per_day';
  bucket catalog.limits;
  present timestamptz;
  turn_day date;
begin
  select * into bucket from catalog.limits l where l.scope = l_scope and l.key = l_key for update;
  if not found then
    insert into catalog.limits (scope, key, next_at)
      values (l_scope, l_key, coalesce(p_now, clock_timestamp())) on conflict do nothing;
    select * into bucket from catalog.limits l where l.scope = l_scope and l.key = l_key for update;
  end if;
  present := coalesce(p_now, clock_timestamp());
  now_ms := catalog.to_ms(present);
  if concurrency is not null then
    delete from catalog.limit_holders h
      where h.scope = l_scope and h.key = l_key and (h.expires_at <= present or h.owner = p_dead_owner);
    select h.owner into blocked_by from catalog.limit_holders h
      where h.scope = l_scope and h.key = l_key
      order by h.expires_at desc offset concurrency - 1 limit 1;
  end if;
  wait_ms := greatest(catalog.to_ms(bucket.next_at - (burst - 1) * step) - now_ms, 0);
  turn_day := catalog.to_day(present + make_interval(secs => wait_ms / 1000));
  bucket.used := case when bucket.day = turn_day then bucket.used else 0 end;
  entered := blocked_by is null and wait_ms <= p_max_wait;
  if bucket.used >= per_day then
    entered := false;
    wait_ms := catalog.to_ms((turn_day + 1)::timestamp at time zone 'UTC') - now_ms;
  end if;
  if entered then
    update catalog.limits l
      set next_at = greatest(bucket.next_at, present) + step,
        day = case when per_day is not null then turn_day end,
        used = case when per_day is not null then bucket.used + 1 else 0 end
      where l.scope = l_scope and l.key = l_key and (step > interval '0' or per_day is not null);
    insert into catalog.limit_holders (scope, key, holder, owner, expires_at)
      select l_scope, l_key, p_holder, p_owner, present + make_interval(secs => (wait_ms + p_hold) / 1000)
      where concurrency is not null;
  end if;
  return next;
end $$;

-- admit_request(scope, key, limits, max_wait, holder, owner, dead_owner, hold) → one round trip: the circuit
--     breaker as load_breaker, then the result of the limits.
--   scope, key  of the breaker; null without one. Unless it is closed, no limit is entered
--   limits      an array of limits, entered in order until the request has to wait or is refused
--   entered     the number of limits that were entered. If `wait_ms` is positive, the request waits for the
--               last of them before it enters the others; else all were entered, or `refused`
--   refused     the next limit was not entered: see enter_limit
create function catalog.admit_request(
  p_scope text, p_key text, p_limits jsonb, p_max_wait double precision, p_holder text, p_owner text,
  p_dead_owner text, p_hold double precision
) returns table (
  version bigint, state text, failed_at_ms double precision[], failures integer,
  opened_at_ms double precision, retry_at_ms double precision, cooldown_ms double precision,
  now_ms double precision,
  entered integer, refused boolean, wait_ms double precision, blocked_by text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  breaker record;
  entry record;
  count integer := 0;
begin
  perform set_config('synchronous_commit', 'off', true);
  select * into breaker from catalog.load_breaker(p_scope, p_key);
  select null::boolean as entered, 0::double precision as wait_ms, null::text as blocked_by,
    breaker.now_ms into entry;
  if breaker.state = 'closed' then
    for n in 0 .. jsonb_array_length(p_limits) - 1 loop
      select * into entry
        from catalog.enter_limit(p_limits -> n, p_max_wait, p_holder, p_owner, p_dead_owner, p_hold);
      exit when not entry.entered;
      count := count + 1;
      exit when entry.wait_ms > 0;
    end loop;
  end if;
  return query select breaker.version, breaker.state, breaker.failed_at_ms, breaker.failures,
    breaker.opened_at_ms, breaker.retry_at_ms, breaker.cooldown_ms, entry.now_ms, count,
    coalesce(not entry.entered, false), entry.wait_ms, entry.blocked_by;
end $$;

-- hold_limit(scope, key, holder, hold): the request in progress counts for `p_hold` ms from now.
create function catalog.hold_limit(p_scope text, p_key text, p_holder text, p_hold double precision)
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.limit_holders set expires_at = clock_timestamp() + make_interval(secs => p_hold / 1000)
    where scope = p_scope and key = p_key and holder = p_holder
$$;

-- leave_limit(scope, key, holder): the request has ended.
--   idempotent  a holder that is not there changes nothing
create function catalog.leave_limit(p_scope text, p_key text, p_holder text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select set_config('synchronous_commit', 'off', true);
  delete from catalog.limit_holders where scope = p_scope and key = p_key and holder = p_holder
$$;

-- delay_limit(scope, key, interval, burst, delay): no request for `p_delay` ms, as the supplier demands.
create function catalog.delay_limit(
  p_scope text, p_key text, p_interval double precision, p_burst integer, p_delay double precision
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into catalog.limits as l (scope, key, next_at)
    values (p_scope, p_key,
      clock_timestamp() + make_interval(secs => (p_delay + (p_burst - 1) * p_interval) / 1000))
    on conflict (scope, key) do update set next_at = greatest(l.next_at, excluded.next_at)
$$;

-- 20261122000027_breakers.sql

-- Generated from supabase/schemas/27_breakers.sql until the first release: do not edit.

-- Circuit breakers, which all workers of this database share, and the state of limits and breakers for a
-- person. The rules of the transitions come from the callers: src/core/breaker.ts.

create table catalog.circuit_breakers (
  scope       text not null,
  key         text not null,
  version     bigint not null,
  state       text not null check (state in ('closed', 'open', 'half-open')),
  failed_at   timestamptz[] not null,     -- the newest failures, oldest first
  failures    integer not null,           -- in a row, failed probes included
  opened_at   timestamptz,                -- since when it is not closed
  retry_at    timestamptz,                -- of the next probe, or the time limit of the present one
  cooldown_ms double precision not null,
  reason      text,                       -- of the last failure
  changed_at  timestamptz not null,
  primary key (scope, key),
  check ((state = 'closed') = (opened_at is null) and (state = 'closed') = (retry_at is null))
);
create index circuit_breakers_open on catalog.circuit_breakers (opened_at) where state <> 'closed';

-- load_breaker(scope, key) → (version, state, failed_at_ms, opened_at_ms, retry_at_ms, cooldown_ms, now_ms)
--   version     0 and a closed state if no request has ever failed
create function catalog.load_breaker(p_scope text, p_key text) returns table (
  version bigint, state text, failed_at_ms double precision[], failures integer,
  opened_at_ms double precision, retry_at_ms double precision, cooldown_ms double precision,
  now_ms double precision)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(b.version, 0), coalesce(b.state, 'closed'),
    array(select catalog.to_ms(f) from unnest(b.failed_at) with ordinality u (f, n) order by n),
    coalesce(b.failures, 0), catalog.to_ms(b.opened_at), catalog.to_ms(b.retry_at),
    coalesce(b.cooldown_ms, 0),
    catalog.to_ms(clock_timestamp())
  from (values (1)) one left join catalog.circuit_breakers b on b.scope = p_scope and b.key = p_key
$$;

-- save_breaker(scope, key, version, state, reason) → true if the row still had `p_version` and is replaced.
--   state       an object with the members of load_breaker
create function catalog.save_breaker(
  p_scope text, p_key text, p_version bigint, p_state jsonb, p_reason text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into catalog.circuit_breakers as b (
      scope, key, version, state, failed_at, failures, opened_at, retry_at, cooldown_ms, reason, changed_at)
    select p_scope, p_key, p_version + 1, p_state ->> 'state',
      array(select to_timestamp(f::double precision / 1000)
        from jsonb_array_elements_text(p_state -> 'failed_at_ms') with ordinality u (f, n) order by n),
      (p_state ->> 'failures')::integer,
      to_timestamp((p_state ->> 'opened_at_ms')::double precision / 1000),
      to_timestamp((p_state ->> 'retry_at_ms')::double precision / 1000),
      (p_state ->> 'cooldown_ms')::double precision, p_reason, clock_timestamp()
    where p_version = 0 or exists (
      select from catalog.circuit_breakers where scope = p_scope and key = p_key)
    on conflict (scope, key) do update
      set version = excluded.version, state = excluded.state, failed_at = excluded.failed_at,
        failures = excluded.failures,
        opened_at = excluded.opened_at, retry_at = excluded.retry_at, cooldown_ms = excluded.cooldown_ms,
        reason = coalesce(excluded.reason, b.reason), changed_at = excluded.changed_at
      where b.version = p_version;
  return found;
end $$;

-- list_breakers() → the circuit breakers that are not closed, the oldest first.
create function catalog.list_breakers() returns table (
  scope text, key text, state text, failures integer, opened_at timestamptz, retry_at timestamptz, reason text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select b.scope, b.key, b.state, b.failures, b.opened_at, b.retry_at, b.reason
  from catalog.circuit_breakers b where b.state <> 'closed' order by b.opened_at, b.scope, b.key
$$;

-- list_limits() → the limits and the circuit breakers that affect requests now, those of closed breakers
-- last.
--   failures    in a row; of a closed breaker, those of the last ten minutes
--   next_at     the next request waits until then: for the rate, Retry-After, or the breaker's next probe
--   in_progress requests at this moment
--   used        requests of this day in UTC, where the limit has a daily quota
create function catalog.list_limits() returns table (
  scope text, key text, state text, failures integer, opened_at timestamptz, reason text,
  next_at timestamptz, in_progress bigint, used integer
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select scope, key, coalesce(b.state, 'closed'), coalesce(b.failures, 0), b.opened_at, b.reason,
    greatest(l.next_at, b.retry_at), coalesce(h.holders, 0),
    case when l.day = catalog.to_day(clock_timestamp()) then l.used else 0 end
  from catalog.limits l
  full join (
    select * from catalog.circuit_breakers
    where state <> 'closed' or failures > 0 and changed_at > clock_timestamp() - interval '10 minutes'
  ) b using (scope, key)
  left join (
    select scope, key, count(*) as holders from catalog.limit_holders
    where expires_at > clock_timestamp() group by scope, key
  ) h using (scope, key)
  where b.state is not null or h.holders > 0 or l.next_at > clock_timestamp() + interval '5 seconds'
    or l.day = catalog.to_day(clock_timestamp())
  order by b.state is null or b.state = 'closed', b.opened_at, scope, key
$$;

-- reset_limit(scope, key) → whether there was one. Its breaker is closed, and its next request waits for
-- nothing but the requests in progress. The quota of the day stays used.
create function catalog.reset_limit(p_scope text, p_key text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  is_known boolean;
begin
  update catalog.limits set next_at = clock_timestamp() where scope = p_scope and key = p_key;
  is_known := found;
  update catalog.circuit_breakers
    set version = version + 1, state = 'closed', failed_at = '{}', failures = 0, opened_at = null,
        retry_at = null, cooldown_ms = 0, changed_at = clock_timestamp()
    where scope = p_scope and key = p_key;
  return is_known or found;
end $$;

-- 20261122000028_image_work.sql

-- Generated from supabase/schemas/28_image_work.sql until the first release: do not edit.

-- The work on images. A new image gets the row of its address, which is fetched once for all images that
-- name it. One process at a time works on a channel, under a lease with a fencing token: a process that lost
-- its lease changes nothing. All times are milliseconds.

-- list_sources_with_new_images() → the sources of the images that `list_new_images` returns. It reads one
-- entry of the index for each source that has any, for any number of sources and images.
create function catalog.list_sources_with_new_images() returns setof integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  with recursive found (id) as (
    select min(i.source_id) from catalog.images i where i.address_id is null and i.state = 'new'
    union all
    select (
      select min(i.source_id) from catalog.images i
      where i.address_id is null and i.state = 'new' and i.source_id > f.id)
    from found f where f.id is not null
  )
  select s.id from found f join catalog.sources s on s.id = f.id
  where s.policy -> 'storeImages' is distinct from 'false'
$$;

-- list_new_images(limit) → images that are not looked at yet, of sources whose policy lets them be stored
create function catalog.list_new_images(p_limit integer)
returns table (source_id integer, product_external_id text, image_position integer, url text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select i.* from catalog.list_sources_with_new_images() s (id) cross join lateral (
    select i.source_id, i.product_external_id, i.position, i.url from catalog.images i
    where i.source_id = s.id and i.address_id is null and i.state = 'new'
      and not exists (
        select from catalog.products e
        where e.source_id = i.source_id and e.external_id = i.product_external_id and e.expires_at <= now())
    limit p_limit
  ) i limit p_limit
$$;

-- read_new_images(images) → the list that `link_images` gets as rows
create function catalog.read_new_images(p_images jsonb) returns table (
  source_id integer, product_external_id text, image_position integer, url text, key bytea, address text,
  version numeric, channel text, host text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select r.source_id, r.product_external_id, r.image_position, r.url, decode(r.key, 'hex'), r.address,
    r.version, r.channel, r.host
  from jsonb_to_recordset(p_images) r (source_id integer, product_external_id text, image_position integer,
    url text, key text, address text, version numeric, channel text, host text)
$$;

-- link_images(images) → number of images that now name their address
--   images      a list of {source_id, product_external_id, image_position, url, key, address, version,
--               channel, host}: `key` in hexadecimal digits; a null `key` means that the image cannot be
--               fetched
--   idempotent  an image whose URL has changed meanwhile is left to the next call
--   versions    an address is fetched again only for a version that is newer than the stored one
--   ordering    channels are locked first, as by the functions that record results
create function catalog.link_images(p_images jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  linked bigint;
begin
  insert into catalog.image_channels as l (channel, host, due_at)
    select distinct n.channel, n.host, present from catalog.read_new_images(p_images) n
    where n.channel is not null order by 1
    on conflict (channel) do update set due_at = least(l.due_at, excluded.due_at);
  insert into catalog.image_addresses as a (key, url, version, channel, due_at, changed_at)
    select distinct on (n.key) n.key, n.address, n.version, n.channel, present, present
    from catalog.read_new_images(p_images) n where n.key is not null
    order by n.key, n.version desc nulls last
    on conflict (key) do update
      set unused_since = null,
        url = case when a.version < excluded.version then excluded.url else a.url end,
        state = case when a.version < excluded.version then 'waiting' else a.state end,
        attempts = case when a.version < excluded.version then 0 else a.attempts end,
        due_at = case when a.version < excluded.version then present else a.due_at end,
        version = greatest(a.version, excluded.version)
      where a.unused_since is not null or a.version < excluded.version;
  update catalog.images i
    set address_id = a.id, sha256 = b.sha256, cdn_url = b.cdn_url,
      state = case when n.key is null then 'failed' when a.state = 'waiting' then 'new' else a.state end
    from catalog.read_new_images(p_images) n
      left join catalog.image_addresses a on a.key = n.key
      left join catalog.blobs b on b.sha256 = a.sha256 and a.state = 'stored'
    where i.source_id = n.source_id and i.product_external_id = n.product_external_id
      and i.position = n.image_position and i.url = n.url and i.address_id is null;
  get diagnostics linked = row_count;
  return linked;
end $$;

-- claim_images(limit, lease) → due addresses of one channel, which is leased to the caller, if there are any
--   sha256      of the stored copy, if the address was stored before
--   flagged     the host has refused several requests: this is its one request of the day
create function catalog.claim_images(p_limit integer, p_lease double precision) returns table (
  channel text, host text, token bigint, refusals integer, flagged boolean, id bigint, url text,
  attempts integer, sha256 bytea, etag text, last_modified text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  claimed catalog.image_channels;
begin
  loop
    select * into claimed from catalog.image_channels l
      where l.due_at <= present and coalesce(l.paused_until, present) <= present
        and coalesce(l.leased_until, present) <= present
      order by l.due_at limit 1 for update skip locked;
    exit when claimed.channel is null;
    update catalog.image_channels l
      set token = l.token + 1, leased_until = present + make_interval(secs => p_lease / 1000)
      where l.channel = claimed.channel returning * into claimed;
    return query
      select a.channel, claimed.host, claimed.token, claimed.refusals, claimed.flagged_at is not null, a.id,
        a.url, a.attempts, a.sha256, a.etag, a.last_modified
      from catalog.image_addresses a
      where a.channel = claimed.channel and a.state = 'waiting' and a.due_at <= present
      order by a.due_at limit p_limit;
    exit when found;
    perform catalog.release_images(claimed.channel, claimed.token, claimed.refusals, 0, claimed.flag_reason);
  end loop;
end $$;

-- holds_images(channel, token) → whether the lease with this token is the newest one; its row is locked
create function catalog.holds_images(p_channel text, p_token bigint) returns boolean
language sql set search_path = pg_catalog, pg_temp as $$
  select exists (select from catalog.image_channels where channel = p_channel and token = p_token for update)
$$;

-- renew_images(channel, token, lease) → false if another process has the channel
create function catalog.renew_images(p_channel text, p_token bigint, p_lease double precision) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with renewed as (
    update catalog.image_channels set leased_until = clock_timestamp() + make_interval(secs => p_lease / 1000)
      where channel = p_channel and token = p_token returning 1)
  select exists (select from renewed)
$$;

-- release_images(channel, token, refusals, pause, flag): ends the lease. The channel is due again when the
-- first of its addresses is, and not before `p_pause` has passed.
--   flag        the reason for which the host is flagged; null if it is not
create function catalog.release_images(
  p_channel text, p_token bigint, p_refusals integer, p_pause double precision, p_flag text
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.image_channels l
    set leased_until = null, refusals = p_refusals,
      paused_until = clock_timestamp() + make_interval(secs => p_pause / 1000),
      flagged_at = case when p_flag is not null then coalesce(l.flagged_at, clock_timestamp()) end,
      flag_reason = p_flag,
      due_at = (
        select a.due_at from catalog.image_addresses a where a.channel = l.channel and a.state = 'waiting'
        order by a.due_at limit 1)
    where l.channel = p_channel and l.token = p_token
$$;

-- find_blob(sha256) → the stored copy with this content; no row without one
create function catalog.find_blob(p_sha256 bytea)
returns table (target text, object text, cdn_url text, removing boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select target, object, cdn_url, removing_at is not null from catalog.blobs where sha256 = p_sha256
$$;

-- store_image(channel, token, id, blob, etag, last_modified) → `stored`, `lost` (the lease), or `removing`:
-- the copy with this content is being removed, so the address has to be tried again later.
--   blob        {sha256, type, bytes, width, height, target, object, cdn_url}; null: the copy that the
--               address had is still right
--   atomic      the copy, its address and all images that name it
--   idempotent  a copy is one row, however often and by however many addresses it is stored
create function catalog.store_image(
  p_channel text, p_token bigint, p_id bigint, p_blob jsonb, p_etag text, p_last_modified text
) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  content bytea := decode(p_blob ->> 'sha256', 'hex');
  kept catalog.blobs;
begin
  if not catalog.holds_images(p_channel, p_token) then return 'lost'; end if;
  if p_blob is null then
    select a.sha256 into content from catalog.image_addresses a where a.id = p_id;
    select * into kept from catalog.blobs b where b.sha256 = content and b.removing_at is null for share;
  else
    insert into catalog.blobs as b (sha256, type, bytes, width, height, target, object, cdn_url, stored_at)
      select content, r.type, r.bytes, r.width, r.height, r.target, r.object, r.cdn_url, clock_timestamp()
      from jsonb_to_record(p_blob) r (type text, bytes bigint, width integer, height integer, target text,
        object text, cdn_url text)
      on conflict (sha256) do update
        set target = excluded.target, object = excluded.object, cdn_url = excluded.cdn_url,
          -- A removal that has chosen this copy at the same moment finds it new, and leaves it.
          stored_at = excluded.stored_at
        where b.removing_at is null
      returning * into kept;
  end if;
  if kept.sha256 is null then return 'removing'; end if;
  update catalog.image_addresses a
    set state = 'stored', attempts = 0, code = null, reason = null, sha256 = content, etag = p_etag,
      last_modified = p_last_modified, changed_at = clock_timestamp()
    where a.id = p_id;
  update catalog.images i set state = 'stored', sha256 = content, cdn_url = kept.cdn_url
    where i.address_id in (select a.id from catalog.image_addresses a where a.sha256 = content)
      and (i.address_id = p_id or i.state = 'stored')
      and (i.state, i.sha256, i.cdn_url) is distinct from ('stored', content, kept.cdn_url);
  return 'stored';
end $$;

-- fail_image(channel, token, id, code, reason, attempts, delay): records a failed attempt.
--   attempts    that have failed now
--   delay       until the next attempt; null: there is none, and the images that name the address have failed
create function catalog.fail_image(
  p_channel text, p_token bigint, p_id bigint, p_code text, p_reason text, p_attempts integer,
  p_delay double precision
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.holds_images(p_channel, p_token) then return; end if;
  update catalog.image_addresses
    set state = case when p_delay is null then 'failed' else 'waiting' end, attempts = p_attempts,
      code = p_code, reason = p_reason, changed_at = clock_timestamp(),
      due_at = clock_timestamp() + make_interval(secs => coalesce(p_delay, 0) / 1000)
    where id = p_id;
  if p_delay is null then
    update catalog.images set state = 'failed', sha256 = null, cdn_url = null where address_id = p_id;
  end if;
end $$;

-- 20261122000029_image_upkeep.sql

-- Generated from supabase/schemas/29_image_upkeep.sql until the first release: do not edit.

-- Unused copies of images, and readers of their state.

-- mark_unused_images(limit) → number of addresses that no image names since the last call, at most `p_limit`:
-- the caller repeats a call that returns as many. Images of a source whose policy forbids storing them lose
-- their copy here; an address of no other source is unused for longer than any grace period.
create function catalog.mark_unused_images(p_limit integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  marked bigint;
begin
  with forbidden as (
    update catalog.images i set address_id = null, sha256 = null, cdn_url = null, state = 'new'
      from catalog.sources s, catalog.images old
      where s.policy -> 'storeImages' = 'false' and i.source_id = s.id and i.address_id is not null
        and old.source_id = i.source_id and old.product_external_id = i.product_external_id
        and old.position = i.position
      returning old.address_id
  ), released as (
    update catalog.image_addresses a set unused_since = '-infinity'
      from (select distinct address_id from forbidden) f
      where a.id = f.address_id and not exists (
        select from catalog.images i join catalog.sources s on s.id = i.source_id
        where i.address_id = a.id and s.policy -> 'storeImages' is distinct from 'false')
      returning a.id, a.sha256)
  update catalog.blobs b set stored_at = '-infinity'
    where b.sha256 in (select r.sha256 from released r) and not exists (
      select from catalog.image_addresses a
      where a.sha256 = b.sha256 and a.id not in (select r.id from released r));
  update catalog.image_addresses a set unused_since = clock_timestamp()
    where a.id in (
      select n.id from catalog.image_addresses n
      where n.unused_since is null and not exists (select from catalog.images i where i.address_id = n.id)
      limit p_limit);
  get diagnostics marked = row_count;
  return marked;
end $$;

-- begin_blob_removal(grace, limit) → copies whose objects the caller must remove. Deletes the addresses that
-- no image has named for `p_grace` ms; a copy without an address is then being removed.
--   repeat      a removal that a process began and did not end is returned again after an hour
create function catalog.begin_blob_removal(p_grace double precision, p_limit integer)
returns table (sha256 bytea, target text, object text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
begin
  update catalog.image_addresses a set unused_since = null
    where a.unused_since is not null and exists (select from catalog.images i where i.address_id = a.id);
  delete from catalog.image_addresses a
    where a.unused_since < present - make_interval(secs => p_grace / 1000)
      and not exists (select from catalog.images i where i.address_id = a.id);
  return query
    update catalog.blobs b set removing_at = present
      where b.sha256 in (
        select c.sha256 from catalog.blobs c
        where coalesce(c.removing_at, '-infinity') < present - interval '1 hour' and not exists (
          select from catalog.image_addresses a where a.sha256 = c.sha256)
          and (c.removing_at is not null or c.stored_at < present - make_interval(secs => p_grace / 1000))
        limit p_limit for update skip locked)
      returning b.sha256, b.target, b.object;
end $$;

-- end_blob_removal(sha256): the object of this copy does not exist any more.
create function catalog.end_blob_removal(p_sha256 bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.blobs where sha256 = p_sha256 and removing_at is not null
$$;

-- measure_images(with_copies) → (new, waiting, failed, stored, stored_bytes, flagged_hosts): addresses by
-- state, and the images that are not looked at yet, at most 100,000.
--   with_copies false: `stored` and `stored_bytes` are null, which makes the call cheap
create function catalog.measure_images(p_with_copies boolean default false) returns table (
  new bigint, waiting bigint, failed bigint, stored bigint, stored_bytes bigint, flagged_hosts bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select
    (select count(*) from (
      select from catalog.list_sources_with_new_images() s (id)
      join catalog.images i on i.source_id = s.id and i.address_id is null and i.state = 'new'
      limit 100000) n),
    (select count(*) from catalog.image_addresses where state = 'waiting'),
    (select count(*) from catalog.image_addresses where state = 'failed'),
    case when p_with_copies then (select count(*) from catalog.blobs) end,
    case when p_with_copies then (select coalesce(sum(bytes), 0)::bigint from catalog.blobs) end,
    (select count(distinct host) from catalog.image_channels where flagged_at is not null)
$$;

-- count_images(source) → the images of a source by state
create function catalog.count_images(p_source integer) returns table (state text, images bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select i.state, count(*) from catalog.images i where i.source_id = p_source group by i.state
$$;

-- list_image_hosts() → hosts that are flagged, or whose images wait or have failed, flagged ones first; at
-- most 100
create function catalog.list_image_hosts() returns table (
  host text, waiting bigint, failed bigint, paused_until timestamptz, flagged_at timestamptz,
  flag_reason text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with counts as (
    select channel, count(*) as waiting, 0 as failed from catalog.image_addresses where state = 'waiting'
      group by channel
    union all
    select channel, 0, count(*) from catalog.image_addresses where state = 'failed' group by channel
  ), sums as (
    select channel, sum(waiting)::bigint as waiting, sum(failed)::bigint as failed from counts
      group by channel
  )
  select l.host, coalesce(sum(n.waiting), 0)::bigint, coalesce(sum(n.failed), 0)::bigint,
    max(l.paused_until) filter (where l.paused_until > clock_timestamp()), min(l.flagged_at),
    min(l.flag_reason)
  from catalog.image_channels l left join sums n on n.channel = l.channel
  where n.channel is not null or l.flagged_at is not null
  group by l.host order by min(l.flagged_at) nulls last, 2 desc, 3 desc, 1 limit 100
$$;

-- list_image_failures(after, limit) → addresses that have failed for good, by id, after the id `p_after`
--   products    up to three that name it, as `source/product`
create function catalog.list_image_failures(p_after bigint, p_limit integer) returns table (
  id bigint, url text, code text, reason text, attempts integer, failed_at timestamptz, products text[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.id, a.url, a.code, a.reason, a.attempts, a.changed_at, array(
    select s.name || '/' || i.product_external_id from catalog.images i
    join catalog.sources s on s.id = i.source_id where i.address_id = a.id limit 3)
  from catalog.image_addresses a
  where a.state = 'failed' and a.id > coalesce(p_after, 0) order by a.id limit p_limit
$$;

-- retry_images(source, host, all) → number of addresses that are fetched again now: those that failed or wait
-- for another attempt, of one source or host, or of every one for null. Ends the pauses and flags of their
-- hosts.
--   all         the stored ones too, as if they had never been fetched
create function catalog.retry_images(p_source integer, p_host text, p_all boolean) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  retried bigint;
begin
  perform from catalog.image_channels order by channel for update;
  with chosen as (
    update catalog.image_addresses a
      set state = 'waiting', attempts = 0, due_at = present, changed_at = present,
        etag = case when p_all then null else a.etag end,
        last_modified = case when p_all then null else a.last_modified end
      where (p_all or a.state <> 'stored')
        and (p_host is null or a.channel in (
          select l.channel from catalog.image_channels l where l.host = p_host))
        and (p_source is null or exists (
          select from catalog.images i where i.address_id = a.id and i.source_id = p_source))
      returning a.id, a.channel
  ), renewed as (
    update catalog.images i set state = 'new' from chosen c where i.address_id = c.id and i.state = 'failed'
  ), woken as (
    update catalog.image_channels l
      set due_at = present, paused_until = null, refusals = 0, flagged_at = null, flag_reason = null
      where l.channel in (select c.channel from chosen c)
  )
  select count(*) into retried from chosen;
  return retried;
end $$;

-- 20261122000030_records.sql

-- Generated from supabase/schemas/30_records.sql until the first release: do not edit.

-- Records of a run: known hashes, product numbers, checkpoints, quarantine, and the brands, organisations and
-- categories that records mention.

-- list_known_records(source) → number and hash of every product without an end of its licence: a record with
-- that hash would leave it unchanged. With an end, the record may renew or remove that end.
create function catalog.list_known_records(p_source integer) returns table (seq integer, record_hash bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq, record_hash from catalog.products
  where source_id = p_source and status <> 'removed' and expires_at is null
$$;

-- list_known_records_page(source, after, limit) → (last, records): the same by id, for products after the id
-- `p_after`.
--   records     20 bytes a product, as one value: seq as big-endian int4, and the hash. The Data API cuts off
--               a response at a thousand rows
--   last        the last id of the page; null if the page is empty
create function catalog.list_known_records_page(p_source integer, p_after text, p_limit integer)
returns table (last text, records bytea)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select max(external_id), coalesce(string_agg(int4send(seq) || record_hash, ''::bytea), '')
  from (
    select external_id, seq, record_hash from catalog.products
    where source_id = p_source and external_id > p_after and status <> 'removed' and expires_at is null
    order by external_id limit p_limit
  ) page
$$;

-- list_newer_seen(source, artifact_run) → the `seen` bitmaps of settled runs whose artifact is newer.
create function catalog.list_newer_seen(p_source integer, p_artifact_run bigint) returns setof bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.seen from catalog.runs r
  where r.source_id = p_source and r.seen is not null and r.artifact_run <> p_artifact_run
    and r.finished_at > catalog.load_requested_at(p_source, p_artifact_run, null)
    and catalog.is_newer_artifact(p_source, r.artifact_run, p_artifact_run)
$$;

-- reserve_seqs(source, count) → the first of `p_count` product numbers. An unused number costs one bit in
-- each bitmap.
create function catalog.reserve_seqs(p_source integer, p_count integer) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources set next_seq = next_seq + p_count where id = p_source returning next_seq - p_count
$$;

-- list_product_ids(source, seqs) → the ids of products with these numbers, in any order.
create function catalog.list_product_ids(p_source integer, p_seqs integer[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select external_id from catalog.products where source_id = p_source and seq = any (p_seqs)
$$;

-- list_product_seqs(source, ids) → the numbers of products with these ids, in any order.
create function catalog.list_product_seqs(p_source integer, p_ids text[]) returns setof integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq from catalog.products where source_id = p_source and external_id = any (p_ids)
$$;

-- save_checkpoint(source, run, token, part, …): replaces the part's checkpoint.
--   age         time since the worker began the part. The first checkpoint states when it was begun
--   atomic      with the rows that the caller wrote in the same transaction
--   errors      see raise_lease_error
create function catalog.save_checkpoint(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_done bigint, p_bytes_done bigint,
  p_done boolean, p_counts jsonb, p_known bytea, p_staged bytea, p_age interval default '0'
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.checkpoints
      (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged, began_at)
    values (p_source, p_run, p_part, p_lines_done, p_bytes_done, p_done, p_counts, p_known, p_staged,
      clock_timestamp() - p_age)
    on conflict (source_id, run_id, part_no) do update
      set lines_done = excluded.lines_done, bytes_done = excluded.bytes_done, done = excluded.done,
          counts = excluded.counts, known = excluded.known, staged = excluded.staged,
          saved_at = clock_timestamp();
end $$;

-- list_checkpoints(source, run) → the checkpoints of all parts, in order.
create function catalog.list_checkpoints(p_source integer, p_run bigint) returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run order by part_no
$$;

-- load_work_done(source, run) → (kind, item): the artifact that the run applies, then its parts and the run's
-- checkpoints, each in order.
create function catalog.load_work_done(p_source integer, p_run bigint) returns table (kind text, item jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select s.kind, s.item
  from catalog.runs r
  cross join lateral (
    select 1 as place, 0 as no, 'artifact' as kind, to_jsonb(a) || case
      when catalog.is_expired_artifact(a) then '{"warnings": []}'::jsonb else '{}' end as item
    from catalog.artifacts a where a.source_id = p_source and a.run_id = r.artifact_run
    union all
    select 2, p.no, 'part', to_jsonb(catalog.show_part(p))
    from catalog.parts p where p.source_id = p_source and p.run_id = r.artifact_run
    union all
    select 3, c.part_no, 'checkpoint', to_jsonb(c)
    from catalog.checkpoints c where c.source_id = p_source and c.run_id = p_run
  ) s
  where r.source_id = p_source and r.id = p_run
  order by s.place, s.no;
end $$;

-- find_checkpoint(source, run, part) → the checkpoint; no row before the part's first batch.
create function catalog.find_checkpoint(p_source integer, p_run bigint, p_part integer)
returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part
$$;

-- quarantine_records(source, run, token, artifact_run, part, records) → the numbers of the products that the
-- records name, which count as seen.
--   records     [{line_no, byte_offset, byte_length, external_id, rule, message, raw (base64)}]
--   idempotent  the same line a second time replaces its row and opens it again
--   errors      see raise_lease_error
create function catalog.quarantine_records(
  p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_records jsonb
) returns setof integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ends timestamptz := catalog.end_licence(p_source, p_artifact_run, p_part);
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length,
      external_id, rule, message, raw, expires_at)
    select p_source, p_run, p_artifact_run, p_part, r.line_no, r.byte_offset, r.byte_length,
      r.external_id, r.rule, r.message, decode(r.raw, 'base64'), ends
    from jsonb_to_recordset(p_records) as r (line_no integer, byte_offset bigint, byte_length bigint,
      external_id text, rule text, message text, raw text)
    on conflict (source_id, artifact_run, part_no, line_no) do update
      set run_id = excluded.run_id, rule = excluded.rule, message = excluded.message,
          external_id = excluded.external_id, state = 'open', raw = excluded.raw,
          expires_at = excluded.expires_at;
  return query
    select p.seq from catalog.products p
    where p.source_id = p_source
      and p.external_id in (select r.external_id from jsonb_to_recordset(p_records) as r (external_id text));
end $$;

-- upsert_terms(source, run, token, terms) → rows written: brands, organisations and categories.
--   terms       [{kind (brand, organization or category), external_id, name, parent_id, attributes}]
--   idempotent  a row is written only if it differs, or its licence is renewed
--   errors      see raise_lease_error
create function catalog.upsert_terms(p_source integer, p_run bigint, p_token bigint, p_terms jsonb)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  written integer;
  ends timestamptz := catalog.end_licence(
    p_source, (select artifact_run from catalog.runs where source_id = p_source and id = p_run), null);
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  with terms as (
    select distinct on (kind, external_id) *
    from jsonb_to_recordset(p_terms)
      as t (kind text, external_id text, name text, parent_id text, attributes jsonb)
    order by kind, external_id
  ), brands as (
    insert into catalog.brands as b (source_id, external_id, name, attributes, changed_at, expires_at)
      select p_source, external_id, name, attributes, now(), ends from terms where kind = 'brand'
      on conflict (source_id, external_id) do update
        set name = excluded.name, attributes = excluded.attributes, expires_at = excluded.expires_at,
            changed_at = case when (b.name, b.attributes) = (excluded.name, excluded.attributes)
              then b.changed_at else excluded.changed_at end
        where (b.name, b.attributes) is distinct from (excluded.name, excluded.attributes)
          or catalog.renews_end(b.expires_at, excluded.expires_at)
      returning 1
  ), organizations as (
    insert into catalog.organizations as o (source_id, external_id, name, attributes, changed_at, expires_at)
      select p_source, external_id, name, attributes, now(), ends from terms where kind = 'organization'
      on conflict (source_id, external_id) do update
        set name = excluded.name, attributes = excluded.attributes, expires_at = excluded.expires_at,
            changed_at = case when (o.name, o.attributes) = (excluded.name, excluded.attributes)
              then o.changed_at else excluded.changed_at end
        where (o.name, o.attributes) is distinct from (excluded.name, excluded.attributes)
          or catalog.renews_end(o.expires_at, excluded.expires_at)
      returning 1
  ), categories as (
    insert into catalog.categories as c
        (source_id, external_id, name, attributes, changed_at, parent_external_id, expires_at)
      select p_source, external_id, name, attributes, now(), parent_id, ends
      from terms where kind = 'category'
      on conflict (source_id, external_id) do update
        set name = excluded.name, attributes = excluded.attributes, expires_at = excluded.expires_at,
            parent_external_id = excluded.parent_external_id,
            changed_at = case when (c.name, c.attributes, c.parent_external_id)
                is not distinct from (excluded.name, excluded.attributes, excluded.parent_external_id)
              then c.changed_at else excluded.changed_at end
        where (c.name, c.attributes, c.parent_external_id)
          is distinct from (excluded.name, excluded.attributes, excluded.parent_external_id)
          or catalog.renews_end(c.expires_at, excluded.expires_at)
      returning 1
  )
  select (select count(*) from brands) + (select count(*) from organizations)
      + (select count(*) from categories)
    into written;
  return written;
end $$;

-- 20261122000031_staging.sql

-- Generated from supabase/schemas/31_staging.sql until the first release: do not edit.

-- Staging: temporary tables of a session, from which a batch is merged into the catalogue.

-- open_staging(): creates the staging tables of this session. Temporary tables cost no WAL. Their owner is
-- the owner of this function: a worker can fill them, and cannot replace them by tables with triggers that
-- would run as the owner.
--   verdicts        of judge_batch, one for each staged line; `is_older`: a newer artifact wrote the row
--   price_verdicts  of judge_prices, one for each price that differs
--   errors      SQLSTATE 42P07 (duplicate_table) if the session has tables of these names
create function catalog.open_staging() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table staged_products (
    line_no integer not null, external_id text collate "C" not null, status text not null, title text,
    description text, brand text, manufacturer text, url text, identifiers jsonb not null,
    attributes jsonb not null, successor text, source_updated_at timestamptz, expires_at timestamptz,
    record_hash bytea not null, content_hash bytea not null, warnings jsonb, provenance jsonb,
    disagreements jsonb, raw json not null
  ) with (toast_tuple_target = 8160) on commit delete rows;
  -- The catalogue compresses these once more; compressing them here too would cost more than it saves.
  alter table pg_temp.staged_products alter raw set storage external, alter description set storage external;
  -- Most batches have none: looking for one in the rows would read all of their records again.
  create index on pg_temp.staged_products (line_no) where disagreements is not null;
  create temporary table staged_variants (
    line_no integer not null, external_id text collate "C" not null, position integer not null, title text,
    sku text, gtin text, options jsonb not null, weight_grams double precision, pack_count integer,
    availability text
  ) on commit delete rows;
  create temporary table staged_prices (
    line_no integer not null, variant_external_id text collate "C" not null, price_type text not null,
    amount_minor bigint, currency text not null, compare_at_minor bigint
  ) on commit delete rows;
  create temporary table staged_images (
    line_no integer not null, position integer not null, url text not null, alt text
  ) on commit delete rows;
  create temporary table verdicts (
    line_no integer primary key, external_id text collate "C" not null, seq integer, verdict text not null,
    is_older boolean not null default false, reprices boolean not null default false,
    held boolean not null default false
  ) on commit delete rows;
  create temporary table price_verdicts (
    line_no integer not null, external_id text collate "C" not null,
    variant_external_id text collate "C" not null, price_type text not null, amount_minor bigint,
    currency text not null, compare_at_minor bigint, last_good bigint, last_good_currency text,
    state text not null, reason text, claims jsonb
  ) on commit delete rows;
  grant insert on pg_temp.staged_products, pg_temp.staged_variants, pg_temp.staged_prices,
    pg_temp.staged_images to public;
end $$;

-- is_own_table(name) → whether this session's temporary table belongs to the owner of the calling function.
-- Each set of tables is created at once, so one of them stands for all.
create function catalog.is_own_table(p_table text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid = c.relowner
    where c.relnamespace = pg_my_temp_schema() and c.relname = p_table and r.rolname = current_user)
$$;

-- assert_own_table(name): refuses a table that a worker has created itself: its triggers would run as the
-- owner of our functions.
--   errors      db/unsuitable
create function catalog.assert_own_table(p_table text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.is_own_table(p_table) then
    perform catalog.fail('db/unsuitable',
      format('The temporary table %s of this session was not created by Shelfsync', p_table));
  end if;
end $$;

-- clear_staging(): empties the tables within a transaction, to stage a smaller piece of a batch that Postgres
-- refused.
--   errors      db/unsuitable, see assert_own_table
create function catalog.clear_staging() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_own_table('staged_products');
  -- Deletes, because the transaction of a plan is read-only and may not truncate. `where true`, because
  -- Supabase's Data API refuses a delete or an update without a condition.
  delete from pg_temp.verdicts where true;
  delete from pg_temp.price_verdicts where true;
  delete from pg_temp.staged_products where true;
  delete from pg_temp.staged_variants where true;
  delete from pg_temp.staged_prices where true;
  delete from pg_temp.staged_images where true;
end $$;

-- 20261122000032_judge.sql

-- Generated from supabase/schemas/32_judge.sql until the first release: do not edit.

-- Verdicts: the effect that each staged line would have on the catalogue. Apply and plan share these
-- functions, which write only to temporary tables.
--
-- `lateral … offset 0` with `enable_seqscan = off` keeps the planner at one index look-up a line, regardless
-- of its estimates of the tables' sizes.

-- correct_source_times(source, artifact_run, part): applies the rule of `trustedTime` in
-- src/core/source-time.ts to the staged times.
--   unknown     a time at or before 1970, which stands for a missing value, and a time that is ahead of the
--               part's arrival by more than the clock tolerance
--   arrival     a time that is ahead by less, so that the record of the next run is not older
--   A plan of a sync has no part: its records arrive now.
create function catalog.correct_source_times(p_source integer, p_artifact_run bigint, p_part integer)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  arrived timestamptz := coalesce((
    select created_at from catalog.parts
    where source_id = p_source and run_id = p_artifact_run and no = p_part
  ), now());
  latest timestamptz := arrived + catalog.clock_tolerance();
begin
  update pg_temp.staged_products
    set source_updated_at =
      case when source_updated_at > arrived and source_updated_at <= latest then arrived end
    where source_updated_at > arrived or source_updated_at <= 'epoch';
end $$;

-- judge_products(source, artifact_run, part, seen_later, volatile): one verdict for each staged line without
-- one.
--   verdicts    created, updated, unchanged; older: a newer record has been applied; duplicate: the artifact
--               has a better record of the same product. A refusal of a named product without a row counts
--               as unchanged
--   order       Within one artifact the highest (source time, part, line) of a key wins; any time is higher
--               than an unknown one. Artifacts are ordered by when they were requested, see
--               load_requested_at. An artifact older than the one that wrote the row, or than a settled run
--               that saw the product (`p_seen_later`), may only normalise again the record that the row
--               already holds. Of two artifacts the newer wins, unless both times are known and its own is
--               lower
--   p_volatile  paths of members that change without meaning
create function catalog.judge_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[]
) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  -- Without a keyed run, artifacts are requested in the order of the runs' ids.
  keyed boolean := exists (
    select from catalog.runs where source_id = p_source and kind in ('refresh', 'import'));
  names_products boolean := exists (
    select from catalog.runs where source_id = p_source and id = p_artifact_run and keys is not null);
  requested timestamptz :=
    coalesce(catalog.load_requested_at(p_source, p_artifact_run, p_part), 'infinity');
begin
  insert into pg_temp.verdicts (line_no, external_id, seq, is_older, verdict)
  select s.line_no, s.external_id, p.seq, coalesce(p.is_newer, false),
    case
      when s.rank > 1 then 'duplicate'
      when p.seq is null and s.is_refusal then 'unchanged'
      when p.seq is null then 'created'
      when p.run_id = p_artifact_run
        and (coalesce(s.source_updated_at, '-infinity'), p_part, s.line_no)
          < (coalesce(p.source_updated_at, '-infinity'), p.part_no, p.line_no)
        then 'duplicate'
      when p.record_hash <> s.record_hash
        and (p.is_newer
          or p_seen_later is not null and p.seq < 8 * length(p_seen_later)
            and get_bit(p_seen_later, p.seq) = 1)
        then 'older'
      when p.run_id <> p_artifact_run and not p.is_newer and s.source_updated_at < p.source_updated_at
        then 'older'
      when p.status = 'removed' and not p.is_newer then 'updated'
      when p.content_hash <> s.content_hash then 'updated'
      when p.record_hash <> s.record_hash
        and catalog.remove_members(p.raw::jsonb, p_volatile) <> catalog.remove_members(
          (select w.raw::jsonb from pg_temp.staged_products w where w.ctid = s.place), p_volatile)
        then 'updated'
      else 'unchanged'
    end
  from (
    select line_no, external_id, source_updated_at, record_hash, content_hash, ctid as place,
      names_products and catalog.is_refusal(status, title, brand, url) as is_refusal,
      row_number() over (
        partition by external_id order by source_updated_at desc nulls last, line_no desc) as rank
    from pg_temp.staged_products
    where not exists (select from pg_temp.verdicts j where j.line_no = staged_products.line_no)
  ) s
  left join lateral (
    select w.*, case
        when w.run_id = p_artifact_run then false
        when not keyed then w.run_id > p_artifact_run
        else (catalog.load_requested_at(p_source, w.run_id, w.part_no), w.run_id)
          > (requested, p_artifact_run)
      end as is_newer
    from catalog.products w where w.source_id = p_source and w.external_id = s.external_id offset 0
  ) p on true;
end $$;

-- lock_judged_products(source) → whether products with a verdict exist already. Their rows are locked, in the
-- order of their ids so that lanes cannot deadlock, and their verdicts deleted: judged again, they stay as
-- they are.
create function catalog.lock_judged_products(p_source integer) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  perform from pg_temp.verdicts j
    join catalog.products p on p.source_id = p_source and p.external_id = j.external_id
    where j.seq is not null and j.verdict <> 'created' order by j.external_id for update of p;
  if not found then
    return false;
  end if;
  delete from pg_temp.verdicts j where j.seq is not null and j.verdict <> 'created';
  return true;
end $$;

-- gate_price(…) → the reason why a person has to decide on this price; null if it may become current.
--   last_good   the current price; null without one
--   declared    the currency in the settings of the source: a change to it was made by a person
--   factor      a price that rises or falls by this factor or more is held
create function catalog.gate_price(
  amount_minor bigint, currency text, last_good bigint, last_good_currency text, declared text, factor numeric
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when amount_minor = 0 and last_good is distinct from 0 then 'the price is zero'
    -- Amounts of two currencies cannot be compared.
    when last_good_currency <> currency and currency = declared then null
    when last_good_currency <> currency
      then format('the currency changed from %s to %s', last_good_currency, currency)
    when last_good > 0 and amount_minor >= last_good * factor
      then format('the price rose ×%s', trim_scale(round(amount_minor::numeric / last_good, 1)))
    when last_good > 0 and amount_minor * factor <= last_good
      then format('the price fell ÷%s', trim_scale(round(last_good::numeric / amount_minor, 1)))
  end
$$;

-- judge_prices(source, artifact_run, factor): fills price_verdicts for products that exist already. A stated
-- price is compared with the current one, or with the one that a person replaced by it, and with the newest
-- one that waits for a decision or was rejected; only a difference gets a verdict.
--   states      current: first price of its type; pending: it waits for settle; held: it failed a gate; kept:
--               it equals the current price again, so that a waiting price is superseded; disputed: see
--               judge_disagreements
--   amount null the supplier no longer states the price
create function catalog.judge_prices(p_source integer, p_artifact_run bigint, p_price_factor numeric)
returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  declared text := (select settings ->> 'currency' from catalog.sources where id = p_source);
  -- A keyed run publishes only its own prices, so it writes a price again that another run left pending.
  keyed boolean := exists (
    select from catalog.runs
    where source_id = p_source and id = p_artifact_run and kind in ('refresh', 'import'));
begin
  -- Apply calls this again when another lane created a product first. Products of this batch are left out.
  delete from pg_temp.price_verdicts where true;
  insert into pg_temp.price_verdicts
  with stated as (
    select j.external_id, n.*
    from pg_temp.staged_prices n join pg_temp.verdicts j using (line_no)
    where j.seq is not null and j.verdict in ('updated', 'unchanged') and n.amount_minor is not null
  ), current_prices as (
    select j.line_no, j.external_id, c.*
    from pg_temp.verdicts j
    cross join lateral (
      select variant_external_id, price_type, amount_minor, currency, compare_at_minor, observed_at, stated
      from catalog.prices
      where source_id = p_source and product_external_id = j.external_id and state = 'current' offset 0
    ) c
    where j.seq is not null and j.verdict in ('updated', 'unchanged')
  ), pairs as (
    select line_no, coalesce(n.external_id, c.external_id) as external_id, variant_external_id, price_type,
      n.amount_minor, coalesce(n.currency, c.currency) as currency, n.compare_at_minor,
      c.amount_minor as last_good, c.currency as last_good_currency, c.observed_at as last_at,
      c.line_no is null as is_first,
      (n.amount_minor, coalesce(n.currency, c.currency), n.compare_at_minor)
        is not distinct from (c.amount_minor, c.currency, c.compare_at_minor)
      or (c.stated = catalog.to_stated(n.amount_minor, n.currency, n.compare_at_minor)) is true as is_current
    from stated n full join current_prices c using (line_no, variant_external_id, price_type)
  )
  select line_no, external_id, variant_external_id, price_type, amount_minor, currency, compare_at_minor,
    last_good, last_good_currency, case when is_current then 'kept' when reason is not null then 'held'
      when is_first then 'current' else 'pending' end, reason
  from pairs
  left join lateral (
    select state, (amount_minor, currency, compare_at_minor)
        is distinct from (pairs.amount_minor, pairs.currency, pairs.compare_at_minor) as differs
    from catalog.prices
    where source_id = p_source and product_external_id = pairs.external_id
      and variant_external_id = pairs.variant_external_id and price_type = pairs.price_type
      and state in ('pending', 'held', 'rejected') and observed_at > coalesce(pairs.last_at, '-infinity')
      and not (keyed and state = 'pending' and run_id <> p_artifact_run)
    order by observed_at desc, run_id desc limit 1
  ) waiting on true
  cross join lateral (
    select catalog.gate_price(amount_minor, currency, last_good, last_good_currency, declared, p_price_factor)
      as reason offset 0
  ) gate
  where case
    when waiting.state is null then not is_current
    when waiting.state = 'rejected' and is_current then false
    else waiting.differs
  end;
end $$;

-- judge_first_prices(): holds prices of zero of created products, which get the verdict held. Their other
-- prices become current without a verdict.
create function catalog.judge_first_prices() returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into pg_temp.price_verdicts
    select j.line_no, j.external_id, n.variant_external_id, n.price_type, n.amount_minor, n.currency,
      n.compare_at_minor, null, null, 'held', 'the price is zero'
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor = 0;
  if not found then
    return;
  end if;
  update pg_temp.verdicts j set held = true
    where j.verdict = 'created'
      and j.line_no in (select q.line_no from pg_temp.price_verdicts q where q.state = 'held');
end $$;

-- judge_batch(source, artifact_run, part, seen_later, volatile, factor): judges every staged line that has no
-- verdict yet, then the prices. A product whose prices differ is updated; one with a held price is held.
--   locks       existing products are locked and then judged a second time, because they may have changed
--               before. A plan, whose transaction is read-only, judges once
--   errors      db/unsuitable, see assert_own_table
create function catalog.judge_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[],
  p_price_factor numeric
) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  perform catalog.assert_own_table('staged_products');
  perform catalog.correct_source_times(p_source, p_artifact_run, p_part);
  perform catalog.limit_licences(p_source, p_artifact_run, p_part);
  perform catalog.judge_products(p_source, p_artifact_run, p_part, p_seen_later, p_volatile);
  if not current_setting('transaction_read_only')::boolean and catalog.lock_judged_products(p_source) then
    perform catalog.judge_products(p_source, p_artifact_run, p_part, p_seen_later, p_volatile);
  end if;

  perform catalog.judge_prices(p_source, p_artifact_run, p_price_factor);
  perform catalog.judge_disagreements(p_source);
  perform catalog.forget_expired_prices(p_source);
  update pg_temp.verdicts j
    set verdict = 'updated', reprices = true, held = p.held
    from (
      select line_no, bool_or(state in ('held', 'disputed')) as held
      from pg_temp.price_verdicts group by line_no
    ) p
    where j.line_no = p.line_no and j.verdict <> 'created';
  perform catalog.judge_first_prices();
end $$;

-- list_staged_changes(source) → (line_no, external_id, kind, detail, expires_at): the change that each line
-- with the verdict created or updated makes.
--   detail      {member: [before, after]}; prices as `price:<variant>:<type>`, a held one with its reason;
--               `provenance` with the paths that differ; see list_smaller_packages and
--               list_availability_changes. The values before are null once their licence has ended.
--               Empty members for a new product, whose row exists already in apply
--   expires_at  the earliest end of a licence of these values; null for a new product
create function catalog.list_staged_changes(p_source integer)
returns table (line_no integer, external_id text, kind text, detail jsonb, expires_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  return query select j.line_no, j.external_id,
    case when j.verdict = 'created' then 'created'
      when p.status = 'removed' then 'returned'
      when p.status = 'active' and s.status = 'unavailable' then 'unavailable'
      when j.reprices and p.content_hash = s.content_hash or w.detail is not null then 'repriced'
      else 'updated'
    end,
    case when j.verdict = 'created' then '{}' else
      catalog.diff_members(
        case when p.expires_at <= now()
          then catalog.product_members(p.status, null, null, null, null, null, p.successor, '{}', '{}')
          else catalog.product_members(p.status, p.title, p.description, p.brand, p.manufacturer, p.url,
            p.successor, p.identifiers, p.attributes) end,
        catalog.product_members(s.status, s.title, s.description, s.brand, s.manufacturer, s.url, s.successor,
          s.identifiers, s.attributes))
      || catalog.diff_provenance(
        case when p.expires_at <= now() then null else p.provenance end, s.provenance)
    end
    || coalesce((
      select jsonb_object_agg(format('price:%s:%s', q.variant_external_id, q.price_type),
        jsonb_build_array(q.last_good, q.amount_minor)
          || case when q.state in ('held', 'disputed') then jsonb_build_array(q.reason) else '[]' end)
      from pg_temp.price_verdicts q where q.line_no = j.line_no and q.state <> 'kept'), '{}')
    || coalesce(w.detail, '{}') || coalesce(a.detail, '{}'),
    case when j.verdict <> 'created'
      then least(s.expires_at, case when p.expires_at > now() then p.expires_at end) end
  from pg_temp.verdicts j
  join pg_temp.staged_products s on s.line_no = j.line_no
  left join lateral (
    select * from catalog.products where source_id = p_source and external_id = j.external_id offset 0
  ) p on true
  left join catalog.list_smaller_packages(p_source) w on w.line_no = j.line_no
  left join catalog.list_availability_changes(p_source) a on a.line_no = j.line_no
  where j.verdict in ('created', 'updated');
end $$;

-- 20261122000033_apply.sql

-- Generated from supabase/schemas/33_apply.sql until the first release: do not edit.

-- apply_batch: merges the staging tables into the catalogue, in one transaction with the batch's checkpoint.
-- The functions that write take the verdicts of judge_batch; rows are taken in the order of their ids, so
-- that lanes cannot deadlock.

-- create_products(source, artifact_run, part, normaliser_version, seq_from) → (created, lost): inserts the
-- products with the verdict created, numbered from `p_seq_from`.
--   lost        products that another lane created meanwhile; their verdicts are deleted, to be judged again
create function catalog.create_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer, p_seq_from integer,
  out created integer, out lost integer
) language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
begin
  with numbered as (
    select line_no, p_seq_from - 1 + row_number() over (order by line_no) as seq
    from pg_temp.verdicts where verdict = 'created' and seq is null
  ), written as (
    insert into catalog.products (
      source_id, external_id, seq, status, title, description, brand, manufacturer, url, identifiers,
      attributes, successor, source_updated_at, first_seen_at, changed_at, last_available_at, expires_at,
      refreshed_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash, warnings,
      provenance, raw)
    select p_source, s.external_id, n.seq, s.status, s.title, s.description, s.brand, s.manufacturer, s.url,
      s.identifiers, s.attributes, s.successor, s.source_updated_at, now(), now(), null, s.expires_at,
      requested, p_artifact_run, p_part, s.line_no, p_normaliser_version, s.record_hash, s.content_hash,
      s.warnings, s.provenance, s.raw
    from numbered n join pg_temp.staged_products s on s.line_no = n.line_no
    order by s.external_id
    on conflict do nothing
    returning line_no, seq
  )
  update pg_temp.verdicts j set seq = w.seq from written w where w.line_no = j.line_no;
  get diagnostics created = row_count;
  delete from pg_temp.verdicts where verdict = 'created' and seq is null;
  get diagnostics lost = row_count;
end $$;

-- record_changes(source, run): one row of `changes` for each product, with the changes of all batches of the
-- run: see merge_details and merge_kinds.
create function catalog.record_changes(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into catalog.changes (source_id, run_id, product_external_id, kind, detail, expires_at)
    select p_source, p_run, c.external_id, c.kind,
      case c.kind when 'created' then '{}'
        else c.detail - '{description, description_md, description_text}'::text[] end, c.expires_at
    from catalog.list_staged_changes(p_source) c
    on conflict (source_id, run_id, product_external_id, review_id) do update
      set kind = catalog.merge_kinds(changes.kind, excluded.kind),
          detail = catalog.merge_details(changes.detail, excluded.detail, array(
            select format('price:%s:%s', q.variant_external_id, q.price_type)
            from pg_temp.price_verdicts q
            where q.external_id = excluded.product_external_id and q.state = 'kept')),
          expires_at = least(changes.expires_at, excluded.expires_at)
      where changes.kind <> 'created';
end $$;

-- update_products(source, artifact_run, part, normaliser_version): writes the products with the verdict
-- updated. A row that a newer artifact wrote keeps its place, its source time, its end of the licence and its
-- removal.
create function catalog.update_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer
) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
begin
  update catalog.products p
    set title = s.title, description = s.description, brand = s.brand, manufacturer = s.manufacturer,
        url = s.url, identifiers = s.identifiers, attributes = s.attributes, successor = s.successor,
        successor_source = null,
        changed_at = now(), purged_at = null, refreshed_at = requested,
        expires_at = case when j.is_older then coalesce(p.expires_at, s.expires_at) else s.expires_at end,
        normaliser_version = p_normaliser_version,
        record_hash = s.record_hash, content_hash = s.content_hash, warnings = s.warnings,
        provenance = s.provenance, raw = s.raw,
        status = case when p.status = 'removed' and j.is_older then p.status else s.status end,
        last_available_at = case when s.status = 'active' then null when p.status = 'active' then now()
                                 else p.last_available_at end,
        source_updated_at = case when j.is_older then p.source_updated_at
                                 else s.source_updated_at end,
        run_id = case when j.is_older then p.run_id else p_artifact_run end,
        part_no = case when j.is_older then p.part_no else p_part end,
        line_no = case when j.is_older then p.line_no else s.line_no end
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'updated' and p.source_id = p_source and p.external_id = j.external_id;
end $$;

-- write_variants(source): variants of created and updated products. One that the product no longer lists is
-- marked as removed.
create function catalog.write_variants(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.variants as v (source_id, product_external_id, external_id, position, title, sku, gtin,
      options, weight_grams, pack_count, availability)
    select p_source, j.external_id, n.external_id, n.position, n.title, n.sku, n.gtin, n.options,
      n.weight_grams::numeric, n.pack_count, n.availability
    from pg_temp.verdicts j join pg_temp.staged_variants n on n.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, n.external_id
    on conflict (source_id, product_external_id, external_id) do update
      set position = excluded.position, title = excluded.title, sku = excluded.sku, gtin = excluded.gtin,
          options = excluded.options, weight_grams = excluded.weight_grams, pack_count = excluded.pack_count,
          availability = excluded.availability, removed_at = null
      where (v.position, v.title, v.sku, v.gtin, v.options, v.weight_grams, v.pack_count, v.availability,
          v.removed_at)
        is distinct from (excluded.position, excluded.title, excluded.sku, excluded.gtin, excluded.options,
          excluded.weight_grams, excluded.pack_count, excluded.availability, null);
  update catalog.variants v set removed_at = now()
    from pg_temp.verdicts j
    where j.verdict = 'updated' and v.source_id = p_source and v.product_external_id = j.external_id
      and v.removed_at is null and not exists (
        select from pg_temp.staged_variants n where n.line_no = j.line_no and n.external_id = v.external_id);
end $$;

-- write_images(source): images of created and updated products, by position. An image with another address
-- has to be stored again; one that the product no longer lists is deleted.
create function catalog.write_images(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.images as i (source_id, product_external_id, position, url, alt)
    select p_source, j.external_id, n.position, n.url, n.alt
    from pg_temp.verdicts j join pg_temp.staged_images n on n.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, n.position
    on conflict (source_id, product_external_id, position) do update
      set url = excluded.url, alt = excluded.alt,
        sha256 = case when i.url = excluded.url then i.sha256 end,
        cdn_url = case when i.url = excluded.url then i.cdn_url end,
        address_id = case when i.url = excluded.url then i.address_id end,
        state = case when i.url = excluded.url then i.state else 'new' end
      where (i.url, i.alt) is distinct from (excluded.url, excluded.alt);
  delete from catalog.images i
    using pg_temp.verdicts j
    where j.verdict = 'updated' and i.source_id = p_source and i.product_external_id = j.external_id
      and not exists (
        select from pg_temp.staged_images n where n.line_no = j.line_no and n.position = i.position);
end $$;

-- write_first_prices(source, run, part): prices of created products, current at once; a price of zero is
-- held.
create function catalog.write_first_prices(p_source integer, p_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, compare_at_minor, state, observed_at, part_no, line_no)
    select p_source, j.external_id, n.variant_external_id, n.price_type, p_run, n.amount_minor, n.currency,
      n.compare_at_minor, case n.amount_minor when 0 then 'held' else 'current' end, now(), p_part, n.line_no
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor is not null
    order by j.external_id, n.variant_external_id, n.price_type
    on conflict do nothing;
end $$;

-- correct_first_prices(source, run): lets a price pass without a gate if the current price was written by
-- this run, from a record that a better one of the same artifact replaces: it is a first price too.
create function catalog.correct_first_prices(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  update pg_temp.price_verdicts q
    set state = case q.amount_minor when 0 then 'held' else 'current' end,
        reason = case q.amount_minor when 0 then 'the price is zero' end
    from catalog.prices c
    where c.source_id = p_source and c.product_external_id = q.external_id
      and c.variant_external_id = q.variant_external_id and c.price_type = q.price_type and c.run_id = p_run
      and c.state = 'current' and q.state in ('pending', 'held');
  if found then
    update pg_temp.verdicts j
      set held = exists (
        select from pg_temp.price_verdicts q where q.line_no = j.line_no and q.state = 'held')
      where j.reprices;
  end if;
end $$;

-- write_changed_prices(source, run, part): prices with a verdict. They supersede the prices and reviews that
-- waited; those that failed a gate, and those in disagreement, get a review.
--   ordering    locks a review before its price, as decide_review does
create function catalog.write_changed_prices(p_source integer, p_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from pg_temp.price_verdicts q
    where r.source_id = p_source and r.state = 'open' and r.kind in ('price', 'disagreement')
      and r.product_external_id = q.external_id and r.variant_external_id = q.variant_external_id
      and r.price_type = q.price_type;
  update catalog.prices w set state = 'superseded'
    from pg_temp.price_verdicts q
    where w.source_id = p_source and w.product_external_id = q.external_id
      and w.variant_external_id = q.variant_external_id and w.price_type = q.price_type
      and w.state in ('pending', 'held') and (w.run_id <> p_run or q.state in ('kept', 'disputed'));
  if not catalog.keeps_price_history(p_source) then
    delete from catalog.prices w using pg_temp.price_verdicts q
      where w.source_id = p_source and w.product_external_id = q.external_id
        and w.variant_external_id = q.variant_external_id and w.price_type = q.price_type
        and w.state in ('past', 'superseded');
  end if;
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, compare_at_minor, state, observed_at, part_no, line_no)
    select p_source, q.external_id, q.variant_external_id, q.price_type, p_run, q.amount_minor, q.currency,
      q.compare_at_minor, q.state, now(), p_part, q.line_no
    from pg_temp.price_verdicts q
    where q.state not in ('kept', 'disputed')
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set amount_minor = excluded.amount_minor, currency = excluded.currency,
          compare_at_minor = excluded.compare_at_minor, state = excluded.state,
          observed_at = excluded.observed_at, part_no = excluded.part_no, line_no = excluded.line_no,
          stated = null
      where prices.state in ('pending', 'held', 'superseded', 'current');
  insert into catalog.reviews
      (source_id, kind, run_id, product_external_id, variant_external_id, price_type, reason, detail)
    select p_source, case q.state when 'held' then 'price' else 'disagreement' end, p_run, q.external_id,
      q.variant_external_id, q.price_type, q.reason,
      jsonb_build_object('from', q.last_good, 'to', q.amount_minor, 'currency', q.currency)
        || case q.state when 'held' then '{}' else jsonb_build_object('claims', q.claims) end
    from pg_temp.price_verdicts q
    where q.state in ('held', 'disputed');
end $$;

-- apply_batch(…) → (created, updated, unchanged, older, duplicate, held, seqs, next_seq)
--   atomic      rows, prices and changes, or nothing; the caller saves its checkpoint in the same transaction
--   idempotent  the same batch a second time writes no row
--   ordering    an older record never overwrites a newer one, see judge_products
--   p_first_load   writes no changes: settle publishes the load as a whole
--   held        records with a held price; they count as neither created nor updated
--   seqs        numbers of all products in the batch, as big-endian int4: the run has seen them
--   next_seq    first number from `p_seq_from` on that is still free; a round takes at most one for each
--               staged line
--   errors      see raise_lease_error and assert_own_table
create function catalog.apply_batch(
  p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_seq_from integer,
  p_normaliser_version integer, p_volatile text[], p_price_factor numeric, p_seen_later bytea,
  p_first_load boolean
) returns table (
  created integer, updated integer, unchanged integer, older integer, duplicate integer, held integer,
  seqs bytea,
  next_seq integer
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off set work_mem = '32MB' as $$
#variable_conflict use_column
declare
  free_seq integer := p_seq_from;
  result record;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  if p_first_load then
    free_seq := catalog.load_batch(p_source, p_artifact_run, p_part, p_normaliser_version, free_seq);
  end if;
  if exists (
      select from pg_temp.staged_products s
      where not exists (select from pg_temp.verdicts j where j.line_no = s.line_no)) then
    loop
      perform catalog.judge_batch(
        p_source, p_artifact_run, p_part, p_seen_later, p_volatile, p_price_factor);
      select * into result
        from catalog.create_products(p_source, p_artifact_run, p_part, p_normaliser_version, free_seq);
      free_seq := free_seq + result.created + result.lost;
      exit when result.lost = 0;
    end loop;
    if not p_first_load then
      perform catalog.record_changes(p_source, p_run);
      perform catalog.record_refusals(p_source, p_run);
    end if;
    perform catalog.limit_earlier_prices(p_source);
    perform catalog.update_products(p_source, p_artifact_run, p_part, p_normaliser_version);
    perform catalog.update_source_times(p_source, p_artifact_run, p_part, p_seen_later);
    perform catalog.mark_seen(p_source, p_run, p_artifact_run, p_part);
  end if;
  perform catalog.write_variants(p_source);
  perform catalog.write_images(p_source);
  perform catalog.write_first_prices(p_source, p_run, p_part);
  if exists (select from pg_temp.price_verdicts) then
    perform catalog.correct_first_prices(p_source, p_run);
    perform catalog.write_changed_prices(p_source, p_run, p_part);
  end if;
  perform catalog.index_products(p_source, array(
    select j.external_id from pg_temp.verdicts j where j.verdict in ('created', 'updated')));
  return query
    select count(*) filter (where verdict = 'created' and not j.held)::integer,
      count(*) filter (where verdict = 'updated' and not j.held)::integer,
      count(*) filter (where verdict = 'unchanged')::integer,
      count(*) filter (where verdict = 'older')::integer,
      count(*) filter (where verdict = 'duplicate')::integer,
      count(*) filter (where j.held)::integer,
      coalesce(string_agg(int4send(j.seq), ''::bytea) filter (where j.seq is not null), ''), free_seq
    from pg_temp.verdicts j;
end $$;

-- 20261122000034_first_load.sql

-- Generated from supabase/schemas/34_first_load.sql until the first release: do not edit.

-- The first load: while a source has no products, staged lines are inserted without being compared with the
-- catalogue. Only lines of products that exist by then are judged as in every other run.

-- load_products(source, artifact_run, part, normaliser_version, seq_from) → the first number that is still
-- free: inserts the best staged line of each product that does not exist yet, with the verdict created. The
-- other lines keep no verdict.
create function catalog.load_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer, p_seq_from integer
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
  staged integer;
begin
  with ranked as (
    select ctid as place,
      row_number() over (
        partition by external_id order by source_updated_at desc nulls last, line_no desc) as rank,
      p_seq_from - 1 + row_number() over (
        order by external_id, source_updated_at desc nulls last, line_no desc) as seq
    from pg_temp.staged_products
  ), written as (
    insert into catalog.products (
      source_id, external_id, seq, status, title, description, brand, manufacturer, url, identifiers,
      attributes, successor, source_updated_at, first_seen_at, changed_at, last_available_at, expires_at,
      refreshed_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash, warnings,
      provenance, raw)
    select p_source, s.external_id, n.seq, s.status, s.title, s.description, s.brand, s.manufacturer, s.url,
      s.identifiers, s.attributes, s.successor, s.source_updated_at, now(), now(), null, s.expires_at,
      requested, p_artifact_run, p_part, s.line_no, p_normaliser_version, s.record_hash, s.content_hash,
      s.warnings, s.provenance, s.raw
    from ranked n join pg_temp.staged_products s on s.ctid = n.place
    where n.rank = 1
    order by n.seq
    on conflict do nothing
    returning line_no, external_id, seq
  )
  insert into pg_temp.verdicts (line_no, external_id, seq, verdict)
    select line_no, external_id, seq, 'created' from written;
  select count(*) into staged from pg_temp.staged_products;
  return p_seq_from + staged;
end $$;

-- load_batch(source, artifact_run, part, normaliser_version, seq_from) → as load_products; the verdicts of
-- the created products are complete.
--   errors      db/unsuitable, see assert_own_table
create function catalog.load_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer, p_seq_from integer
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  free_seq integer;
begin
  perform catalog.assert_own_table('staged_products');
  perform catalog.correct_source_times(p_source, p_artifact_run, p_part);
  perform catalog.limit_licences(p_source, p_artifact_run, p_part);
  free_seq := catalog.load_products(p_source, p_artifact_run, p_part, p_normaliser_version, p_seq_from);
  perform catalog.judge_first_prices();
  perform catalog.judge_disagreements(p_source);
  return free_seq;
end $$;

-- 20261122000035_disagreements.sql

-- Generated from supabase/schemas/35_disagreements.sql until the first release: do not edit.

-- Prices that a supplier states in different ways. Such a price is not among the prices of its record: the
-- last good one stays, and one review of kind `disagreement` has all claims with their quotations.

-- list_claims(claims) → the claims without their quotations, as a set: two lists of claims that differ only
-- in their order and words are the same disagreement.
create function catalog.list_claims(p_claims jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_agg(distinct claim - 'quotation') from jsonb_array_elements(p_claims) claim
$$;

-- explain_disagreement(claims) → `json-ld and microdata state different prices`.
create function catalog.explain_disagreement(p_claims jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case count(*)
    when 1 then max(source) || ' states different prices'
    else regexp_replace(string_agg(source, ', ' order by place), ', ([^,]+)$', ' and \1')
      || ' state different prices'
    end
  from (
    select claim ->> 'source' as source, min(place) as place
    from jsonb_array_elements(p_claims) with ordinality c (claim, place) group by 1
  ) sources
$$;

-- is_known_disagreement(source, product, variant, price_type, claims) → whether a person has these claims
-- before them, or has decided on them and no other price has been stated since.
create function catalog.is_known_disagreement(
  p_source integer, p_product text, p_variant text, p_price_type text, p_claims jsonb
) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from catalog.reviews r
    where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'disagreement'
      and r.state <> 'superseded' and r.variant_external_id = p_variant and r.price_type = p_price_type
      and catalog.list_claims(r.detail -> 'claims') = catalog.list_claims(p_claims)
      and (r.state = 'open' or not exists (
        select from catalog.prices p
        where p.source_id = p_source and p.product_external_id = p_product
          and p.variant_external_id = p_variant and p.price_type = p_price_type
          and p.observed_at > r.decided_at)))
$$;

-- judge_disagreements(source): adds the price verdicts of disagreements, after judge_prices.
--   disputed    a disagreement that no person has seen; its product is held
--   kept        the price is in disagreement no longer, so that its review is superseded
--   A price in disagreement is absent from the record, and is not withdrawn. A source without disagreements
--   costs two look-ups a batch.
create function catalog.judge_disagreements(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not exists (select from pg_temp.staged_products where disagreements is not null)
     and not exists (
       select from catalog.reviews
       where source_id = p_source and kind = 'disagreement' and state = 'open') then
    return;
  end if;
  delete from pg_temp.price_verdicts q using catalog.list_staged_disagreements() d
    where q.line_no = d.line_no and q.variant_external_id = d.variant and q.price_type = d.price_type;
  insert into pg_temp.price_verdicts
    select d.line_no, d.external_id, d.variant, d.price_type, null,
      coalesce(c.currency, d.claims #>> '{0,currency}'), null, c.amount_minor, c.currency, 'disputed',
      catalog.explain_disagreement(d.claims), d.claims
    from catalog.list_staged_disagreements() d
    left join catalog.prices c on c.source_id = p_source and c.product_external_id = d.external_id
      and c.variant_external_id = d.variant and c.price_type = d.price_type and c.state = 'current'
    where not catalog.is_known_disagreement(p_source, d.external_id, d.variant, d.price_type, d.claims);
  insert into pg_temp.price_verdicts
    select j.line_no, j.external_id, r.variant_external_id, r.price_type, c.amount_minor,
      coalesce(c.currency, r.detail ->> 'currency'), c.compare_at_minor, c.amount_minor, c.currency, 'kept'
    from pg_temp.verdicts j
    join catalog.reviews r on r.source_id = p_source and r.product_external_id = j.external_id
      and r.kind = 'disagreement' and r.state = 'open'
    left join catalog.prices c on c.source_id = p_source and c.product_external_id = j.external_id
      and c.variant_external_id = r.variant_external_id and c.price_type = r.price_type
      and c.state = 'current'
    where j.verdict in ('updated', 'unchanged') and not exists (
        select from pg_temp.price_verdicts q
        where q.line_no = j.line_no and q.variant_external_id = r.variant_external_id
          and q.price_type = r.price_type)
      and not exists (
        select from catalog.list_staged_disagreements() d
        where d.line_no = j.line_no and d.variant = r.variant_external_id and d.price_type = r.price_type);
  update pg_temp.verdicts j set held = true
    where j.verdict = 'created'
      and j.line_no in (select q.line_no from pg_temp.price_verdicts q where q.state = 'disputed');
end $$;

-- list_staged_disagreements() → the disagreements of staged records that decide about their product.
create function catalog.list_staged_disagreements()
returns table (line_no integer, external_id text, variant text, price_type text, claims jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  return query
    select j.line_no, j.external_id::text, d."variantId", d."priceType", d.claims
    from pg_temp.staged_products s
    join pg_temp.verdicts j on j.line_no = s.line_no
    cross join lateral jsonb_to_recordset(s.disagreements)
      as d ("variantId" text, "priceType" text, claims jsonb)
    where s.disagreements is not null and j.verdict in ('created', 'updated', 'unchanged');
end $$;

-- 20261122000036_enrichments.sql

-- Generated from supabase/schemas/36_enrichments.sql until the first release: do not edit.

-- Values that a later step, such as a language model, proposes for fields that the supplier leaves empty.
-- They are accepted by a person or by the threshold of the source, and kept beside the supplier's values.

-- find_stated_value(product, field) → the supplier's value of the field; null if it states none.
--   field       path as in products.provenance: title, attributes.process, variants.12.weightGrams
create function catalog.find_stated_value(p_product catalog.products, p_field text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with path as (select string_to_array(p_field, '.') as names), stated as (
    select case names[1]
      when 'attributes' then p_product.attributes #> names[2:]
      when 'identifiers' then p_product.identifiers #> names[2:]
      when 'variants' then (
        select to_jsonb(v) -> regexp_replace(lower(regexp_replace(names[cardinality(names)], '([A-Z])',
            '_\1', 'g')), '^_', '')
        from catalog.variants v
        where v.source_id = p_product.source_id and v.product_external_id = p_product.external_id
          and v.external_id = array_to_string(names[2:cardinality(names) - 1], '.'))
      else jsonb_build_object('title', p_product.title, 'description', p_product.description,
        'brand', p_product.brand, 'manufacturer', p_product.manufacturer, 'url', p_product.url) -> p_field
    end as value
    from path
  )
  select value from stated where value not in ('null', '""', '[]', '{}')
$$;

-- accept_value(…): the value becomes the enrichment of the field, in place of an earlier one.
create function catalog.accept_value(
  p_source integer, p_product text, p_field text, p_value jsonb, p_quotation text, p_confidence numeric,
  p_model text, p_content_hash bytea, p_by text
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.enrichments as e (source_id, product_external_id, field, value, quotation, confidence,
      model, content_hash, accepted_at, accepted_by, expires_at)
    values (p_source, p_product, p_field, p_value, p_quotation, p_confidence, p_model, p_content_hash,
      clock_timestamp(), p_by, (
        select expires_at from catalog.products where source_id = p_source and external_id = p_product))
    on conflict (source_id, product_external_id, field) do update
      set value = excluded.value, quotation = excluded.quotation, confidence = excluded.confidence,
          model = excluded.model, content_hash = excluded.content_hash, accepted_at = excluded.accepted_at,
          accepted_by = excluded.accepted_by, expires_at = excluded.expires_at
$$;

-- is_known_value(source, product, field, value) → whether this value waits for a person, was rejected by
-- one, or is the enrichment already.
create function catalog.is_known_value(p_source integer, p_product text, p_field text, p_value jsonb)
returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
      select from catalog.reviews r
      where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'proposal'
        and r.state in ('open', 'rejected') and r.detail ->> 'field' = p_field
        and r.detail -> 'value' = p_value)
    or exists (
      select from catalog.enrichments e
      where e.source_id = p_source and e.product_external_id = p_product and e.field = p_field
        and e.value = p_value)
$$;

-- propose_value(…) → (outcome, review): a value for an empty field of a product. Never writes the supplier's
-- values, the product's hashes or a price.
--   content_hash  of the product that was read: products.content_hash
--   threshold     confidence from which no person is asked; null: a person is always asked
--   outcome       proposed or accepted (its review supersedes an open one of the field; the threshold has
--                 approved that of an accepted value), known (see is_known_value), decided (a person has
--                 accepted another value for the same content), filled (the supplier states the field), or
--                 outdated (the product has changed, expired or been removed since it was read)
--   idempotent    the same proposal a second time is known
--   errors        usage/invalid  a price, an empty value, or no quotation
create function catalog.propose_value(
  p_source integer, p_product text, p_field text, p_value jsonb, p_quotation text, p_confidence numeric,
  p_model text, p_content_hash bytea, p_threshold numeric default null
) returns table (outcome text, review bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  product catalog.products;
  opened catalog.reviews;
begin
  if p_field ~* '(^|\.)(prices?|amount|currency|compare_?at)' then
    perform catalog.fail('usage/invalid',
      format('"%s" is a price: prices come from suppliers only', p_field));
  elsif p_field !~ '^(title|description|brand|manufacturer|url|(attributes|identifiers|variants)\..+)$' then
    perform catalog.fail('usage/invalid', format('"%s" is not a field of a product', p_field));
  elsif coalesce(p_value, 'null') in ('null', '""', '[]', '{}') or coalesce(p_quotation, '') = '' then
    perform catalog.fail('usage/invalid',
      format('The proposal for "%s" has no value or no quotation', p_field));
  end if;
  -- Proposals for one product wait for each other.
  select * into product from catalog.products
    where source_id = p_source and external_id = p_product for no key update;
  outcome := case
    when product.external_id is null or product.status = 'removed' or product.expires_at <= now()
      or product.content_hash <> p_content_hash then 'outdated'
    when catalog.find_stated_value(product, p_field) is not null then 'filled'
    when catalog.is_known_value(p_source, p_product, p_field, p_value) then 'known'
    when exists (
      select from catalog.enrichments e
      where e.source_id = p_source and e.product_external_id = p_product and e.field = p_field
        and e.content_hash = p_content_hash and e.accepted_by <> 'threshold') then 'decided'
    when p_confidence >= p_threshold then 'accepted'
    else 'proposed' end;
  if outcome in ('accepted', 'proposed') then
    update catalog.reviews r set state = 'superseded', decided_at = now()
      where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'proposal'
        and r.state = 'open' and r.detail ->> 'field' = p_field;
    insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason, detail, state,
        decided_at, decided_by)
      values (p_source, 'proposal', product.run_id, p_product,
        format('%s proposes a value for %s', p_model, p_field),
        jsonb_build_object('field', p_field, 'value', p_value, 'quotation', p_quotation,
          'confidence', p_confidence, 'model', p_model, 'contentHash', encode(p_content_hash, 'hex')),
        case outcome when 'accepted' then 'approved' else 'open' end,
        case outcome when 'accepted' then clock_timestamp() end,
        case outcome when 'accepted' then 'threshold' end)
      returning * into opened;
  end if;
  review := opened.id;
  if outcome = 'accepted' then
    perform catalog.accept_proposal(opened, 'threshold');
  end if;
  return next;
end $$;

-- find_shown_enrichment(product, field) → the accepted value as api.enrichments shows it; null without one.
create function catalog.find_shown_enrichment(p_product catalog.products, p_field text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select e.value from catalog.enrichments e
  where e.source_id = p_product.source_id and e.product_external_id = p_product.external_id
    and e.field = p_field
    and (e.content_hash = p_product.content_hash or e.expires_at is null or e.expires_at > now())
$$;

-- publish_value(review, value): publishes the change of the proposal's field to the value, before it is
-- accepted. Nothing is published for a value that readers see already, or for a product that is removed or
-- has expired. A description is left out of the detail, as in record_changes.
create function catalog.publish_value(p_review catalog.reviews, p_value jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  field constant text := p_review.detail ->> 'field';
  product catalog.products;
  before jsonb;
begin
  select * into product from catalog.products p
    where p.source_id = p_review.source_id and p.external_id = p_review.product_external_id;
  before := catalog.find_shown_enrichment(product, field);
  if before is distinct from p_value and product.status <> 'removed'
      and (product.expires_at is null or product.expires_at > now()) then
    perform catalog.publish_decision(p_review, 'updated', case field when 'description' then '{}'
      else jsonb_build_object(field, jsonb_build_array(before, p_value)) end);
  end if;
end $$;

-- accept_proposal(review, by): the proposed value becomes the enrichment, and its change is published.
create function catalog.accept_proposal(p_review catalog.reviews, p_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.publish_value(p_review, p_review.detail -> 'value');
  perform catalog.accept_value(p_review.source_id, p_review.product_external_id, p_review.detail ->> 'field',
    p_review.detail -> 'value', p_review.detail ->> 'quotation', (p_review.detail ->> 'confidence')::numeric,
    p_review.detail ->> 'model', decode(p_review.detail ->> 'contentHash', 'hex'), p_by);
end $$;

-- 20261122000037_enrichment_work.sql

-- Generated from supabase/schemas/37_enrichment_work.sql until the first release: do not edit.

-- The work of a language model: products of sources whose policy has `enrich`, one after the other. A settled
-- run starts a scan of its source, the scan queues products with new content, and a worker claims them.

-- Products whose content was examined, or waits for that.
create table catalog.enrichment_work (
  source_id           integer not null references catalog.sources (id),
  product_external_id text collate "C" not null,
  content_hash        bytea not null,                -- of the product, when it was queued
  due_at              timestamptz,                   -- null: examined; of a claimed one, the end of the lease
  attempts            integer not null default 0,    -- failed ones
  failure             text,                          -- of the last attempt
  primary key (source_id, product_external_id)
);
create index enrichment_due on catalog.enrichment_work (due_at) where due_at is not null;

create table catalog.enrichment_scans (
  source_id           integer not null primary key references catalog.sources (id),
  run_id              bigint not null,               -- the run that started it
  after               text collate "C"               -- last product that was looked at; null at the end
);

-- Responses of a model by the hash of everything that was sent: the same text is never sent twice.
create table catalog.model_responses (
  key                 bytea primary key,
  statements          jsonb not null,
  received_at         timestamptz not null default clock_timestamp()
);

-- queue_enrichments(limit) → number of products that were looked at; 0 when every scan has ended
--   concurrent  each scan has one worker at a time
create function catalog.queue_enrichments(p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  scan catalog.enrichment_scans;
  looked_at integer;
  last text collate "C";
begin
  insert into catalog.enrichment_scans as e (source_id, run_id, after)
    select s.id, s.latest_run, '' from catalog.sources s
    where s.policy @> '{"enrich": true}' and s.latest_run is not null
      and not exists (
        select from catalog.enrichment_scans e where e.source_id = s.id and e.run_id = s.latest_run)
    on conflict (source_id) do update set run_id = excluded.run_id, after = '';
  select e.* into scan from catalog.enrichment_scans e
    join catalog.sources s on s.id = e.source_id and s.policy @> '{"enrich": true}'
    where e.after is not null order by e.source_id limit 1 for update of e skip locked;
  if not found then return 0; end if;
  with page as (
    select p.external_id, p.content_hash, p.status from catalog.products p
    where p.source_id = scan.source_id and p.external_id > scan.after order by p.external_id limit p_limit
  ), queued as (
    insert into catalog.enrichment_work as w (source_id, product_external_id, content_hash, due_at)
      select scan.source_id, p.external_id, p.content_hash, present from page p where p.status = 'active'
      on conflict (source_id, product_external_id) do update
        set content_hash = excluded.content_hash, due_at = excluded.due_at, attempts = 0, failure = null
        where w.content_hash <> excluded.content_hash
  ) select count(*), max(p.external_id) into looked_at, last from page p;
  update catalog.enrichment_scans e set after = case when looked_at = p_limit then last end
    where e.source_id = scan.source_id;
  return looked_at;
end $$;

-- claim_enrichment(lease) → the product that is due first, with its texts; no row if none is due
--   lease       milliseconds, after which the product is due again
create function catalog.claim_enrichment(p_lease double precision) returns table (
  source_id integer, source text, external_id text, content_hash bytea, attempts integer, options jsonb,
  policy jsonb, title text, description text, attributes jsonb, variants jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  claimed catalog.enrichment_work;
begin
  loop
    select * into claimed from catalog.enrichment_work w
      where w.due_at <= present order by w.due_at limit 1 for update skip locked;
    if not found then return; end if;
    update catalog.enrichment_work w
      set due_at = present + make_interval(secs => p_lease / 1000),
        content_hash = coalesce((
          select p.content_hash from catalog.products p
          where p.source_id = w.source_id and p.external_id = w.product_external_id), w.content_hash)
      where w.source_id = claimed.source_id and w.product_external_id = claimed.product_external_id;
    return query
      select s.id, s.name, p.external_id, p.content_hash, claimed.attempts, s.options, s.policy, p.title,
        p.description, p.attributes, (
          select coalesce(jsonb_agg(
            jsonb_build_object('title', v.title, 'options', v.options) order by v.position), '[]')
          from catalog.variants v
          where v.source_id = p.source_id and v.product_external_id = p.external_id and v.removed_at is null)
      from catalog.products p join catalog.sources s on s.id = p.source_id
      where p.source_id = claimed.source_id and p.external_id = claimed.product_external_id
        and p.status = 'active' and s.policy @> '{"enrich": true}'
        and (p.expires_at is null or p.expires_at > now());
    exit when found;
    -- It is no longer sold, or its source has switched it off; a later scan queues it again.
    delete from catalog.enrichment_work w
      where w.source_id = claimed.source_id and w.product_external_id = claimed.product_external_id;
  end loop;
end $$;

-- finish_enrichment(source, product, content_hash, failure, retry): records the end of an attempt.
--   content_hash  of the claim: a product that was queued again with other content stays due
--   failure       null after a success
--   retry         milliseconds until the next attempt; null for none
create function catalog.finish_enrichment(
  p_source_id integer, p_external_id text, p_content_hash bytea, p_failure text, p_retry double precision
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.enrichment_work w
    set due_at = clock_timestamp() + make_interval(secs => p_retry / 1000), failure = p_failure,
      attempts = case when p_failure is null then 0 else w.attempts + 1 end
    where w.source_id = p_source_id and w.product_external_id = p_external_id
      and w.content_hash = p_content_hash
$$;

-- withdraw_proposals(source, product, values): supersedes open proposals that the text no longer supports
--   values      a list of {field, value}: the proposals that it supports
create function catalog.withdraw_proposals(p_source integer, p_product text, p_values jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.reviews r set state = 'superseded', decided_at = clock_timestamp()
    where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'proposal'
      and r.state = 'open'
      and not p_values @> jsonb_build_array(
        jsonb_build_object('field', r.detail -> 'field', 'value', r.detail -> 'value'))
$$;

-- has_enrichments() → whether a product is due or a scan has not ended
create function catalog.has_enrichments() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from catalog.enrichment_work w where w.due_at <= clock_timestamp())
    or exists (
      select from catalog.sources s left join catalog.enrichment_scans e on e.source_id = s.id
      where s.policy @> '{"enrich": true}' and s.latest_run is not null
        and (e.run_id is distinct from s.latest_run or e.after is not null))
$$;

-- find_model_response(key) → the statements of a stored response, or null
create function catalog.find_model_response(p_key bytea) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.statements from catalog.model_responses r where r.key = p_key
$$;

-- save_model_response(key, statements)
--   idempotent  the first response to a question stays
create function catalog.save_model_response(p_key bytea, p_statements jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into catalog.model_responses (key, statements) values (p_key, p_statements) on conflict do nothing
$$;

-- 20261122000038_refreshes.sql

-- Generated from supabase/schemas/38_refreshes.sql until the first release: do not edit.

-- Refreshes of single products: when each product was read last and is due again, and the state of each
-- refresh of a product. Both are written with one statement for a run, never with one for each product.

-- When a product was read by its key, and when it is due again. Only of sources that refresh due products.
create table catalog.product_reads (
  source_id           integer not null,
  external_id         text collate "C" not null,
  -- Start of the request that returned it last.
  read_at             timestamptz not null,
  due_at              timestamptz not null,
  hot                 boolean not null default false, -- due again after the shorter time of the source
  -- Refreshes without a result since then, in a row.
  failures            integer not null default 0,
  primary key (source_id, external_id)
) with (fillfactor = 80);
create index product_reads_due on catalog.product_reads (source_id, due_at, external_id)
  include (read_at, hot);
-- Products that are late, by the time of their last request.
create index product_reads_oldest on catalog.product_reads (source_id, read_at);
create index product_reads_hot on catalog.product_reads (source_id, due_at) where hot;

-- The daily quota that keyed runs of a source use, as the last fetch found it: the supplier's limit belongs
-- to a credential, which only the process that fetches has. Sources with the same bucket share its quota.
create table catalog.source_quotas (
  source_id           integer primary key,
  scope               text not null,
  key                 text not null,                 -- of its bucket in `limits`
  per_day             integer not null,
  per_second          double precision not null,
  reserve             double precision not null,     -- the share that is kept for imports
  products_per_request integer not null
);
create index source_quotas_bucket on catalog.source_quotas (scope, key);

-- The refresh of one product by one run. Kept for seven days. It holds no content of the supplier.
create table catalog.refresh_jobs (
  source_id             integer not null,
  run_id                bigint not null,
  product_external_id   text collate "C" not null,
  -- When the product was due; of a refresh that a person started, the start of the run.
  scheduled_at          timestamptz not null,
  started_at            timestamptz,
  completed_at          timestamptz,
  -- skipped: no request was sent for it, because the circuit breaker is open or the quota is used up.
  status                text not null default 'pending'
                        check (status in ('pending', 'running', 'success', 'failed', 'skipped')),
  retry_count           integer not null default 0,
  error_code            text,
  error_message         text,
  circuit_breaker_state text check (circuit_breaker_state in ('closed', 'open', 'half-open')),
  created_at            timestamptz not null default clock_timestamp(),
  primary key (source_id, run_id, product_external_id)
);
create index refresh_jobs_created on catalog.refresh_jobs (source_id, created_at);
create index refresh_jobs_product on catalog.refresh_jobs (source_id, product_external_id, run_id);

-- load_refresh_ages(schedule) → (age, hot_age) after which a product, or a hot one, is due again; null for
-- a source that does not refresh due products. See RefreshSchedule in src/core/schedule.ts.
create function catalog.load_refresh_ages(p_schedule jsonb, out age interval, out hot_age interval)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select make_interval(mins => coalesce((r ->> 'ageMinutes')::integer, 1200)),
    make_interval(mins => coalesce((r ->> 'hotMinutes')::integer, 50))
  from (values (p_schedule -> 'refresh')) as v (r) where r ->> 'products' = 'due'
$$;

-- spread_first(id) → a share between 0.05 and 1 that is always the same for one id. The first refreshes of
-- products that were imported together are spread by it over the whole time until they are due.
create function catalog.spread_first(p_id text) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select 0.05 + 0.95 * ('x' || left(md5(p_id), 7))::bit(28)::integer / 268435456
$$;

-- list_due_products(source, limit, now) → products that are due at `p_now`, up to `p_limit`, those that have
-- been due for the longest time first. Reads the index only up to there.
create function catalog.list_due_products(
  p_source integer, p_limit integer, p_now timestamptz default clock_timestamp()
) returns table (external_id text, read_at timestamptz, due_at timestamptz, hot boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select d.external_id, d.read_at, d.due_at, d.hot
  from catalog.product_reads d
  where d.source_id = p_source and d.due_at <= p_now
  order by d.due_at, d.external_id limit p_limit
$$;

-- record_reads(source, products, read_at): these products were read by requests that started at `p_read_at`.
-- Does nothing for a source that does not refresh due products.
--   idempotent  an earlier time than the recorded one changes nothing
create function catalog.record_reads(p_source integer, p_products text[], p_read_at timestamptz) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.product_reads as r (source_id, external_id, read_at, due_at)
    select s.id, k, p_read_at, p_read_at + a.age * catalog.spread_first(k)
    from catalog.sources s
    cross join lateral catalog.load_refresh_ages(s.schedule) a
    cross join unnest(p_products) as k
    where s.id = p_source and a.age is not null
    order by k
    on conflict (source_id, external_id) do update
      set read_at = excluded.read_at, failures = 0,
        due_at = excluded.read_at + (
          select case when r.hot then a.hot_age else a.age end
          from catalog.sources s cross join lateral catalog.load_refresh_ages(s.schedule) a
          where s.id = excluded.source_id)
      where r.read_at < excluded.read_at
$$;

-- record_failed_reads(source, products, now): the refresh of these products had no result. They stay the
-- oldest, so the next run tries them first; from the fifth time in a row on, each waits for a quarter of the
-- time, so that records that always fail do not keep others waiting.
create function catalog.record_failed_reads(
  p_source integer, p_products text[], p_now timestamptz default clock_timestamp()
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.product_reads r
    set failures = r.failures + 1,
      due_at = case when r.failures < 4 then r.due_at else p_now + a.age / 4 end
    from catalog.sources s cross join lateral catalog.load_refresh_ages(s.schedule) a
    where s.id = p_source and a.age is not null and r.source_id = p_source
      and r.external_id = any (p_products)
$$;

-- schedule_reads(source, schedule_before): after the source's schedule has changed. Products that have no
-- time yet get one, as if they had been read when their row was changed; if the times until products are due
-- have changed, all products are due by the new ones.
create function catalog.schedule_reads(p_source integer, p_before jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  present jsonb := (select schedule from catalog.sources where id = p_source);
  ages record;
begin
  select * into ages from catalog.load_refresh_ages(present);
  if ages.age is null
    or (present -> 'refresh') - '{cron,atMost}'::text[] = (p_before -> 'refresh') - '{cron,atMost}'::text[]
  then
    return;
  end if;
  insert into catalog.product_reads (source_id, external_id, read_at, due_at)
    select p_source, external_id, changed_at, changed_at + ages.age * catalog.spread_first(external_id)
    from catalog.products where source_id = p_source and status in ('draft', 'active', 'unavailable')
    on conflict do nothing;
  update catalog.product_reads set due_at = read_at + case when hot then ages.hot_age else ages.age end
    where source_id = p_source and (p_before -> 'refresh' ->> 'products') = 'due';
end $$;

-- mark_hot(source, products, hot) → those of the products that the source refreshes by their age, after they
-- were marked.
create function catalog.mark_hot(p_source integer, p_products text[], p_hot boolean) returns setof text
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.product_reads r
    set hot = p_hot, due_at = r.read_at + case when p_hot then a.hot_age else a.age end
    from catalog.sources s cross join lateral catalog.load_refresh_ages(s.schedule) a
    where s.id = p_source and a.age is not null and r.source_id = p_source
      and r.external_id = any (p_products)
    returning r.external_id
$$;

-- change_hot(source, by, hot, not_hot) → those of the products that the source refreshes by their age, after
-- they were marked and that was recorded; see mark_hot.
--   errors      source/unknown
create function catalog.change_hot(p_source text, p_by text, p_hot text[], p_not_hot text[])
returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  source integer := (select id from catalog.sources where name = p_source);
  hot text[];
  others text[];
begin
  if source is null then
    perform catalog.fail('source/unknown', format('Source %s does not exist', p_source));
  end if;
  hot := array(select catalog.mark_hot(source, p_hot, true));
  others := array(select catalog.mark_hot(source, p_not_hot, false));
  if hot || others <> '{}' then
    perform catalog.record_action(p_by, 'source.set', p_source, null, null,
      jsonb_build_object('hot', cardinality(hot), 'notHot', cardinality(others)));
  end if;
  return query select unnest(hot || others);
end $$;

-- record_quota(source, quota): the quota that a fetch of the source uses, or null if it has none.
--   p_quota     {scope, key, per_day, per_second, reserve, products_per_request}
create function catalog.record_quota(p_source integer, p_quota jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.source_quotas where source_id = p_source and p_quota is null;
  insert into catalog.source_quotas as q
    select p_source, r.* from jsonb_to_record(p_quota) as r (scope text, key text, per_day integer,
      per_second double precision, reserve double precision, products_per_request integer)
    where p_quota is not null
    on conflict (source_id) do update
      set scope = excluded.scope, key = excluded.key, per_day = excluded.per_day,
        per_second = excluded.per_second, reserve = excluded.reserve,
        products_per_request = excluded.products_per_request
      where q is distinct from excluded
$$;

-- load_quota(source, now) → the requests that refreshes of this source may send; no row without a quota.
--   per_day     of all sources with the same bucket, without the reserve; left_today: those that remain
--   share       of this source among them, by the number of its products
--   sharing     number of these sources
create function catalog.load_quota(p_source integer, p_now timestamptz) returns table (
  per_day integer, left_today integer, per_second double precision, products_per_request integer,
  share double precision, sharing bigint
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select q.others, greatest(least(q.others - coalesce(o.used, 0), q.per_day - coalesce(w.used, 0)), 0),
    q.per_second * (1 - q.reserve), q.products_per_request, coalesce(n.share, 1), n.sharing
  from (
    select *, floor(s.per_day * (1 - s.reserve))::integer as others from catalog.source_quotas s
    where s.source_id = p_source
  ) q
  left join catalog.limits w on w.scope = q.scope and w.key = q.key and w.day = catalog.to_day(p_now)
  left join catalog.limits o on o.scope = q.scope and o.day = catalog.to_day(p_now)
    and o.key = q.key || case when q.reserve > 0 then ' without the reserve' else '' end
  cross join lateral (
    select sum(s.next_seq) filter (where s.id = p_source) / nullif(sum(s.next_seq), 0)::double precision
        as share, count(*) as sharing
    from catalog.source_quotas other join catalog.sources s on s.id = other.source_id
    where other.scope = q.scope and other.key = q.key and (s.state = 'active' or s.id = p_source)
  ) n
$$;

-- plan_refresh(source, interval, at_most, now) → number of products that a refresh at `p_now` may request, so
-- that the rest of the day's quota lasts until midnight in UTC.
--   p_interval  the time until the next refresh
--   p_at_most   the result without a quota
create function catalog.plan_refresh(
  p_source integer, p_interval interval, p_at_most integer, p_now timestamptz default clock_timestamp()
) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select least(p_at_most, q.products_per_request * floor(least(
        q.share * q.left_today / greatest(1, extract(epoch from midnight - p_now) / seconds),
        q.per_second * seconds))::integer)
    from catalog.load_quota(p_source, p_now) q
    cross join lateral (
      select (catalog.to_day(p_now) + 1)::timestamp at time zone 'UTC' as midnight,
        extract(epoch from p_interval)::double precision as seconds) t
  ), p_at_most)
$$;

-- has_late_products(source, schedule, now) → whether a product was not read for a fifth longer than the time
-- after which it is due (24 hours instead of 20), or a hot one for twice that time. Reads one entry of an
-- index.
create function catalog.has_late_products(
  p_source integer, p_schedule jsonb, p_now timestamptz default clock_timestamp()
) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Minimums, because for a condition on the rows the planner may choose to read all of them.
  select coalesce(
      (select min(r.read_at) from catalog.product_reads r where r.source_id = p_source)
        < p_now - 1.2 * a.age, false)
    or coalesce(
      (select min(r.due_at) from catalog.product_reads r where r.source_id = p_source and r.hot)
        < p_now - a.hot_age, false)
  from catalog.load_refresh_ages(p_schedule) a
$$;

-- 20261122000039_variant_changes.sql

-- Generated from supabase/schemas/39_variant_changes.sql until the first release: do not edit.

-- Changes of variants that the changes of products record: smaller packages at the same price or a higher
-- one, so that the price of a gram has risen, and availability.

-- explain_package_size(weight before, after, price before, after) → `250 g → 225 g at the same price: +11 %
-- per 100 g`.
create function catalog.explain_package_size(
  p_weight_before numeric, p_weight numeric, p_price_before bigint, p_price bigint
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('%s g → %s g at %s: +%s %% per 100 g', trim_scale(p_weight_before), trim_scale(p_weight),
    case when p_price = p_price_before then 'the same price' else 'a higher price' end,
    round(100 * (p_price::numeric * p_weight_before / (p_price_before * p_weight) - 1)))
$$;

-- list_smaller_packages(source) → (line_no, detail): staged variants of updated products with less net weight
-- than before, for at least the current price in the same currency. A variant is the same by its id, or by
-- its GTIN within the product.
--   detail      {weight:<variant>: [before, after, the explanation]}, weights in grams
create function catalog.list_smaller_packages(p_source integer)
returns table (line_no integer, detail jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  return query select n.line_no, jsonb_object_agg('weight:' || n.external_id,
    jsonb_build_array(o.weight_grams, n.weight_grams, catalog.explain_package_size(o.weight_grams,
      n.weight_grams::numeric, p.amount_before, p.amount_minor)))
  from pg_temp.staged_variants n
  join pg_temp.verdicts j on j.line_no = n.line_no and j.verdict = 'updated'
  cross join lateral (
    select v.external_id, v.weight_grams from catalog.variants v
    where v.source_id = p_source and v.product_external_id = j.external_id and v.removed_at is null
      and (v.external_id = n.external_id or v.gtin = n.gtin)
    order by v.external_id = n.external_id desc limit 1
  ) o
  cross join lateral (
    select c.amount_minor as amount_before, s.amount_minor
    from catalog.prices c
    join pg_temp.staged_prices s on s.line_no = n.line_no and s.variant_external_id = n.external_id
      and s.price_type = c.price_type and s.currency = c.currency
    where c.source_id = p_source and c.product_external_id = j.external_id
      and c.variant_external_id = o.external_id and c.state = 'current'
      and c.amount_minor > 0 and s.amount_minor >= c.amount_minor
    order by c.price_type limit 1
  ) p
  where n.weight_grams > 0 and n.weight_grams < o.weight_grams
    and catalog.is_shown(p_source, j.external_id)
  group by n.line_no;
end $$;

-- list_availability_changes(source) → (line_no, detail): variants of updated products that have another
-- availability than before.
--   detail      {availability:<variant>: [before, after]}. A variant that the product did not list before, or
--               lists no longer, is not in it
create function catalog.list_availability_changes(p_source integer)
returns table (line_no integer, detail jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  return query select n.line_no, jsonb_object_agg('availability:' || n.external_id,
    jsonb_build_array(o.availability, n.availability))
  from pg_temp.staged_variants n
  join pg_temp.verdicts j on j.line_no = n.line_no and j.verdict = 'updated'
  cross join lateral (
    select v.availability from catalog.variants v
    where v.source_id = p_source and v.product_external_id = j.external_id and v.external_id = n.external_id
      and v.removed_at is null
    offset 0
  ) o
  where n.availability is distinct from o.availability and catalog.is_shown(p_source, j.external_id)
  group by n.line_no;
end $$;

-- 20261122000040_gate.sql

-- Generated from supabase/schemas/40_gate.sql until the first release: do not edit.

-- The gate of a run: the facts about it, and the reasons to hold it. Settle and plan share it.
--
-- `p_seen` is a bitmap over products.seq of the products that the run saw; a number beyond its end did not
-- exist then. It is read by an expression that is written out each time, because a function with a search
-- path is never inlined, and a call costs 5 µs a product instead of 0.3. A `case` keeps the planner from
-- reading beyond the bitmap first.

-- sum_run_counts(source, run) → the run's outcomes, added up over its checkpoints.
create function catalog.sum_run_counts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, total), '{}')
  from (
    select key, sum(value::bigint) as total from catalog.checkpoints, jsonb_each_text(counts)
    where source_id = p_source and run_id = p_run group by key
  ) t
$$;

-- load_run_facts(source, run) → {run, kind, complete, expected, warning, fetched, counts} of a run that has
-- applied everything.
--   warning     the artifact's last one; of an incomplete artifact it says why the fetch ended
create function catalog.load_run_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('run', r.id, 'kind', r.kind, 'complete', a.complete, 'expected', a.expected,
    'warning', a.warnings ->> -1,
    'fetched', (
      select coalesce(sum(line_count), 0) from catalog.parts
      where source_id = p_source and run_id = r.artifact_run),
    'counts', catalog.sum_run_counts(p_source, p_run))
  from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.source_id = p_source and r.id = p_run
$$;

-- load_price_facts(source, run) → {moved, ratio, gated, waiting, waitingProducts, withdrawn}, of the prices
-- that the run would publish
--   moved       pending prices that differ from the current one
--   ratio       median of new price / current price over those
--   gated       open reviews of prices that this run changed and that failed a gate or are in disagreement
--   waiting     pending prices, of `waitingProducts` products
--   withdrawn   products that would have no price left
create function catalog.load_price_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with others as (select catalog.list_unpublished_by_others(p_source, p_run) as runs)
  select jsonb_build_object(
      'moved', count(*),
      'ratio', percentile_cont(0.5) within group (order by n.amount_minor::numeric / c.amount_minor),
      'gated', (
        select count(*) from catalog.reviews r
        where r.source_id = p_source and r.run_id = p_run and r.state = 'open'
          and r.kind in ('price', 'disagreement') and r.detail ->> 'from' is not null))
    || (
      select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct w.product_external_id))
      from catalog.prices w, others
      where w.source_id = p_source and w.state = 'pending' and w.run_id <> all (others.runs))
    || (
      select jsonb_build_object('withdrawn', count(distinct w.product_external_id))
      from catalog.prices w, others
      where w.source_id = p_source and w.state = 'pending' and w.run_id <> all (others.runs)
        and w.amount_minor is null and not exists (
        select from catalog.prices remaining
        where remaining.source_id = p_source and remaining.product_external_id = w.product_external_id
          and remaining.amount_minor is not null
          and (remaining.state = 'pending' or remaining.state = 'current' and not exists (
            select from catalog.prices next
            where next.source_id = p_source and next.product_external_id = remaining.product_external_id
              and next.variant_external_id = remaining.variant_external_id
              and next.price_type = remaining.price_type and next.state = 'pending'))))
  from catalog.prices n
  join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
  cross join others
  where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (others.runs)
    and c.state = 'current' and c.amount_minor > 0 and n.amount_minor > 0 and n.currency = c.currency
$$;

-- proves_missing(facts) → whether a product that the run did not see is missing: the run is full and
-- complete, and every line of it named its product.
create function catalog.proves_missing(p_facts jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_facts ->> 'kind' = 'full' and (p_facts ->> 'complete')::boolean
    and coalesce((p_facts #>> '{counts,unreadable}')::bigint, 0) = 0
$$;

-- explain_removals_off(facts) → why a full run counts no product as missing; null if it does, and for other
-- runs.
create function catalog.explain_removals_off(p_facts jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_facts ->> 'kind' <> 'full' or catalog.proves_missing(p_facts) then null
    when not (p_facts ->> 'complete')::boolean then 'nothing proves that all records arrived'
    else format(
      '%s no id that could be read, and each may be a product that seems to be missing',
      catalog.format_part((p_facts #>> '{counts,unreadable}')::bigint, (p_facts ->> 'fetched')::bigint,
        'record', 'has', 'have'))
  end
$$;

-- explain_lost_removals(source, kind, before) → that a run of this kind supersedes a held run older than
-- `p_before` without removing what that run found missing; null if nothing is missing, and for a full run,
-- which looks for missing products itself, and a keyed one, which supersedes none.
create function catalog.explain_lost_removals(p_source integer, p_kind text, p_before bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format('held run %s found %s missing; this run supersedes it and removes nothing,'
      || ' so what is missing waits for the next full run', id,
    catalog.format_quantity((ledger ->> 'missing')::bigint, 'product'))
  from catalog.runs
  where p_kind in ('incremental', 'replay') and source_id = p_source and state = 'held' and id < p_before
    and (ledger ->> 'missing')::bigint > 0
  order by id desc limit 1
$$;

-- is_keyed(facts) → whether the run covers only named products: a refresh or an import.
create function catalog.is_keyed(p_facts jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_facts ->> 'kind' in ('refresh', 'import')
$$;

-- is_over_share(n, total, share) → whether `n` of `total` is more than the share allows. One is always
-- allowed.
create function catalog.is_over_share(n bigint, total bigint, share numeric) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select n > greatest(1, floor(total * share))
$$;

-- list_record_reasons(facts, policy) → reasons to hold the run because of its records: incomplete,
-- unbalanced, empty, or too many in quarantine.
create function catalog.list_record_reasons(p_facts jsonb, p_policy jsonb) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  counts jsonb := p_facts -> 'counts';
  fetched bigint := p_facts ->> 'fetched';
  quarantined bigint := coalesce((counts ->> 'quarantined')::bigint, 0);
  share numeric := p_policy ->> 'quarantineShare';
  outcomes bigint;
  reasons text[] := '{}';
begin
  -- Unreadable records are counted among the quarantined ones too.
  select coalesce(sum(value::bigint), 0) into outcomes from jsonb_each_text(counts) where key <> 'unreadable';
  if not (p_facts ->> 'complete')::boolean then
    reasons := reasons || format(
      'incomplete: %s, and nothing proves that this is all%s',
      coalesce(
        catalog.format_part(fetched, (p_facts ->> 'expected')::bigint, 'record', 'arrived', 'arrived'),
        catalog.format_quantity(fetched, 'record') || ' arrived of an unknown number'),
      ': ' || (p_facts ->> 'warning'));
  end if;
  if fetched <> outcomes then
    reasons := reasons || format('the ledger does not balance: %s archived, %s accounted for',
      catalog.format_quantity(fetched, 'record'), to_char(outcomes, 'FM999,999,999,999,990'));
  end if;
  if fetched = 0 and p_facts ->> 'kind' = 'full' and not (p_policy ->> 'allowEmpty')::boolean then
    reasons := reasons
      || ('the supplier sent nothing at all (if that is expected: '
        'shelfsync sources set NAME --policy allowEmpty=true)')::text;
  end if;
  if fetched = 0 and catalog.is_keyed(p_facts) and not (p_policy ->> 'allowEmpty')::boolean then
    reasons := reasons || 'the supplier sent no requested product'::text;
  end if;
  if catalog.is_over_share(quarantined, fetched, share) then
    reasons := reasons || format('%s (more than %s)',
      catalog.format_part(quarantined, fetched, 'record', 'is in quarantine', 'are in quarantine'),
      catalog.format_share(share));
  end if;
  return reasons;
end $$;

-- count_missing(source, facts, seen) → {products, missing}: the products that are not removed, and those of
-- them that the run proves missing. Products that a keyed run beside this one has written are not missing.
-- `missing` alone, and 0, if the run proves nothing.
create function catalog.count_missing(p_source integer, p_facts jsonb, p_seen bytea) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  run bigint := p_facts ->> 'run';
  beside bigint[] := catalog.list_keyed_runs_beside(p_source, (p_facts ->> 'run')::bigint);
begin
  if not catalog.proves_missing(p_facts) then
    return '{"missing": 0}';
  end if;
  return (
    select jsonb_build_object(
      'products', count(*) + coalesce((p_facts ->> 'newProducts')::bigint, 0),
      'missing', count(*) filter (
        where case when seq < 8 * length(p_seen) then get_bit(p_seen, seq) = 0 else true end
          and (run is null or run_id <= run) and run_id <> all (beside)))
    from catalog.products where source_id = p_source and status <> 'removed');
end $$;

-- list_missing_reasons(facts, policy) → the reason to hold the run because too many products are missing.
create function catalog.list_missing_reasons(p_facts jsonb, p_policy jsonb) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  share numeric := p_policy ->> 'removalShare';
  missing bigint := p_facts ->> 'missing';
  products bigint := coalesce((p_facts ->> 'products')::bigint, 0);
begin
  if not catalog.is_over_share(missing, products, share) then
    return '{}';
  end if;
  return array[format('%s (more than %s)',
    catalog.format_part(missing, products, 'product', 'is missing', 'are missing'),
    catalog.format_share(share))];
end $$;

-- list_price_reasons(source, facts, seen, policy) → reasons to hold the run because of its prices: too many
-- failed a gate, moved together, or were withdrawn. Shares are of all current prices; of a keyed run, of
-- those of the products that it saw.
create function catalog.list_price_reasons(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb)
returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  moved bigint := p_facts ->> 'moved';
  ratio numeric := p_facts ->> 'ratio';
  gated bigint := p_facts ->> 'gated';
  withdrawn bigint := coalesce((p_facts ->> 'withdrawn')::bigint, 0);
  share numeric := p_policy ->> 'priceShiftShare';
  factor numeric := p_policy ->> 'priceShiftFactor';
  keyed boolean := catalog.is_keyed(p_facts);
  prices bigint;
  products bigint;
  reasons text[] := '{}';
begin
  if moved + gated < catalog.shifted_prices_min() and withdrawn < catalog.shifted_prices_min() then
    return reasons;
  end if;
  select count(*) + coalesce((p_facts ->> 'newPrices')::bigint, 0),
      count(distinct c.product_external_id) filter (where c.amount_minor is not null)
        + coalesce((p_facts ->> 'newProducts')::bigint, 0)
    into prices, products
    from catalog.prices c
    where c.source_id = p_source and c.state = 'current' and (not keyed or exists (
      select from catalog.products p
      where p.source_id = p_source and p.external_id = c.product_external_id
        and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end));
  if moved + gated >= catalog.shifted_prices_min() then
    if gated > prices * share then
      reasons := reasons
        || catalog.format_part(gated, prices, 'price', 'failed a gate', 'failed a gate');
    end if;
    if moved > prices * share and (ratio >= factor or ratio * factor <= 1) then
      reasons := reasons
        || format('%s (median ×%s)',
          catalog.format_part(moved, prices, 'price', 'moved together', 'moved together'),
          trim_scale(round(ratio, 2)));
    end if;
  end if;
  if withdrawn >= catalog.shifted_prices_min() and withdrawn > products * share then
    reasons := reasons
      || catalog.format_part(withdrawn, products, 'product', 'with a price would lose every price',
        'with a price would lose every price');
  end if;
  return reasons;
end $$;

-- list_minor_causes(facts, reasons) → causes that stayed within their limits, of a run that is held for other
-- reasons: a decision on the run covers them too.
create function catalog.list_minor_causes(p_facts jsonb, p_reasons text[]) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select cause from (values
      ('(is|are) missing', (p_facts ->> 'missing')::bigint,
        catalog.format_part((p_facts ->> 'missing')::bigint, (p_facts ->> 'products')::bigint, 'product',
          'is missing', 'are missing')),
      ('failed a gate', (p_facts ->> 'gated')::bigint,
        catalog.format_quantity((p_facts ->> 'gated')::bigint, 'price') || ' failed a gate'),
      ('(is|are) in quarantine', (p_facts #>> '{counts,quarantined}')::bigint,
        catalog.format_part((p_facts #>> '{counts,quarantined}')::bigint, (p_facts ->> 'fetched')::bigint,
          'record', 'is in quarantine', 'are in quarantine'))
    ) minor (words, n, cause)
    where n > 0 and array_to_string(p_reasons, ';') !~ words)
$$;

-- list_hold_reasons(source, facts, seen, policy) → every reason to hold a run, real or planned, then the
-- causes within their limits; empty without a reason.
--   p_facts     load_run_facts, load_price_facts and count_missing; of a plan also newProducts and newPrices,
--               which it would add
--   p_policy    {removalShare, quarantineShare, priceShiftShare, priceShiftFactor, allowEmpty}
create function catalog.list_hold_reasons(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb)
returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  reasons text[] := catalog.list_record_reasons(p_facts, p_policy)
    || catalog.list_missing_reasons(p_facts, p_policy)
    || catalog.list_price_reasons(p_source, p_facts, p_seen, p_policy);
begin
  if cardinality(reasons) = 0 then
    return reasons;
  end if;
  reasons := reasons || catalog.list_minor_causes(p_facts, reasons);
  if (p_facts ->> 'waiting')::bigint > 0 then
    reasons := reasons || format('%s of %s %s for this decision or for the next good run',
      catalog.format_quantity((p_facts ->> 'waiting')::bigint, 'changed price'),
      catalog.format_quantity((p_facts ->> 'waitingProducts')::bigint, 'product'),
      case when (p_facts ->> 'waiting')::bigint = 1 then 'waits' else 'wait' end);
  end if;
  return reasons;
end $$;

-- 20261122000041_settle.sql

-- Generated from supabase/schemas/41_settle.sql until the first release: do not edit.

-- settle_run closes a run: it lists the reasons to hold it and, if there are none, publishes it. Only
-- publish_run removes products. The bitmap `p_seen` is read as in the gate.

-- supersede_held_runs(source, run): supersedes older held runs, because only the newest one waits for a
-- person; `run` publishes or holds their changes with its own. A keyed run supersedes none.
create function catalog.supersede_held_runs(p_source integer, p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with superseded as (
    update catalog.runs h set state = 'superseded'
      from catalog.runs r
      where r.source_id = p_source and r.id = p_run and r.keys is null
        and h.source_id = p_source and h.state = 'held' and h.id < p_run
      returning h.id)
  update catalog.reviews v set state = 'superseded', decided_at = now()
    from superseded s
    where v.source_id = p_source and v.kind = 'run' and v.state = 'open' and v.run_id = s.id
$$;

-- list_changed_products(source, runs) → the products that these runs have changed.
create function catalog.list_changed_products(p_source integer, p_runs bigint[]) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select distinct product_external_id from catalog.changes
    where source_id = p_source and run_id = any (p_runs))
$$;

-- remove_missing_products(source, run, seen, at_once, unseen) → products removed. A product is removed if two
-- complete runs in a row did not see it; the first of them adds it to `misses`.
--   at_once     a person approved the run: missing products are removed without a second run
--   p_unseen    runs that the person had not seen; products that they changed stay
create function catalog.remove_missing_products(
  p_source integer, p_run bigint, p_seen bytea, p_at_once boolean, p_unseen bigint[]
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  beside bigint[] := catalog.list_keyed_runs_beside(p_source, p_run);
  kept text[] := catalog.list_changed_products(p_source, p_unseen);
  removed integer;
  ids text[];
begin
  with gone as (
    update catalog.products p
      set status = 'removed', changed_at = now(), run_id = p_run,
          last_available_at = case p.status when 'active' then now() else p.last_available_at end
      where p.source_id = p_source and p.status <> 'removed'
        and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
        -- A keyed run beside this one has seen it otherwise.
        and p.run_id <= p_run and p.run_id <> all (beside) and p.external_id <> all (kept)
        and (p_at_once or exists (
          select from catalog.misses m
          where m.source_id = p_source and m.external_id = p.external_id and m.run_id <> p_run))
      returning p.external_id
  ), recorded as (
    insert into catalog.changes (source_id, run_id, product_external_id, kind)
      select p_source, p_run, external_id, 'removed' from gone
      on conflict (source_id, run_id, product_external_id, review_id) do update set kind = 'removed'
  ), cleared as (
    delete from catalog.misses m using gone where m.source_id = p_source and m.external_id = gone.external_id
  )
  select count(*), array_agg(external_id) into removed, ids from gone;
  perform catalog.index_products(p_source, ids);
  insert into catalog.misses (source_id, external_id, run_id, missed_at)
    select p_source, external_id, p_run, now() from catalog.products p
    where p.source_id = p_source and p.status <> 'removed'
      and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
      and p.run_id <= p_run and p.run_id <> all (beside) and p.external_id <> all (kept)
    on conflict do nothing;
  return removed;
end $$;

-- publish_changes(source, run, others): gives positions to the source's unpublished changes, after all
-- published ones; those of the runs `p_others` stay unpublished. A first load writes products without
-- changes: the first run that publishes after it, other than a keyed one, adds one change `loaded` for all of
-- them.
--   ordering    see lock_feed
--   time        `changed_at` becomes the time of publication, so that a list since an instant has the changes
--               that a person approved after it
create function catalog.publish_changes(p_source integer, p_run bigint, p_others bigint[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  last_position bigint;
  published bigint;
  published_at timestamptz;
begin
  if exists (select from catalog.runs where source_id = p_source and id = p_run and keys is null)
     and exists (select from catalog.runs where source_id = p_source and first_load)
     and exists (select from catalog.products where source_id = p_source)
     and not exists (
       select from catalog.changes
       where source_id = p_source and product_external_id = '' and kind = 'loaded')
  then
    insert into catalog.changes (source_id, run_id, product_external_id, kind, detail)
      select p_source, p_run, '', 'loaded', jsonb_build_object('products', (
        select count(*) from catalog.products where source_id = p_source));
  end if;
  last_position := catalog.lock_feed();
  published_at := clock_timestamp();
  update catalog.changes c set position = last_position + o.n, changed_at = published_at
    from (
      select run_id, product_external_id,
        row_number() over (order by kind <> 'loaded', run_id, changed_at, product_external_id) as n
      from catalog.changes
      where source_id = p_source and position is null and run_id <> all (p_others)
    ) o
    where c.source_id = p_source and c.run_id = o.run_id and c.product_external_id = o.product_external_id
      and c.position is null;
  get diagnostics published = row_count;
  perform catalog.advance_feed(last_position + published);
end $$;

-- next_watermark(kind, since, current, fetched, started_at) → the watermark of the source after a run. It
-- stays if the run requested changes only from a later time, because those in between were not requested. It
-- is never later than the start of the run. Only a full or an incremental run moves it.
create function catalog.next_watermark(
  p_kind text, p_since timestamptz, p_current timestamptz, p_fetched timestamptz, p_started_at timestamptz
) returns timestamptz
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_kind not in ('full', 'incremental') then p_current
              when p_kind = 'incremental' and p_since > p_current then p_current
              when p_fetched is null then p_current
              else greatest(p_current, least(p_fetched, p_started_at)) end
$$;

-- advance_source(source, run): moves the source's watermark, latest run, last full run and normaliser
-- version. Only a full or an incremental run does.
create function catalog.advance_source(p_source integer, p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.sources s
    set watermark = catalog.next_watermark(r.kind, r.since, s.watermark, a.watermark, r.started_at),
        latest_run = case when a.complete then greatest(s.latest_run, p_run) else s.latest_run end,
        last_full_at = case when r.kind = 'full' and a.complete then r.started_at else s.last_full_at end,
        normaliser_version = case when r.kind = 'full' then r.normaliser_version else s.normaliser_version end
    from catalog.runs r
    left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
    where s.id = p_source and r.source_id = p_source and r.id = p_run
      and r.kind in ('full', 'incremental')
$$;

-- publish_run(source, run, seen, at_once, unseen, others) → products removed. Removes missing products if the
-- run proves that they are missing, publishes prices and changes, and advances the source.
--   p_unseen    see remove_missing_products
--   p_others    runs whose prices and changes are not published, see list_unpublished_by_others
create function catalog.publish_run(
  p_source integer, p_run bigint, p_seen bytea, p_at_once boolean, p_unseen bigint[], p_others bigint[]
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  removed integer := 0;
  repriced text[];
begin
  delete from catalog.misses m using catalog.products p
    where m.source_id = p_source and p.source_id = p_source and p.external_id = m.external_id
      and (p.status = 'removed'
        or case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end);
  if catalog.proves_missing(catalog.load_run_facts(p_source, p_run)) then
    removed := catalog.remove_missing_products(p_source, p_run, p_seen, p_at_once, p_unseen);
  end if;
  perform catalog.complete_succession(p_source, p_run);
  repriced := catalog.publish_prices(p_source, p_run, p_others);
  perform catalog.index_products(p_source, repriced);
  perform catalog.publish_changes(p_source, p_run, p_others);
  perform catalog.supersede_held_runs(p_source, p_run);
  perform catalog.advance_source(p_source, p_run);
  return removed;
end $$;

-- resolve_quarantine(source, run, seen, green): closes quarantined records that the settling run has dealt
-- with.
--   replayed    the same line was applied again and not quarantined
--   superseded  a newer artifact has the product and it is quarantined again; of a record without an id, the
--               same bytes
--   resolved    a newer artifact had the product without an error; of a record without an id, a green run
--               that proves what is missing had no such line
create function catalog.resolve_quarantine(p_source integer, p_run bigint, p_seen bytea, p_green boolean)
returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with verdicts as (
    select q.id, case
        when q.artifact_run = r.artifact_run then 'replayed'
        when q.external_id is null and (q.byte_length, md5(q.raw)) in (
            select again.byte_length, md5(again.raw) from catalog.quarantine again
            where again.source_id = p_source and again.run_id = p_run and again.external_id is null)
          then 'superseded'
        when q.external_id is null then
          case when p_green and (select catalog.proves_missing(catalog.load_run_facts(p_source, p_run)))
            then 'resolved' end
        -- A quarantined record counts as seen too. A list, because it is read once.
        when q.external_id in (
            select again.external_id from catalog.quarantine again
            where again.source_id = p_source and again.run_id = p_run)
          then 'superseded'
        when exists (
            select from catalog.products p
            where p.source_id = p_source and p.external_id = q.external_id
              and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end)
          then 'resolved'
      end as state
    from catalog.quarantine q
    join catalog.runs r on r.source_id = p_source and r.id = p_run
    where q.source_id = p_source and q.state = 'open' and q.run_id <> p_run and q.artifact_run in (
      select o.artifact_run
      from (
        select distinct artifact_run from catalog.quarantine where source_id = p_source and state = 'open'
      ) o
      where o.artifact_run = r.artifact_run
        or catalog.is_newer_artifact(p_source, r.artifact_run, o.artifact_run))
  )
  update catalog.quarantine q set state = v.state, closed_run = p_run
    from verdicts v
    -- A person may have ignored the record in the meantime.
    where q.source_id = p_source and q.id = v.id and v.state is not null and q.state = 'open'
$$;

-- build_ledger(source, run, repeats, removed, missing) → the ledger of a settling run: expected, fetched,
-- every outcome, removed and missing.
--   p_repeats   records counted as unchanged in two parts, which are duplicates
--   p_missing   of a held run: all products that it proves missing. Null: those that it added to `misses`
create function catalog.build_ledger(
  p_source integer, p_run bigint, p_repeats bigint, p_removed integer, p_missing bigint
) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  counts jsonb := '{"created": 0, "updated": 0, "unchanged": 0, "older": 0, "duplicate": 0, "blank": 0,
    "quarantined": 0, "held": 0}' || catalog.sum_run_counts(p_source, p_run);
begin
  return (
    select jsonb_build_object('expected', a.expected, 'fetched', (
        select coalesce(sum(line_count), 0) from catalog.parts
        where source_id = p_source and run_id = a.run_id))
      || counts
      || jsonb_build_object(
        'unchanged', (counts ->> 'unchanged')::bigint - p_repeats,
        'duplicate', (counts ->> 'duplicate')::bigint + p_repeats,
        'removed', p_removed,
        'missing', coalesce(p_missing, (
          select count(*) from catalog.misses m where m.source_id = p_source and m.run_id = p_run)))
    from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
    where r.source_id = p_source and r.id = p_run);
end $$;

-- settle_run(source, run, token, seen, repeats, policy) → (state, reason, ledger, removals_off)
--   atomic      everything that publish_run does, and the end of the run
--   state       succeeded, or held with a review that lists the reasons, with the facts that were judged
--   p_repeats   see build_ledger
--   p_policy    see list_hold_reasons
--   p_age       time since the worker began to settle
--   errors      see raise_lease_error; a second call fails with run/over, as the run has ended
create function catalog.settle_run(
  p_source integer, p_run bigint, p_token bigint, p_seen bytea, p_repeats bigint, p_policy jsonb,
  p_age interval default '0'
) returns table (state text, reason text, ledger jsonb, removals_off text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  facts jsonb;
  reasons text[];
  green boolean;
  off text;
  removed integer := 0;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  facts := catalog.load_run_facts(p_source, p_run);
  facts := facts || catalog.load_price_facts(p_source, p_run)
    || catalog.count_missing(p_source, facts, p_seen);
  reasons := catalog.list_hold_reasons(p_source, facts, p_seen, p_policy);
  green := cardinality(reasons) = 0;
  off := coalesce(catalog.explain_removals_off(facts),
    catalog.explain_lost_removals(p_source, facts ->> 'kind', p_run));
  if green then
    removed := catalog.publish_run(p_source, p_run, p_seen, false, '{}',
      catalog.list_unpublished_by_others(p_source, p_run));
  else
    -- An older held run can no longer be decided: this one may have seen products that it would remove.
    perform catalog.supersede_held_runs(p_source, p_run);
    insert into catalog.reviews (source_id, kind, run_id, reason, detail)
      values (p_source, 'run', p_run, array_to_string(reasons, '; '),
        jsonb_build_object('facts', facts - '{run,warning}'::text[], 'policy', p_policy));
  end if;
  perform catalog.resolve_quarantine(p_source, p_run, p_seen, green);
  perform catalog.review_records(p_source, p_run);
  perform catalog.record_host_response(p_source, p_run);
  return query update catalog.runs r
    set state = case when green then 'succeeded' else 'held' end,
        reason = nullif(array_to_string(reasons, '; '), ''),
        ledger = catalog.build_ledger(p_source, p_run, p_repeats, removed,
          case when not green then (facts ->> 'missing')::bigint end),
        removals_off = off,
        seen = p_seen, settle_began_at = clock_timestamp() - p_age, finished_at = clock_timestamp(),
        imports = case when r.options ? 'import' then catalog.list_import_results(r, p_seen) end,
        watermark = (
          select a.watermark from catalog.artifacts a
          where a.source_id = p_source and a.run_id = r.artifact_run)
    where r.source_id = p_source and r.id = p_run
    returning r.state, r.reason, r.ledger, r.removals_off;
end $$;

-- 20261122000042_reviews.sql

-- Generated from supabase/schemas/42_reviews.sql until the first release: do not edit.

-- A person's decisions on held runs. 44_decisions.sql has those on other reviews.

-- list_waiting_runs(source, run) → (run_id, ends): the held run, and the runs whose pending prices or
-- unpublished changes approving it would publish.
--   ends        how often the run has ended. A run writes only while it is running, so it has written nothing
--               since this number was read, if the number is the same
create function catalog.list_waiting_runs(p_source integer, p_run bigint)
returns table (run_id bigint, ends bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with others as (select catalog.list_unpublished_by_others(p_source, p_run) as runs)
  select r.id, (
      select count(*) from catalog.run_ends e where e.source_id = p_source and e.run_id = r.id)
  from catalog.runs r, others
  where r.source_id = p_source and (r.id = p_run
    or r.state <> 'succeeded' and r.id <> all (others.runs) and (
      exists (
        select from catalog.prices p
        where p.source_id = p_source and p.run_id = r.id and p.state = 'pending')
      or exists (
        select from catalog.changes c
        where c.source_id = p_source and c.run_id = r.id and c.position is null)))
  order by r.id
$$;

-- format_diff_version(source, run) → the version of a held run's diff: `RUN:ENDS` of each waiting run. Only
-- another run, or one of them running again, can add to a diff, so the version names what a person has seen.
create function catalog.format_diff_version(p_source integer, p_run bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select string_agg(format('%s:%s', run_id, ends), ',' order by run_id)
  from catalog.list_waiting_runs(p_source, p_run)
$$;

-- list_covered_runs(source, run, version) → waiting runs that this version names as they are now; all of them
-- with null.
--   errors      usage/invalid  it is not a version of this run's diff
create function catalog.list_covered_runs(p_source integer, p_run bigint, p_version text) returns bigint[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  covered bigint[] := array(
    select run_id from catalog.list_waiting_runs(p_source, p_run)
    where p_version is null or format('%s:%s', run_id, ends) = any (string_to_array(p_version, ',')));
begin
  if p_run <> all (covered) then
    perform catalog.fail('usage/invalid',
      format('"%s" is not a version of the diff of run %s: shelfsync runs diff %s shows it', p_version,
        p_run, p_run));
  end if;
  return covered;
end $$;

-- list_unseen_runs(source, run, covered) → waiting runs that are not in `p_covered`.
create function catalog.list_unseen_runs(p_source integer, p_run bigint, p_covered bigint[]) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select run_id from catalog.list_waiting_runs(p_source, p_run) where run_id <> all (p_covered))
$$;

-- count_diff(run, unseen, others) → (removals, prices, price_products): the effect of approving the held run,
-- without removals of products that the runs `p_unseen` have changed, and without the prices of `p_others`.
create function catalog.count_diff(
  p_run catalog.runs, p_unseen bigint[], p_others bigint[], out removals bigint, out prices bigint,
  out price_products bigint
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  beside bigint[] := catalog.list_keyed_runs_beside(p_run.source_id, p_run.id);
  kept text[] := catalog.list_changed_products(p_run.source_id, p_unseen);
begin
  removals := 0;
  if catalog.proves_missing(catalog.load_run_facts(p_run.source_id, p_run.id)) then
    select count(*) into removals from catalog.products p
      where p.source_id = p_run.source_id and p.status <> 'removed'
        and case when p.seq < 8 * length(p_run.seen) then get_bit(p_run.seen, p.seq) = 0 else true end
        and p.run_id <= p_run.id and p.run_id <> all (beside) and p.external_id <> all (kept);
  end if;
  select count(*), count(distinct p.product_external_id) into prices, price_products
    from catalog.prices p
    where p.source_id = p_run.source_id and p.state = 'pending' and p.run_id <> all (p_others);
end $$;

-- assert_held(run) → the run.
--   errors      run/unknown · run/not-held, which names the person who has decided it
create function catalog.assert_held(p_run bigint) returns catalog.runs
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  decision text;
begin
  select * into run from catalog.runs r where r.id = p_run;
  if run.id is null then
    perform catalog.fail('run/unknown', format('Run %s does not exist', p_run));
  elsif run.state <> 'held' then
    select format(': %s %s it at %s', v.decided_by, v.state,
        to_char(v.decided_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) into decision
      from catalog.reviews v
      where v.source_id = run.source_id and v.run_id = p_run and v.kind = 'run' and v.decided_by is not null;
    perform catalog.fail('run/not-held', format('Run %s is %s, not held%s', p_run, run.state, decision));
  end if;
  return run;
end $$;

-- lock_held_run(run, approve) → the run. Its row and its source stay locked, so that a second decision waits
-- and no run of the source starts.
--   errors      see assert_held · run/not-held, for an approval, when a newer run has read the catalogue
--               since
create function catalog.lock_held_run(p_run bigint, p_approve boolean) returns catalog.runs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
begin
  perform from catalog.runs where id = p_run for update;
  run := catalog.assert_held(p_run);
  perform from catalog.sources where id = run.source_id for update;
  if p_approve and run.keys is null and exists (
      select from catalog.runs r
      where r.source_id = run.source_id and r.id > p_run and r.keys is null
        and (r.seen is not null or r.state in ('running', 'interrupted', 'fetched'))) then
    perform catalog.fail('run/not-held',
      format('A newer run of this source has read the catalogue since run %s: decide on the newest one',
        p_run));
  end if;
  return run;
end $$;

-- approve_run(run, by, version) → as decide_run
create function catalog.approve_run(
  p_run catalog.runs, p_by text, p_version text, out state text, out removed integer, out prices bigint,
  out waiting_removals bigint, out waiting_prices bigint
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  covered bigint[] := catalog.list_covered_runs(p_run.source_id, p_run.id, p_version);
  unseen bigint[] := catalog.list_unseen_runs(p_run.source_id, p_run.id, covered);
  -- Every run that is not covered, because one that is active now may end at any moment.
  others bigint[] := array(
    select r.id from catalog.runs r
    where r.source_id = p_run.source_id and r.state <> 'succeeded' and r.id <> all (covered));
  review catalog.reviews;
  whole record;
  seen record;
begin
  select v.* into review from catalog.reviews v
    where v.source_id = p_run.source_id and v.run_id = p_run.id and v.kind = 'run' and v.state = 'open';
  select * into whole from catalog.count_diff(p_run, '{}',
    catalog.list_unpublished_by_others(p_run.source_id, p_run.id));
  select * into seen from catalog.count_diff(p_run, unseen, others);
  if review.detail ? 'approvedBy' and seen.removals + seen.prices = 0 then
    perform catalog.fail('run/not-held', format(
      '%s has approved what you saw of run %s. Additions since then: shelfsync runs diff %s',
      review.detail ->> 'approvedBy', p_run.id, p_run.id));
  end if;
  removed := catalog.publish_run(p_run.source_id, p_run.id, p_run.seen, true, unseen, others);
  prices := seen.prices;
  waiting_removals := whole.removals - seen.removals;
  waiting_prices := whole.prices - seen.prices;
  state := case when waiting_removals + waiting_prices = 0 then 'succeeded' else 'held' end;
  if state = 'held' then
    review.reason := format('added since %s approved the others: %s', p_by, concat_ws(', ',
      case when waiting_removals > 0 then catalog.format_quantity(waiting_removals, 'removal') end,
      case when waiting_prices > 0 then catalog.format_quantity(waiting_prices, 'changed price') end));
    update catalog.reviews v
      set detail = v.detail || jsonb_build_object('approvedBy', p_by, 'approvedAt', now()),
          reason = review.reason
      where v.source_id = p_run.source_id and v.id = review.id;
  end if;
  update catalog.runs r
    set state = state, reason = case when state = 'held' then review.reason else r.reason end,
        ledger = r.ledger || jsonb_build_object('missing', waiting_removals,
          'removed', (r.ledger ->> 'removed')::bigint + removed)
    where r.source_id = p_run.source_id and r.id = p_run.id;
end $$;

-- reject_run(run): discards the pending prices and unpublished changes of the held run and of older runs.
create function catalog.reject_run(p_run catalog.runs) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  others bigint[] := catalog.list_unpublished_by_others(p_run.source_id, p_run.id);
begin
  update catalog.prices p set state = 'rejected', settled_run = p_run.id,
      expires_at = catalog.find_product_end(p.source_id, p.product_external_id)
    where source_id = p_run.source_id and run_id <= p_run.id and state = 'pending'
      and run_id <> all (others);
  delete from catalog.changes
    where source_id = p_run.source_id and run_id <= p_run.id and position is null and run_id <> all (others);
  update catalog.runs set state = 'rejected' where source_id = p_run.source_id and id = p_run.id;
end $$;

-- decide_run(run, approve, by, version) → (state, removed, prices, waiting_removals, waiting_prices).
-- Approving publishes the held run, and removes what is missing at once; rejecting discards its pending
-- prices and unpublished changes. Its products stay as they are.
--   p_version   of the diff that the person has seen, see summarize_run_diff. An approval covers nothing
--               else: what has appeared since waits, and the run stays held. A rejection needs none
--   state       succeeded, rejected, or held while something waits
--   prices      prices that became current
--   errors      see lock_held_run, also when another person has decided it · usage/invalid (an approval
--               without a version, or with one of another run) · see assert_person
create function catalog.decide_run(
  p_run bigint, p_approve boolean, p_by text, p_version text, p_reason text default null
) returns table (
  state text, removed integer, prices bigint, waiting_removals bigint, waiting_prices bigint
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  run catalog.runs := catalog.lock_held_run(p_run, p_approve);
begin
  perform catalog.assert_person(p_by);
  if p_approve and p_version is null then
    perform catalog.fail('usage/invalid', format(
      'An approval names the version of the diff that was seen: shelfsync runs diff %s shows it', p_run));
  elsif p_approve then
    select a.* into state, removed, prices, waiting_removals, waiting_prices
      from catalog.approve_run(run, p_by, p_version) a;
  else
    perform catalog.reject_run(run);
    select 'rejected', 0, 0, 0, 0 into state, removed, prices, waiting_removals, waiting_prices;
  end if;
  if state <> 'held' then
    update catalog.reviews v
      set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(),
          decided_by = p_by
      where v.source_id = run.source_id and v.kind = 'run' and v.run_id = p_run and v.state = 'open';
  end if;
  perform catalog.record_action(p_by, case when p_approve then 'run.approve' else 'run.reject' end, null,
    p_run, null, jsonb_strip_nulls(jsonb_build_object('version', p_version, 'removed', removed,
      'prices', prices)), p_reason);
  return next;
end $$;

-- 20261122000043_run_diffs.sql

-- Generated from supabase/schemas/43_run_diffs.sql until the first release: do not edit.

-- The read model of held runs: everything that approving one would change.

-- summarize_run_diff(run) → what approving the held run would change.
--   version          names this state of the diff, see format_diff_version
--   prices           pending prices that would become current, of `price_products` products
--   held_prices      prices of this run that failed a gate, of `held_products` products: approving the run
--                    leaves them to their own reviews
--   changes          unpublished changes that readers would see
--   watermark        of the source afterwards
--   errors           run/unknown · run/not-held
create function catalog.summarize_run_diff(p_run bigint) returns table (
  version text, removals bigint, prices bigint, price_products bigint, held_prices bigint,
  held_products bigint, changes bigint, watermark timestamptz, watermark_before timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  perform catalog.assert_held(p_run);
  return query select catalog.format_diff_version(r.source_id, r.id), n.removals, n.prices, n.price_products,
    h.prices, h.products, (
      select count(*) from catalog.changes c
      where c.source_id = r.source_id and c.position is null and c.run_id in (
        select w.run_id from catalog.list_waiting_runs(r.source_id, r.id) w)),
    catalog.next_watermark(r.kind, r.since, s.watermark, a.watermark, r.started_at), s.watermark
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  cross join lateral catalog.count_diff(r, '{}',
    catalog.list_unpublished_by_others(r.source_id, r.id)) n
  cross join lateral (
    select count(*) as prices, count(distinct v.product_external_id) as products
    from catalog.reviews v
    where v.source_id = r.source_id and v.run_id = r.id and v.state = 'open'
      and v.kind in ('price', 'disagreement')
  ) h
  where r.id = p_run;
end $$;

-- list_run_removals(run, version, after, limit) → missing products that approving the held run would remove,
-- by id, each with its first current price.
create function catalog.list_run_removals(p_run catalog.runs, p_version text, p_after text, p_limit integer)
returns table (
  product text, title text, variant text, price_type text, amount_before bigint, currency_before text
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  beside bigint[] := catalog.list_keyed_runs_beside(p_run.source_id, p_run.id);
  kept text[] := catalog.list_changed_products(p_run.source_id,
    catalog.list_unseen_runs(p_run.source_id, p_run.id,
      catalog.list_covered_runs(p_run.source_id, p_run.id, p_version)));
begin
  if not catalog.proves_missing(catalog.load_run_facts(p_run.source_id, p_run.id)) then
    return;
  end if;
  return query
    select p.external_id::text, catalog.show_title(p), c.variant_external_id::text, c.price_type,
      c.amount_minor, c.currency
    from catalog.products p
    left join lateral (
      select * from catalog.prices c
      where c.source_id = p.source_id and c.product_external_id = p.external_id and c.state = 'current'
        and (c.expires_at is null or c.expires_at > now()) and (p.expires_at is null or p.expires_at > now())
      order by c.variant_external_id, c.price_type limit 1
    ) c on true
    where p.source_id = p_run.source_id and p.external_id > coalesce(p_after, '') and p.status <> 'removed'
      and case when p.seq < 8 * length(p_run.seen) then get_bit(p_run.seen, p.seq) = 0 else true end
      and p.run_id <= p_run.id and p.run_id <> all (beside) and p.external_id <> all (kept)
    order by p.external_id limit p_limit;
end $$;

-- list_run_prices(run, state, version, after, limit) → prices that wait, with the current ones, by product,
-- variant, price type and run.
--   p_state     pending: those that approving the held run would make current. held: those of this run that
--               failed a gate, each with its review
--   p_after     [product, variant, price type, run] of the last price that the caller has seen, or null
create function catalog.list_run_prices(
  p_run catalog.runs, p_state text, p_version text, p_after jsonb, p_limit integer
) returns table (
  product text, title text, variant text, price_type text, amount_before bigint, currency_before text,
  amount bigint, currency text, run bigint, review bigint, reason text
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  others bigint[] := case p_state
    when 'pending' then catalog.list_unpublished_by_others(p_run.source_id, p_run.id)
      || catalog.list_unseen_runs(p_run.source_id, p_run.id,
        catalog.list_covered_runs(p_run.source_id, p_run.id, p_version))
    else '{}' end;
begin
  return query
    -- Materialized: few prices of a source wait, and their index does not sort them.
    with waiting as materialized (
      select w.* from (
        select p.source_id, p.product_external_id, p.variant_external_id, p.price_type, p.run_id,
          p.amount_minor, p.currency
        from catalog.prices p
        where p.source_id = p_run.source_id and p.state in ('pending', 'held') and p.state = p_state
        union all
        select d.source_id, d.product_external_id, d.variant_external_id, d.price_type, d.run_id, null,
          d.detail ->> 'currency'
        from catalog.reviews d
        where p_state = 'held' and d.source_id = p_run.source_id and d.run_id = p_run.id
          and d.state = 'open' and d.kind = 'disagreement'
      ) w
      where w.run_id <> all (others) and (p_state = 'pending' or w.run_id = p_run.id)
        and (p_after is null or (w.product_external_id, w.variant_external_id, w.price_type, w.run_id)
          > (p_after ->> 0, p_after ->> 1, p_after ->> 2, (p_after ->> 3)::bigint))
    ), page as (
      select * from waiting w
      order by w.product_external_id, w.variant_external_id, w.price_type, w.run_id limit p_limit
    )
    select n.product_external_id::text, catalog.show_title(p), n.variant_external_id::text, n.price_type,
      c.amount_minor, c.currency, case when p.expires_at <= now() then null else n.amount_minor end,
      n.currency, n.run_id, v.id, v.reason
    from page n
    join catalog.products p on p.source_id = n.source_id and p.external_id = n.product_external_id
    left join catalog.prices c on c.source_id = n.source_id and c.product_external_id = n.product_external_id
      and c.variant_external_id = n.variant_external_id and c.price_type = n.price_type
      and c.state = 'current'
      and (c.expires_at is null or c.expires_at > now()) and (p.expires_at is null or p.expires_at > now())
    left join catalog.reviews v on v.source_id = n.source_id and v.run_id = n.run_id and v.state = 'open'
      and v.kind in ('price', 'disagreement') and v.product_external_id = n.product_external_id
      and v.variant_external_id = n.variant_external_id and v.price_type = n.price_type
    order by n.product_external_id, n.variant_external_id, n.price_type, n.run_id;
end $$;

-- list_run_diff(…) → everything that approving the held run would change, after the row `p_after`: removals,
-- then changed prices, then prices that stay held.
--   p_version   lists only what was there in this version of the diff; null lists everything
--   p_after     the `key` of the last row that the caller has seen, or null
--   errors      run/unknown · run/not-held · usage/invalid, see list_covered_runs
create function catalog.list_run_diff(p_run bigint, p_version text, p_after jsonb, p_limit integer)
returns table (
  kind text, product text, title text, variant text, price_type text, amount_before bigint,
  currency_before text, amount bigint, currency text, run bigint, review bigint, reason text, key jsonb
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  held catalog.runs := catalog.assert_held(p_run);
  reached integer := coalesce((p_after ->> 0)::integer, 0);
begin
  return query select * from (
    select 'removed' as kind, d.product, d.title, d.variant, d.price_type, d.amount_before, d.currency_before,
      null::bigint as amount, null::text as currency, p_run as run, null::bigint as review,
      null::text as reason, jsonb_build_array(0, d.product) as key
    from catalog.list_run_removals(held, p_version, p_after ->> 1, p_limit) d
    where reached = 0
    union all
    select case s.state when 'pending' then 'price' else 'held price' end, d.product, d.title, d.variant,
      d.price_type, d.amount_before, d.currency_before, d.amount, d.currency, d.run, d.review, d.reason,
      jsonb_build_array(s.place, d.product, d.variant, d.price_type, d.run)
    from (values (1, 'pending'), (2, 'held')) s (place, state)
    cross join lateral catalog.list_run_prices(held, s.state, p_version,
      case when reached = s.place then p_after - 0 end, p_limit) d
    where s.place >= reached
  ) d
  order by d.key -> 0, d.product collate "C", d.variant collate "C", d.price_type, d.run limit p_limit;
end $$;

-- 20261122000044_decisions.sql

-- Generated from supabase/schemas/44_decisions.sql until the first release: do not edit.

-- A person's decisions on reviews. Runs are decided by 42_reviews.sql.

-- explain_closed_review(review) → why a person cannot decide on it.
create function catalog.explain_closed_review(p_review bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select case
      when v.decided_by is not null then format('Review %s is not open: %s %s it at %s', p_review,
        v.decided_by, v.state, to_char(v.decided_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
      else format('Review %s is not open: a later run closed it', p_review)
    end
    from catalog.reviews v where v.id = p_review and v.state <> 'open'
  ), format('Review %s does not exist', p_review))
$$;

-- lock_open_review(review) → the review, locked until the end of the transaction.
--   errors      review/unknown, which names the person who has decided it
create function catalog.lock_open_review(p_review bigint) returns catalog.reviews
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
begin
  select * into review from catalog.reviews r where r.id = p_review and r.state = 'open' for update;
  if review.id is null then
    perform catalog.fail('review/unknown', catalog.explain_closed_review(p_review));
  end if;
  return review;
end $$;

-- decide_price(review, approve): a held price becomes current, which publishes a change, or is rejected. A
-- rejected price that the supplier states again changes nothing.
create function catalog.decide_price(p_review catalog.reviews, p_approve boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_approve then
    perform catalog.publish_price(p_review, (
      select amount_minor from catalog.prices
      where source_id = p_review.source_id and product_external_id = p_review.product_external_id
        and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
        and run_id = p_review.run_id and state = 'held'));
    perform catalog.end_current_price(p_review);
  end if;
  update catalog.prices p set state = case when p_approve then 'current' else 'rejected' end,
      expires_at = case when not p_approve
        then catalog.find_product_end(p.source_id, p.product_external_id) end
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and run_id = p_review.run_id and state = 'held';
end $$;

-- publish_price(review, amount): publishes the change from the current price of the review's variant and type
-- to the amount; null withdraws it.
create function catalog.publish_price(p_review catalog.reviews, p_amount bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.publish_decision(p_review, 'repriced', jsonb_build_object(
    format('price:%s:%s', p_review.variant_external_id, p_review.price_type), jsonb_build_array((
      select c.amount_minor from catalog.prices c
      where c.source_id = p_review.source_id and c.product_external_id = p_review.product_external_id
        and c.variant_external_id = p_review.variant_external_id and c.price_type = p_review.price_type
        and c.state = 'current' and (c.expires_at is null or c.expires_at > now())), p_amount)));
end $$;

-- end_current_price(review): the current price of the review's variant and type becomes past, or is deleted
-- if the source keeps no history.
create function catalog.end_current_price(p_review catalog.reviews) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.prices set state = 'past'
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and state = 'current';
  delete from catalog.prices
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and state = 'past' and not catalog.keeps_price_history(p_review.source_id);
end $$;

-- publish_prices(source, run, others) → the products with a price that became current: pending prices become
-- current, and the ones they replace past, or are deleted if the source keeps no history. Those of the runs
-- `p_others` stay pending, see list_unpublished_by_others.
create function catalog.publish_prices(p_source integer, p_run bigint, p_others bigint[]) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  products text[];
begin
  update catalog.prices c set state = 'past'
    from catalog.prices n
    where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (p_others)
      and c.source_id = p_source and c.state = 'current'
      and (c.product_external_id, c.variant_external_id, c.price_type)
        = (n.product_external_id, n.variant_external_id, n.price_type);
  delete from catalog.prices c using catalog.prices n
    where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (p_others)
      and c.source_id = p_source and c.state = 'past' and not catalog.keeps_price_history(p_source)
      and (c.product_external_id, c.variant_external_id, c.price_type)
        = (n.product_external_id, n.variant_external_id, n.price_type);
  with published as (
    update catalog.prices set state = 'current', settled_run = p_run
      where source_id = p_source and state = 'pending' and run_id <> all (p_others)
      returning product_external_id)
  select array_agg(distinct product_external_id) into products from published;
  return products;
end $$;

-- approve_claim(review, claim): the price that the claim states becomes current. It counts as observed when
-- the disagreement was.
--   p_claim     from 1, in the order of the review's detail
--   errors      usage/invalid
create function catalog.approve_claim(p_review catalog.reviews, p_claim integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  claims jsonb := p_review.detail -> 'claims';
  claim jsonb := claims -> (p_claim - 1);
begin
  if p_claim < 1 or claim is null then
    perform catalog.fail('usage/invalid', format('Review %s has no claim %s: it has %s', p_review.id, p_claim,
      catalog.format_quantity(jsonb_array_length(claims), 'claim')));
  end if;
  perform catalog.publish_price(p_review, (claim ->> 'amountMinor')::bigint);
  perform catalog.end_current_price(p_review);
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at, part_no, line_no)
    select p_review.source_id, p_review.product_external_id, p_review.variant_external_id,
      p_review.price_type, p_review.run_id, (claim ->> 'amountMinor')::bigint, claim ->> 'currency',
      'current', p_review.opened_at, p.part_no, p.line_no
    from catalog.runs r
    left join catalog.products p on p.source_id = r.source_id and p.run_id = r.artifact_run
      and p.external_id = p_review.product_external_id
    where r.source_id = p_review.source_id and r.id = p_review.run_id
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set amount_minor = excluded.amount_minor, currency = excluded.currency, compare_at_minor = null,
          state = 'current', observed_at = excluded.observed_at, part_no = excluded.part_no,
          line_no = excluded.line_no;
end $$;

-- decide_review(review, approve, by, claim, reason): a person's decision on an open review.
--   price          see decide_price
--   disagreement   approved: see approve_claim, with the first claim unless `p_claim` names another one.
--                  Rejected: the last good price stays. The same claims open no other review
--   proposal       approved: the value becomes the enrichment of the field, see accept_proposal. Rejected:
--                  the same value is not proposed again
--   record         see decide_record
--   run            can only be rejected here: an approval needs the version of the diff, see decide_run
--   ordering       locks a quarantined record before its review, as settle_run does, and a review before its
--                  price
--   errors         review/unknown, which names the person who has decided it · usage/invalid · see
--                  lock_held_run and assert_person
create function catalog.decide_review(
  p_review bigint, p_approve boolean, p_by text, p_claim integer, p_reason text default null
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
begin
  perform catalog.assert_person(p_by);
  select * into review from catalog.reviews r where r.id = p_review and r.state = 'open';
  if review.kind = 'run' then
    if p_approve then
      perform catalog.fail('usage/invalid', format('Review %s is that of run %s. See what it would change,'
        ' then approve it: shelfsync runs approve %s', p_review, review.run_id, review.run_id));
    end if;
    perform catalog.decide_run(review.run_id, false, p_by, null, p_reason);
    return;
  end if;
  if review.kind = 'record' then
    perform from catalog.quarantine
      where source_id = review.source_id and id = (review.detail ->> 'record')::bigint for update;
  end if;
  review := catalog.lock_open_review(p_review);
  if p_approve and review.kind in ('disagreement', 'proposal') and review.expires_at <= now() then
    perform catalog.fail('review/unknown', format(
      'The content of review %s has expired, as the licence of its source requires: it can only be rejected',
      p_review));
  end if;
  if p_claim is not null and (review.kind <> 'disagreement' or not p_approve) then
    perform catalog.fail('usage/invalid', format(
      'Review %s: a claim is named only to approve one of a disagreement', p_review));
  end if;
  if review.kind = 'price' then
    perform catalog.decide_price(review, p_approve);
  elsif review.kind = 'disagreement' and p_approve then
    perform catalog.approve_claim(review, coalesce(p_claim, 1));
  elsif review.kind = 'proposal' and p_approve then
    perform catalog.accept_proposal(review, p_by);
  elsif review.kind = 'record' then
    perform catalog.decide_record(review, p_approve);
  end if;
  if review.kind <> 'record' then
    perform catalog.index_products(review.source_id, array[review.product_external_id]);
  end if;
  update catalog.reviews
    set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(),
        decided_by = p_by, detail = review.detail || case when review.kind = 'disagreement' and p_approve
          then jsonb_build_object('claim', coalesce(p_claim, 1)) else '{}' end
    where source_id = review.source_id and id = p_review;
  perform catalog.record_decision(review, case when p_approve then 'approve' else 'reject' end, p_by,
    p_reason, jsonb_strip_nulls(jsonb_build_object('claim', p_claim)));
end $$;

-- 20261122000045_record_reviews.sql

-- Generated from supabase/schemas/45_record_reviews.sql until the first release: do not edit.

-- Reviews of quarantined records, and what quarantine says about an artifact. A record that one run could not
-- apply is often corrected by the next one; a record that two runs could not apply waits for a person.

-- read_fault(message) → the reason without the place before it, see src/pipeline/apply/quarantine.ts.
create function catalog.read_fault(p_message text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select regexp_replace(p_message, '^\S+, run \d+, part \d+, line \d+, byte \d+: ', '')
$$;

-- identify_record(record) → what quarantined records have in common if they are one record of the supplier
-- with one fault: the product and the reason; without an id, the bytes.
create function catalog.identify_record(p_record catalog.quarantine) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_record.external_id is null
    then jsonb_build_array(p_record.byte_length, md5(p_record.raw))
    else jsonb_build_array(p_record.external_id, p_record.rule, catalog.read_fault(p_record.message)) end
$$;

-- review_records(source, run): opens and closes the reviews of records, after resolve_quarantine.
--   opened      a record that this run quarantined, and an earlier one too; at most 100 for each run
--   ignored     a record that a person has ignored before leaves quarantine at once
--   superseded  the record has left quarantine, or another review has the newer one
create function catalog.review_records(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_nestloop = off as $$
begin
  -- Materialized and hashed: each record is read once, and a run may quarantine thousands.
  with found as materialized (
    select q.id, catalog.identify_record(q) as identity from catalog.quarantine q
    where q.source_id = p_source and q.run_id = p_run and q.state = 'open'
  ), ignored as materialized (
    select catalog.identify_record(i) as identity, min(i.id) as id from catalog.quarantine i
    where i.source_id = p_source and i.state = 'ignored' group by 1
  )
  update catalog.quarantine q set state = 'ignored', closed_run = p_run
    from found f join ignored i on i.identity = f.identity and i.id < f.id
    where q.source_id = p_source and q.id = f.id;
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from catalog.quarantine q
    where r.source_id = p_source and r.kind = 'record' and r.state = 'open'
      and q.source_id = p_source and q.id = (r.detail ->> 'record')::bigint and q.state <> 'open';
  with found as materialized (
    select q.id, q.external_id, q.rule, q.message, catalog.identify_record(q) as identity
    from catalog.quarantine q
    where q.source_id = p_source and q.run_id = p_run and q.state = 'open'
  ), earlier as materialized (
    select catalog.identify_record(b) as identity from catalog.quarantine b
    where b.source_id = p_source and b.closed_run = p_run and b.state = 'superseded'
  )
  insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason, detail)
    select p_source, 'record', p_run, f.external_id, catalog.read_fault(f.message),
      jsonb_build_object('record', f.id, 'rule', f.rule)
    from found f
    where f.identity in (select identity from earlier) and not exists (
        select from catalog.reviews r
        where r.source_id = p_source and r.kind = 'record' and r.state = 'open'
          and r.detail ->> 'record' = f.id::text)
    order by f.id limit 100;
end $$;

-- decide_record(review, approve): approved, the record stays in quarantine and every run tries it again.
-- Rejected, it is ignored, and so are later ones with the same fault.
create function catalog.decide_record(p_review catalog.reviews, p_approve boolean) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.quarantine set state = 'ignored'
    where not p_approve and source_id = p_review.source_id and id = (p_review.detail ->> 'record')::bigint
      and state = 'open'
$$;

-- describe_parsing(source, artifact_run) → `3 unreadable, 1 invalid, see quarantine`: the records of the
-- artifact that could not be applied, by rule; null without one.
create function catalog.describe_parsing(p_source integer, p_artifact_run bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select string_agg(format('%s %s', n, word), ', ' order by n desc, word) || ', see quarantine'
  from (
    select count(*) as n, replace(split_part(rule, '/', 2), '-', ' ') as word
    from catalog.quarantine
    where source_id = p_source and artifact_run = p_artifact_run and state <> 'replayed'
    group by 2
  ) rules
$$;

-- 20261122000046_successions.sql

-- Generated from supabase/schemas/46_successions.sql until the first release: do not edit.

-- Successions: a source that continues another one, because the shop has moved to another platform. The old
-- source stays as it is until the first complete run of the new one has settled. In that transaction, its
-- products become unavailable, each with its successor, and it is paused.

create table catalog.successions (
  source_id           integer primary key references catalog.sources (id),
  -- Source that it continues.
  predecessor         integer not null unique references catalog.sources (id) on delete cascade,
  -- Run of the new source that completed it; null before.
  run_id              bigint,
  completed_at        timestamptz,
  -- Products of the old source, and how many have a successor by each rule of match_products.
  counts              jsonb not null default '{}',
  created_at          timestamptz not null default clock_timestamp()
);

-- begin_succession(source, predecessor): the source continues `p_predecessor`. Does nothing with null.
--   errors      source/exists  another source already continues it
create function catalog.begin_succession(p_source integer, p_predecessor integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  other text := (
    select s.name from catalog.successions n join catalog.sources s on s.id = n.source_id
    where n.predecessor = p_predecessor);
begin
  if other is not null then
    perform catalog.fail('source/exists', format('%s already continues this source', other));
  elsif p_predecessor is not null then
    insert into catalog.successions (source_id, predecessor) values (p_source, p_predecessor);
  end if;
end $$;

-- list_match_keys(source) → the values by which products of two sources are compared, with the rank of their
-- rule. Removed products have none.
--   1 gtin      of a variant, without leading zeros
--   2 url       without scheme, `www.`, query and final slash
--   3 sku       of a variant; upper and lower case are alike
--   4 handle    the last segment of the URL, which shops keep when they move: `/products/x`, `/product/x/`. A
--               segment without a letter is an id of the platform
create function catalog.list_match_keys(p_source integer)
returns table (external_id text, rank integer, rule text, key text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with products as (
    select p.external_id,
      regexp_replace(regexp_replace(p.url, '^https?://(www\.)?|[?#].*$', '', 'gi'), '/+$', '') as url
    from catalog.products p where p.source_id = p_source and p.status <> 'removed'
  ), variants as (
    select p.external_id, ltrim(v.gtin, '0') as gtin, lower(btrim(v.sku)) as sku
    from products p
    join catalog.variants v on v.source_id = p_source and v.product_external_id = p.external_id
    where v.removed_at is null
  )
  select external_id, 1, 'gtin', gtin from variants where gtin ~ '^\d{7,14}$'
  union select external_id, 2, 'url', url from products where url like '%/%'
  union select external_id, 3, 'sku', sku from variants where sku <> ''
  union select external_id, 4, 'handle', lower(substring(url from '/([^/]+?)(\.html?)?$')) from products
    where substring(url from '/([^/]+)$') ~ '[[:alpha:]]'
$$;

-- match_products(predecessor, source) → the successor of each product that has one, by the first rule that
-- finds one. A value counts only if exactly one product of each source has it.
create function catalog.match_products(p_predecessor integer, p_source integer)
returns table (external_id text, successor text, rule text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with old as (
    select min(k.external_id) as external_id, k.rank, k.rule, k.key
    from catalog.list_match_keys(p_predecessor) k
    group by k.rank, k.rule, k.key having count(*) = 1
  ), new as (
    select min(k.external_id) as external_id, k.rank, k.key
    from catalog.list_match_keys(p_source) k
    group by k.rank, k.key having count(*) = 1
  )
  select distinct on (o.external_id) o.external_id, n.external_id, o.rule
  from old o join new n using (rank, key)
  group by o.external_id, n.external_id, o.rank, o.rule
  -- Of a product whose variants are now in several products, the one with most of them.
  order by o.external_id, o.rank, count(*) desc, n.external_id
$$;

-- end_products(predecessor, source, run) → counts: makes all products of the old source unavailable, with
-- their successors, and records that as changes of `p_run`.
--   reversible  their hashes are cleared, so that a later run of the old source writes those that it still
--               lists again
create function catalog.end_products(p_predecessor integer, p_source integer, p_run bigint) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  counts jsonb;
  new_name text := (select name from catalog.sources where id = p_source);
begin
  with ended as materialized (
    select p.external_id, p.status, p.successor as before, m.successor, m.rule
    from catalog.products p
    left join catalog.match_products(p_predecessor, p_source) m on m.external_id = p.external_id
    where p.source_id = p_predecessor and p.status <> 'removed'
  ), written as (
    update catalog.products p
      set status = 'unavailable', changed_at = now(),
          successor = coalesce(e.successor, p.successor),
          successor_source = case when e.successor is null then p.successor_source else p_source end,
          last_available_at = case p.status when 'active' then now() else p.last_available_at end,
          record_hash = decode(repeat('00', 16), 'hex'), content_hash = decode(repeat('00', 16), 'hex')
      from ended e where p.source_id = p_predecessor and p.external_id = e.external_id
  ), changed as (
    insert into catalog.changes (source_id, run_id, product_external_id, kind, detail)
      select p_predecessor, p_run, external_id,
        case status when 'unavailable' then 'updated' else 'unavailable' end,
        case status when 'unavailable' then '{}'
          else jsonb_build_object('status', jsonb_build_array(status, 'unavailable')) end
        || case when successor is null then '{}' else jsonb_build_object(
          'successor', jsonb_build_array(before, successor),
          'successor_source', jsonb_build_array(null, new_name),
          'successor_rule', jsonb_build_array(null, rule)) end
      from ended where status <> 'unavailable' or successor is not null
  )
  select jsonb_build_object('products', count(*), 'gtin', count(*) filter (where rule = 'gtin'),
      'url', count(*) filter (where rule = 'url'), 'sku', count(*) filter (where rule = 'sku'),
      'handle', count(*) filter (where rule = 'handle'))
    into counts from ended;
  perform catalog.index_products(p_predecessor, array(
    select external_id from catalog.products where source_id = p_predecessor and status <> 'removed'));
  return counts;
end $$;

-- complete_succession(source, run): completes the succession of the source, if it has one that is not
-- complete and `p_run` is a complete full run. The old source is paused, its active runs are superseded, and
-- its held runs and prices stay for a decision.
--   ordering    locks the runs of the old source before its row, as their own workers do; the caller has not
--               yet published changes
create function catalog.complete_succession(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  old integer;
  new_name text := (select name from catalog.sources where id = p_source);
begin
  select n.predecessor into old from catalog.successions n
    where n.source_id = p_source and n.run_id is null and exists (
      select from catalog.runs r
      join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
      where r.source_id = p_source and r.id = p_run and r.kind = 'full' and a.complete)
    for update;
  if old is null then
    return;
  end if;
  perform catalog.lock_run_exclusive(r.id)
    from (
      select id from catalog.runs
      where source_id = old and state in ('running', 'interrupted', 'fetched') order by id
    ) r;
  perform from catalog.sources where id = old for update;
  update catalog.runs
    set state = 'superseded', reason = format('%s continues the source', new_name),
        finished_at = clock_timestamp()
    where source_id = old and state in ('running', 'interrupted', 'fetched');
  update catalog.sources set state = 'paused' where id = old;
  update catalog.successions
    set run_id = p_run, completed_at = clock_timestamp(),
        counts = catalog.end_products(old, p_source, p_run)
    where source_id = p_source;
  perform catalog.publish_changes(old, p_run, array(
    select distinct run_id from catalog.changes
    where source_id = old and position is null and run_id <> p_run));
end $$;

-- find_successions(source) → what the source continues (`predecessor`), and what continues it (`successor`).
create function catalog.find_successions(p_source integer)
returns table (part text, source text, run bigint, completed_at timestamptz, counts jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select case n.source_id when p_source then 'predecessor' else 'successor' end, o.name, n.run_id,
    n.completed_at, n.counts
  from catalog.successions n
  join catalog.sources o on o.id = case n.source_id when p_source then n.predecessor else n.source_id end
  where p_source in (n.source_id, n.predecessor) order by 1
$$;

-- forget_successors(source): products of other sources lose their successors in this one, which is about to
-- be removed.
create function catalog.forget_successors(p_source integer) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.products set successor = null, successor_source = null where successor_source = p_source
$$;

-- 20261122000047_call_drafts.sql

-- Generated from supabase/schemas/47_call_drafts.sql until the first release: do not edit.

-- Products as calls state them: the arguments of `api.rpc_…` become drafts, as `stage_records` takes them.
-- A caller makes these errors, so each has a message that names the value, and a hint.

-- refuse_call(message, hint): fails because of an argument.
--   errors      SQLSTATE 22023 (invalid_parameter_value), status 400 of the Data API
create function catalog.refuse_call(p_message text, p_hint text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'invalid_parameter_value', message = p_message, hint = p_hint;
end $$;

-- count_decimals(currency) → decimals of the currency: DECIMALS in src/core/money.ts.
create function catalog.count_decimals(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency = any (string_to_array(
      'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', ' ')) then 0
    when p_currency = any (string_to_array('BHD IQD JOD KWD LYD OMR TND', ' ')) then 3
    when p_currency = any (string_to_array('CLF UYW', ' ')) then 4
    else 2 end
$$;

-- to_minor(amount, currency, what) → the amount in the currency's minor unit; null of null.
--   errors      see refuse_call: negative, above the safe integers, or with more decimals than the currency
create function catalog.to_minor(p_amount numeric, p_currency text, p_what text) returns bigint
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  minor numeric := p_amount * 10::numeric ^ catalog.count_decimals(p_currency);
begin
  if minor <> trunc(minor) then
    perform catalog.refuse_call(format('%s is %s: %s has %s', p_what, p_amount, p_currency,
      catalog.format_quantity(catalog.count_decimals(p_currency), 'decimal')),
      'Round the price as the shop shows it.');
  elsif not minor between 0 and 9007199254740991 then
    perform catalog.refuse_call(format('%s is %s', p_what, p_amount),
      'Give an amount from 0 on, in the unit of the currency: 12.50 for EUR 12.50.');
  end if;
  return minor::bigint;
end $$;

-- to_price(price, variant, currency) → a price of a draft.
--   price       {price_type (default list), price, compare_at_price, currency} in the unit of the currency,
--               or amount_minor and compare_at_minor instead. Without any amount the shop states none
--   p_currency  of the source, for a price without a currency
--   errors      see refuse_call
create function catalog.to_price(p_price jsonb, p_variant text, p_currency text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  currency text := coalesce(p_price ->> 'currency', p_currency);
  what text := format('The price of the variant %s', p_variant);
begin
  if coalesce(currency, '') !~ '^[A-Z]{3}$' then
    perform catalog.refuse_call(format('%s has the currency "%s"', what, coalesce(currency, '')),
      'Name the currency in three capital letters of ISO 4217, such as EUR: it is never assumed.');
  end if;
  return jsonb_build_object('variant_external_id', p_variant,
    'price_type', coalesce(p_price ->> 'price_type', 'list'), 'currency', currency,
    'amount_minor', coalesce((p_price ->> 'amount_minor')::bigint,
      catalog.to_minor((p_price ->> 'price')::numeric, currency, what)),
    'compare_at_minor', coalesce((p_price ->> 'compare_at_minor')::bigint,
      catalog.to_minor((p_price ->> 'compare_at_price')::numeric, currency, what)));
end $$;

-- to_variant(variant, position) → a variant of a draft, from {platform_variant_id, title, sku, gtin, options,
-- weight_g, pack_count, availability or in_stock}. Unknown members are null.
create function catalog.to_variant(p_variant jsonb, p_position integer) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('external_id', p_variant ->> 'platform_variant_id', 'position', p_position,
    'title', p_variant ->> 'title', 'sku', p_variant ->> 'sku', 'gtin', p_variant ->> 'gtin',
    'options', coalesce(nullif(p_variant -> 'options', 'null'), '{}'),
    'weight_grams', (p_variant ->> 'weight_g')::double precision,
    'pack_count', (p_variant ->> 'pack_count')::integer,
    'availability', coalesce(p_variant ->> 'availability', case (p_variant ->> 'in_stock')::boolean
      when true then 'in_stock' when false then 'out_of_stock' end))
$$;

-- assert_list(name, value): fails if the argument is not a list of objects.
create function catalog.assert_list(p_name text, p_value jsonb) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(p_value) <> 'array'
     or exists (select from jsonb_array_elements(p_value) e where jsonb_typeof(e) <> 'object') then
    perform catalog.refuse_call(format('%s is not a list of objects', p_name),
      format('Give %s as [{…}, {…}].', p_name));
  end if;
end $$;

-- find_draft_fault(draft) → what is wrong with the draft; null if the catalogue can have it. The rules are
-- those of src/core/bounded-draft.ts and src/pipeline/apply/duplicate-keys.ts.
create function catalog.find_draft_fault(p_draft jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  with variants as (
    select v, v ->> 'external_id' as id from jsonb_array_elements(p_draft -> 'variants') v
  ), prices as (
    select p, p ->> 'variant_external_id' as variant from jsonb_array_elements(p_draft -> 'prices') p
  ), images as (
    select i from jsonb_array_elements(p_draft -> 'images') i
  )
  select case
    when coalesce(p_draft ->> 'external_id', '') = '' then 'p_platform_product_id is empty'
    when coalesce(p_draft ->> 'status', '') not in ('draft', 'active', 'unavailable', 'filtered')
      then format('p_status is "%s": give draft, active or unavailable', p_draft ->> 'status')
    when jsonb_typeof(p_draft -> 'identifiers') <> 'object' then 'p_identifiers is not an object'
    when jsonb_typeof(p_draft -> 'attributes') <> 'object' then 'p_attributes is not an object'
    when jsonb_typeof(p_draft -> 'provenance') not in ('object', 'null')
      or p_draft @? '$.provenance.* ? (@.type() != "object")' then 'p_provenance is not an object of objects'
    when jsonb_typeof(p_draft -> 'warnings') not in ('array', 'null')
      or p_draft @? 'strict $.warnings[*] ? (@.type() != "string")' then 'p_warnings is not a list of texts'
    when p_draft ->> 'source_updated_at' like '%infinity' then 'p_source_updated_at is not an instant'
    when p_draft ->> 'expires_at' like '%infinity' then 'p_expires_at is not an instant'
    when (select count(*) from variants) not between 1 and 5000 then 'a product has 1 to 5,000 variants'
    when (select count(*) from images) > 1000 then 'a product has at most 1,000 images'
    else coalesce(
      (select 'a variant has no platform_variant_id' from variants where coalesce(id, '') = '' limit 1),
      (select format('two variants have the platform_variant_id %s', id) from variants
        group by id having count(*) > 1 limit 1),
      (select format('the weight of the variant %s is not a number of grams', id) from variants
        where not (v ->> 'weight_grams')::numeric between 0 and 9007199254740991 limit 1),
      (select format('the options of the variant %s are not an object', id) from variants
        where jsonb_typeof(v -> 'options') <> 'object' limit 1),
      (select format('the pack count of the variant %s is below 1', id) from variants
        where (v ->> 'pack_count')::integer < 1 limit 1),
      (select format('the GTIN of the variant %s does not have 8, 12, 13 or 14 digits', id) from variants
        where v ->> 'gtin' !~ '^([0-9]{8}|[0-9]{12,14})$' limit 1),
      (select format('the availability of the variant %s is "%s": give in_stock, out_of_stock, preorder or'
          ' discontinued', id, v ->> 'availability') from variants
        where v ->> 'availability' not in ('in_stock', 'out_of_stock', 'preorder', 'discontinued') limit 1),
      (select format('a price belongs to the variant %s, which the product does not have', variant)
        from prices where variant not in (select id from variants) limit 1),
      (select format('the price type "%s" is not a lower-case word', p ->> 'price_type') from prices
        where p ->> 'price_type' !~ '^[a-z][a-z_]*$' limit 1),
      (select format('the variant %s has two prices of the type %s', variant, p ->> 'price_type') from prices
        group by variant, p ->> 'price_type' having count(*) > 1 limit 1),
      (select format('the price of the variant %s is not from 0 to 9007199254740991', variant) from prices
        where not (p ->> 'amount_minor')::bigint between 0 and 9007199254740991
          or not (p ->> 'compare_at_minor')::bigint between 0 and 9007199254740991 limit 1),
      (select format('"%s" is not the address of an image', left(i ->> 'url', 100)) from images
        where coalesce(i ->> 'url', '') !~ '^https?://' limit 1),
      (select format('the sort_order %s of an image is negative', i ->> 'position') from images
        where (i ->> 'position')::integer < 0 limit 1),
      (select format('two images have the sort_order %s', i ->> 'position') from images
        group by i ->> 'position' having count(*) > 1 limit 1))
    end
$$;

-- list_stated_prices(source, product) → the newest statement about each price of listed variants.
create function catalog.list_stated_prices(p_source integer, p_product text) returns table (
  variant_external_id text, price_type text, amount_minor bigint, currency text, compare_at_minor bigint,
  state text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select distinct on (p.variant_external_id, p.price_type) p.variant_external_id, p.price_type,
    p.amount_minor, p.currency, p.compare_at_minor, p.state
  from catalog.prices p
  join catalog.variants v on v.source_id = p_source and v.product_external_id = p_product
    and v.external_id = p.variant_external_id and v.removed_at is null
  where p.source_id = p_source and p.product_external_id = p_product
    and p.state in ('current', 'pending', 'held', 'rejected')
  order by p.variant_external_id, p.price_type, p.observed_at desc, p.run_id desc
$$;

-- list_open_disagreements(source, product) → the product's open disagreements, as a draft has them.
create function catalog.list_open_disagreements(p_source integer, p_product text)
returns table ("variantId" text, "priceType" text, claims jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.variant_external_id, r.price_type, r.detail -> 'claims' from catalog.reviews r
  where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'disagreement'
    and r.state = 'open'
$$;

-- load_draft(source, product) → the product as the supplier stated it last, as a draft; null without one. A
-- price that waits for a decision, or was rejected, is among its prices, so that a call about something else
-- states it again and changes nothing about it. A product whose licence has ended has none.
create function catalog.load_draft(p_source integer, p_product text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('external_id', p.external_id, 'status',
      case p.status when 'removed' then 'active' else p.status end, 'title', p.title,
      'description', p.description, 'brand', p.brand, 'manufacturer', p.manufacturer, 'url', p.url,
      'identifiers', p.identifiers, 'attributes', p.attributes, 'successor', p.successor,
      'source_updated_at', p.source_updated_at, 'expires_at', p.expires_at, 'warnings', p.warnings,
      'provenance', p.provenance,
      'variants', coalesce((
        select jsonb_agg(jsonb_build_object('external_id', v.external_id, 'position', v.position,
          'title', v.title, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
          'weight_grams', v.weight_grams::double precision, 'pack_count', v.pack_count,
          'availability', v.availability) order by v.position, v.external_id)
        from catalog.variants v
        where v.source_id = p_source and v.product_external_id = p_product and v.removed_at is null), '[]'),
      'images', coalesce((
        select jsonb_agg(jsonb_build_object('position', i.position, 'url', i.url, 'alt', i.alt)
          order by i.position)
        from catalog.images i where i.source_id = p_source and i.product_external_id = p_product), '[]'),
      'prices', coalesce((
        select jsonb_agg(to_jsonb(s) - 'state' order by s.variant_external_id, s.price_type)
        from catalog.list_stated_prices(p_source, p_product) s
        where not exists (
          select from catalog.list_open_disagreements(p_source, p_product) d
          where d."variantId" = s.variant_external_id and d."priceType" = s.price_type)), '[]'),
      'disagreements', (
        select jsonb_agg(to_jsonb(d)) from catalog.list_open_disagreements(p_source, p_product) d))
  from catalog.products p
  where p.source_id = p_source and p.external_id = p_product
    and (p.expires_at is null or p.expires_at > now())
$$;

-- drop_placeholder(draft) → the draft without its only variant if nothing is known of it: a product that was
-- written without variants has one with the id of the product.
create function catalog.drop_placeholder(p_draft jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_draft -> 'prices' = '[]' and p_draft -> 'variants' = jsonb_build_array(catalog.to_variant(
        jsonb_build_object('platform_variant_id', p_draft -> 'external_id'), 0))
      then p_draft || '{"variants": []}' else p_draft end
$$;

-- 20261122000048_calls.sql

-- Generated from supabase/schemas/48_calls.sql until the first release: do not edit.

-- Calls: small writes of one product each, for programs that use the Data API or a session. Each call is a
-- run of kind `import` in one transaction, and passes the gates of every other run.

-- default_policy() → the defaults of src/core/policy.ts.
create function catalog.default_policy() returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '{"removalShare": 0.15, "quarantineShare": 0.01, "priceFactor": 10, "priceShiftShare": 0.25,
    "priceShiftFactor": 1.25, "allowEmpty": false, "storeImages": true, "keepPriceHistory": true,
    "expiresAfterHours": null, "enrich": false}'::jsonb
$$;

-- lock_called_source(name) → the source. Calls for one source wait for each other until their transactions
-- end; other runs of the source do not wait.
--   errors      SQLSTATE PT404, status 404 of the Data API
create function catalog.lock_called_source(p_name text) returns catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  source catalog.sources;
begin
  select * into source from catalog.sources where name = p_name;
  if source.id is null then
    raise exception using errcode = 'PT404', message = format('The source "%s" does not exist', p_name),
      hint = 'List the sources: shelfsync sources. Add one: shelfsync add.';
  end if;
  perform pg_advisory_xact_lock(catalog.call_lock_class(), source.id);
  return source;
end $$;

-- archive_call(source, product, call, arguments) → a new run of kind import, with the call as its artifact:
-- one line, in the key of its only part as a data URL (RFC 2397). The transaction takes the lease of the run,
-- and apply_call releases it.
create function catalog.archive_call(
  p_source integer, p_product text, p_call text, p_arguments jsonb, out run_id bigint, out token bigint
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  line bytea := convert_to(
    jsonb_build_object('call', p_call, 'arguments', p_arguments)::text || chr(10), 'UTF8');
begin
  run := catalog.insert_run(p_source, 'import', null, null, 0, gen_random_uuid()::text, false,
    jsonb_build_object('call', p_call), array[p_product]);
  run_id := run.id;
  select l.token into token
    from catalog.take_lease(p_source, run.id, 'run', 'call', null, interval '1 minute') l;
  perform catalog.add_part(p_source, run.id, token, 1,
    'data:application/x-ndjson;base64,' || translate(encode(line, 'base64'), chr(10), ''), 'none',
    sha256(line), 1, length(line), length(line), null, interval '0',
    '{"complete": true, "expected": 1, "watermark": null, "warnings": []}');
end $$;

-- stage_draft(draft, hashes, raw): the draft as the only staged record.
create function catalog.stage_draft(
  p_draft jsonb, p_record_hash bytea, p_content_hash bytea, p_raw json
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.ensure_staging();
  -- The same transaction may make several calls.
  perform catalog.clear_staging();
  perform catalog.stage_records(array[
    left((p_draft || jsonb_build_object('line_no', 1, 'record_hash', p_record_hash,
        'content_hash', p_content_hash))::text, -1)
      || ', "raw": ' || p_raw::text || '}']);
end $$;

-- hash_draft(draft) → hash of everything in the draft but its prices, its time and the end of its licence.
create function catalog.hash_draft(p_draft jsonb) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select substring(sha256(convert_to(
    (p_draft - '{prices,disagreements,source_updated_at,expires_at}'::text[])::text, 'UTF8')) for 16)
$$;

-- reserve_call_seq(source, product) → the number of a new product; that of an existing one is not used.
--   ordering    settle_run publishes changes before it updates the source's row, so the lock of the changes
--               is taken before that of the source here too
create function catalog.reserve_call_seq(p_source integer, p_product text) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from catalog.products where source_id = p_source and external_id = p_product) then
    return 0;
  end if;
  perform catalog.lock_feed();
  return catalog.reserve_seqs(p_source, 1);
end $$;

-- apply_call(source, call, arguments, draft, raw) → one row
--   outcome     created, updated, unchanged, held (written, but a price waits for a decision) or older (the
--               catalogue has a newer record)
--   run         null if nothing was written, because the catalogue has all of this already
--   state       of the run: succeeded, or held with its `reason`
--   reviews     open reviews of the prices that are held
--   p_raw       the supplier's record; null: the one that the product has
--   errors      see refuse_call
create function catalog.apply_call(
  p_source catalog.sources, p_call text, p_arguments jsonb, p_draft jsonb, p_raw jsonb
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  product text := p_draft ->> 'external_id';
  fault text := catalog.find_draft_fault(p_draft);
  policy jsonb := catalog.default_policy() || p_source.policy;
  before jsonb := catalog.load_draft(p_source.id, product);
  record_hash bytea := substring(sha256(convert_to(p_arguments::text, 'UTF8')) for 16);
  content_hash bytea := catalog.hash_draft(p_draft);
  stored catalog.products;
  started record;
  batch record;
  settled record;
begin
  if fault is not null then
    perform catalog.refuse_call(fault, 'Nothing was written. Correct the argument and repeat the call.');
  end if;
  select * into stored from catalog.products where source_id = p_source.id and external_id = product;
  if stored.status <> 'removed' and (
      p_raw is null and before = p_draft
      or p_raw is not null and stored.record_hash = record_hash and stored.content_hash = content_hash
        -- The same statement renews the licence.
        and stored.expires_at is null) then
    return query select md5(p_source.id::text || ' ' || product)::uuid, 'unchanged', null::bigint, null::text,
      null::text, catalog.list_price_reviews(p_source.id, product), encode(stored.record_hash, 'hex');
    return;
  end if;
  -- A product that a connector wrote has the hash of other bytes.
  if catalog.hash_draft(before) = content_hash and p_raw is null then
    content_hash := stored.content_hash;
  end if;
  select * into started from catalog.archive_call(p_source.id, product, p_call, p_arguments);
  perform catalog.stage_draft(p_draft, record_hash, content_hash, coalesce(p_raw::json,
    case when stored.expires_at <= now() then null else stored.raw end, '{}'));
  select * into batch from catalog.apply_batch(p_source.id, started.run_id, started.token, started.run_id, 1,
    catalog.reserve_call_seq(p_source.id, product), 0, '{}', (policy ->> 'priceFactor')::numeric, null,
    false);
  insert into catalog.checkpoints
      (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
    values (p_source.id, started.run_id, 1, 1, 0, true, to_jsonb(batch) - 'seqs' - 'next_seq', '', '');
  select * into settled from catalog.settle_run(p_source.id, started.run_id, started.token,
    catalog.to_bitmap(batch.seqs), 0, policy);
  perform catalog.release_task(p_source.id, started.run_id, started.token);
  return query select md5(p_source.id::text || ' ' || product)::uuid, (
      select key from jsonb_each(to_jsonb(batch) - 'seqs' - 'next_seq') where value = '1'),
    started.run_id, settled.state, settled.reason, catalog.list_price_reviews(p_source.id, product),
    encode(record_hash, 'hex');
end $$;

-- to_bitmap(seqs) → a bitmap with the bit of the product whose number is in `seqs`; empty without one.
create function catalog.to_bitmap(p_seqs bytea) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when length(p_seqs) = 0 then ''::bytea
    else set_bit(decode(repeat('00', n / 8 + 1), 'hex'), n, 1) end
  from (select ('x' || encode(substring(p_seqs for 4), 'hex'))::bit(32)::integer as n) seq
$$;

-- list_price_reviews(source, product) → the open reviews of the product's prices.
create function catalog.list_price_reviews(p_source integer, p_product text) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select id from catalog.reviews
    where source_id = p_source and state = 'open' and kind in ('price', 'disagreement')
      and product_external_id = p_product order by id)
$$;

-- 20261122000049_refresh_jobs.sql

-- Generated from supabase/schemas/49_refresh_jobs.sql until the first release: do not edit.

-- The state of refreshes, by triggers on the rows of their runs: every way in which a run starts and ends is
-- recorded, for every worker.

-- is_skipped(code) → whether an error means that no request was sent: SKIPPING in src/core/refreshing.ts.
create function catalog.is_skipped(p_code text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_code in ('source/circuit-open', 'source/rate-limited')
$$;

-- open_refresh_jobs(run): the jobs of a refresh that starts, one for each product. Jobs that are older than
-- seven days are removed.
create function catalog.open_refresh_jobs(p_run catalog.runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  delete from catalog.refresh_jobs
    where source_id = p_run.source_id and created_at < p_run.started_at - interval '7 days';
  -- A product without a time was due at the start: least() ignores null.
  insert into catalog.refresh_jobs (source_id, run_id, product_external_id, scheduled_at, created_at)
    select p_run.source_id, p_run.id, k, least(r.due_at, p_run.started_at), p_run.started_at
    from unnest(p_run.keys) k
    left join catalog.product_reads r on r.source_id = p_run.source_id and r.external_id = k
    on conflict do nothing
$$;

-- reopen_refresh_jobs(run): a refresh is resumed; what has not succeeded is tried again.
create function catalog.reopen_refresh_jobs(p_run catalog.runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.refresh_jobs
    set status = 'pending', completed_at = null, error_code = null, error_message = null
    where source_id = p_run.source_id and run_id = p_run.id and status in ('failed', 'skipped')
$$;

-- end_refresh_jobs(run): a refresh ended without settling. A later run requests its products again.
create function catalog.end_refresh_jobs(p_run catalog.runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.refresh_jobs
    set status = case when catalog.is_skipped(coalesce(error_code, p_run.error_code)) then 'skipped'
        else 'failed' end,
      completed_at = p_run.finished_at, error_code = coalesce(error_code, p_run.error_code),
      error_message = coalesce(error_message, p_run.reason),
      circuit_breaker_state = case coalesce(error_code, p_run.error_code)
        when 'source/circuit-open' then 'open' else 'closed' end
    where source_id = p_run.source_id and run_id = p_run.id and status in ('pending', 'running')
$$;

-- settle_refresh_jobs(run): the products that the run saw have succeeded. Those without a line, and those
-- whose record is in quarantine, have failed; when an open circuit breaker or a quota ended the fetch, those
-- that were not requested are skipped. Records the reads of an import as well.
create function catalog.settle_refresh_jobs(p_run catalog.runs) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  broken text[] := array(
    select q.external_id from catalog.quarantine q
    where q.source_id = p_run.source_id and q.run_id = p_run.id and q.external_id is not null);
  read text[] := array(
    select p.external_id from catalog.products p
    where p.source_id = p_run.source_id and p.external_id = any (p_run.keys)
      and p.external_id <> all (broken)
      and case when p.seq < 8 * length(p_run.seen) then get_bit(p_run.seen, p.seq) = 1 else false end);
  unread text[];
  stopped catalog.artifacts := (
    select a from catalog.artifacts a
    where a.source_id = p_run.source_id and a.run_id = p_run.artifact_run
      and catalog.is_skipped(a.error_code));
begin
  if not p_run.options ? 'call' then
    perform catalog.record_reads(p_run.source_id, read,
      catalog.load_requested_at(p_run.source_id, p_run.artifact_run, null));
  end if;
  update catalog.refresh_jobs
    set status = 'success', completed_at = p_run.finished_at, error_code = null, error_message = null,
      circuit_breaker_state = 'closed'
    where source_id = p_run.source_id and run_id = p_run.id and product_external_id = any (read);
  update catalog.refresh_jobs
    set status = case when product_external_id <> all (broken)
        and catalog.is_skipped(coalesce(error_code, stopped.error_code)) then 'skipped' else 'failed' end,
      completed_at = p_run.finished_at,
      circuit_breaker_state = coalesce(circuit_breaker_state,
        case stopped.error_code when 'source/circuit-open' then 'open' else 'closed' end),
      error_code = case when product_external_id = any (broken) then 'record/invalid'
        else coalesce(error_code, stopped.error_code) end,
      error_message = case when product_external_id = any (broken) then 'the record is in quarantine'
        else coalesce(error_message, stopped.warnings ->> -1, 'the supplier sent nothing about it') end
    where source_id = p_run.source_id and run_id = p_run.id and status in ('pending', 'running');
  unread := array(
    select product_external_id from catalog.refresh_jobs
    where source_id = p_run.source_id and run_id = p_run.id and status = 'failed');
  perform catalog.record_failed_reads(p_run.source_id, unread);
end $$;

-- record_retries(source, run, products, error): the request for these products of a refresh has failed; does
-- nothing for another run. A later attempt may succeed.
--   p_error     {retries, code, message, breaker}
create function catalog.record_retries(
  p_source integer, p_run bigint, p_products text[], p_error jsonb
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.refresh_jobs
    set retry_count = (p_error ->> 'retries')::integer, error_code = p_error ->> 'code',
      error_message = p_error ->> 'message', circuit_breaker_state = p_error ->> 'breaker'
    where source_id = p_source and run_id = p_run and product_external_id = any (p_products)
      and status in ('pending', 'running')
$$;

-- track_refresh(): a trigger that records the start and the end of keyed runs in refresh_jobs and
-- product_reads.
create function catalog.track_refresh() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform catalog.open_refresh_jobs(new);
  elsif new.state = 'running' then
    perform catalog.reopen_refresh_jobs(new);
  elsif new.state in ('succeeded', 'held') then
    perform catalog.settle_refresh_jobs(new);
  else
    perform catalog.end_refresh_jobs(new);
  end if;
  return null;
end $$;

create trigger open_refresh_jobs after insert on catalog.runs for each row
  when (new.kind = 'refresh') execute function catalog.track_refresh();
create trigger track_refresh after update of state on catalog.runs for each row
  when (new.keys is not null and old.state is distinct from new.state
    and old.state in ('running', 'interrupted', 'fetched', 'failed'))
  execute function catalog.track_refresh();

-- begin_refresh_jobs(): a trigger that records that a worker has taken a refresh.
create function catalog.begin_refresh_jobs() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.refresh_jobs
    set status = 'running', started_at = coalesce(started_at, clock_timestamp())
    where source_id = new.source_id and run_id = new.run_id and status = 'pending';
  return null;
end $$;

create trigger begin_refresh_jobs after insert or update of token on catalog.leases for each row
  when (new.task in ('run', 'fetch')) execute function catalog.begin_refresh_jobs();

-- 20261122000050_plan.sql

-- Generated from supabase/schemas/50_plan.sql until the first release: do not edit.

-- plan: computes the effect of apply and settle by the same functions. A plan's transactions are read-only,
-- so the server refuses writes to any table but the session's temporary ones.

-- open_plan(): creates the tables that hold what the batches planned in this session would have written. The
-- next batches are judged against them. `planned_variants` and `planned_images` exist for their constraints:
-- a record that the catalogue's tables would refuse is refused in a plan too.
--   errors      SQLSTATE 42P07 (duplicate_table) if the session has tables of these names
create function catalog.open_plan() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table planned_products (
    external_id text collate "C" primary key, appears boolean not null,
    source_updated_at timestamptz not null, record_hash bytea not null, content_hash bytea not null
  );
  create temporary table planned_variants (like catalog.variants including constraints including indexes)
    on commit delete rows;
  create temporary table planned_prices (
    like catalog.prices including constraints including indexes, last_good bigint);
  create temporary table planned_images (
    like catalog.images including defaults including constraints including indexes) on commit delete rows;
end $$;

-- revise_verdicts(): judges products that an earlier batch of the plan would have written against that batch.
create function catalog.revise_verdicts() returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  update pg_temp.verdicts j
    set verdict = case
        when coalesce(s.source_updated_at, '-infinity') < w.source_updated_at then 'duplicate'
        when (s.content_hash, s.record_hash) <> (w.content_hash, w.record_hash) then 'updated'
        else 'unchanged'
      end
    from pg_temp.staged_products s, pg_temp.planned_products w
    where s.line_no = j.line_no and w.external_id = j.external_id and j.verdict <> 'duplicate';
  update pg_temp.verdicts set held = false where verdict not in ('created', 'updated');
  delete from pg_temp.price_verdicts q using pg_temp.verdicts j
    where j.line_no = q.line_no and j.verdict not in ('created', 'updated');
end $$;

-- plan_products(source): records what the batch would write to products, variants and images.
--   errors      SQLSTATE of the constraint that a record violates
create function catalog.plan_products(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into pg_temp.planned_products as w
      (external_id, appears, source_updated_at, record_hash, content_hash)
    select j.external_id,
      not exists (
        select from catalog.products p
        where p.source_id = p_source and p.external_id = j.external_id and p.status <> 'removed'),
      coalesce(s.source_updated_at, '-infinity'), s.record_hash, s.content_hash
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    on conflict (external_id) do update
      set source_updated_at = excluded.source_updated_at, record_hash = excluded.record_hash,
          content_hash = excluded.content_hash;
  -- A better record that is equal to a planned one takes its place.
  update pg_temp.planned_products w set source_updated_at = coalesce(s.source_updated_at, '-infinity')
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'unchanged' and w.external_id = j.external_id;
  -- The commit empties these tables, and this delete does before the next piece of a batch that Postgres
  -- refused.
  delete from pg_temp.planned_variants where true;
  delete from pg_temp.planned_images where true;
  insert into pg_temp.planned_variants
      (source_id, product_external_id, external_id, position, options, weight_grams, pack_count, availability)
    select p_source, j.external_id, v.external_id, v.position, v.options, v.weight_grams::numeric,
      v.pack_count, v.availability
    from pg_temp.verdicts j join pg_temp.staged_variants v on v.line_no = j.line_no
    where j.verdict in ('created', 'updated');
  insert into pg_temp.planned_images (source_id, product_external_id, position, url)
    select p_source, j.external_id, i.position, i.url
    from pg_temp.verdicts j join pg_temp.staged_images i on i.line_no = j.line_no
    where j.verdict in ('created', 'updated');
end $$;

-- plan_prices(source): records what the batch would write to prices. `superseded` stands for a verdict
-- `kept`.
create function catalog.plan_prices(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  delete from pg_temp.planned_prices w using pg_temp.verdicts j
    where j.external_id = w.product_external_id and j.verdict in ('created', 'updated');
  insert into pg_temp.planned_prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at, last_good)
    select p_source, q.external_id, q.variant_external_id, q.price_type, 0, q.amount_minor, q.currency,
      case q.state when 'kept' then 'superseded' when 'disputed' then 'held' else q.state end, now(),
      case when q.state in ('held', 'disputed') or q.last_good_currency = q.currency then q.last_good end
    from pg_temp.price_verdicts q;
  insert into pg_temp.planned_prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at)
    select p_source, j.external_id, n.variant_external_id, n.price_type, 0, n.amount_minor, n.currency,
      'current', now()
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.seq is null and j.verdict in ('created', 'updated') and n.amount_minor <> 0
    on conflict do nothing;
end $$;

-- plan_batch(…) → (seq, external_id, verdict, held, kind, detail, title, currencies) of each staged line:
-- what apply_batch would do after the batches planned before.
--   p_artifact_run   of a planned replay, with `p_seen_later` as in judge_products; null: newer than any
--                    other
--   kind, detail     as list_staged_changes; null without a change
--   title            the new title of a changed product
--   currencies       of the prices in the detail: {price:<variant>:<type>: [before, after]}
--   errors           db/unsuitable, see assert_own_table
create function catalog.plan_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[],
  p_price_factor numeric
) returns table (
  seq integer, external_id text, verdict text, held boolean, kind text, detail jsonb, title text,
  currencies jsonb
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  perform catalog.assert_own_table('planned_products');
  perform catalog.judge_batch(p_source, coalesce(p_artifact_run, catalog.max_id()), p_part,
    p_seen_later, p_volatile, p_price_factor);
  perform catalog.revise_verdicts();
  perform catalog.plan_products(p_source);
  perform catalog.plan_prices(p_source);
  return query
    select j.seq, j.external_id, j.verdict, j.held, c.kind, c.detail, s.title, (
        select jsonb_object_agg(format('price:%s:%s', q.variant_external_id, q.price_type),
          jsonb_build_array(q.last_good_currency, q.currency))
        from pg_temp.price_verdicts q where q.line_no = c.line_no and q.state <> 'kept')
    from pg_temp.verdicts j
    left join catalog.list_staged_changes(p_source) c on c.line_no = j.line_no
    left join pg_temp.staged_products s on s.line_no = c.line_no
    order by j.line_no;
end $$;

-- load_planned_price_facts(source) → {newPrices, heldPrices, gated, waiting, waitingProducts, moved, ratio},
-- as load_price_facts for a run. Pending prices of earlier runs that the plan does not replace count too.
--   newPrices   prices that would become current; heldPrices: prices that would be held
create function catalog.load_planned_price_facts(p_source integer) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('newPrices', count(*) filter (where state = 'current'),
      'heldPrices', count(*) filter (where state = 'held'),
      'gated', count(*) filter (where state = 'held' and last_good is not null))
    from pg_temp.planned_prices
  ) || (
    select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct product_external_id),
      'moved', count(*) filter (where moves),
      'ratio', percentile_cont(0.5) within group (order by amount_minor::numeric / last_good)
        filter (where moves))
    from (
      select product_external_id, amount_minor, last_good, amount_minor > 0 and last_good > 0 as moves
      from pg_temp.planned_prices where state = 'pending'
      union all
      select product_external_id, n.amount_minor, c.amount_minor, n.amount_minor > 0 and c.amount_minor > 0
      from catalog.prices n
      join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
      where n.source_id = p_source and n.state = 'pending' and c.state = 'current' and n.currency = c.currency
        and not exists (
          select from pg_temp.planned_prices w
          where (w.product_external_id, w.variant_external_id, w.price_type)
            = (n.product_external_id, n.variant_external_id, n.price_type))
    ) waiting
  );
end $$;

-- count_planned_withdrawals(source) → products that would have no price left after the plan.
--   A product loses a price by a pending withdrawal, of the plan or of an earlier run. It keeps one if the
--   plan states a price, or if a current or pending price remains that neither the plan nor an earlier
--   pending price replaces.
create function catalog.count_planned_withdrawals(p_source integer) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select count(*) from (
      select product_external_id from pg_temp.planned_prices where state = 'pending' and amount_minor is null
      union
      select product_external_id from catalog.prices n
      where n.source_id = p_source and n.state = 'pending' and n.amount_minor is null
    ) losing
    where not exists (
      select from pg_temp.planned_prices w
      where w.product_external_id = losing.product_external_id and w.amount_minor is not null
        and w.state in ('pending', 'current')
    ) and not exists (
      select from catalog.prices c
      where c.source_id = p_source and c.product_external_id = losing.product_external_id
        and c.amount_minor is not null and c.state in ('current', 'pending')
        and not exists (
          select from pg_temp.planned_prices w
          where (w.product_external_id, w.variant_external_id, w.price_type)
              = (c.product_external_id, c.variant_external_id, c.price_type)
            and (w.state = 'pending' or w.state = 'superseded' and c.state = 'pending'))
        and not (c.state = 'current' and exists (
          select from catalog.prices n
          where n.source_id = p_source and n.product_external_id = c.product_external_id
            and n.variant_external_id = c.variant_external_id and n.price_type = c.price_type
            and n.state = 'pending' and not exists (
              select from pg_temp.planned_prices w
              where (w.product_external_id, w.variant_external_id, w.price_type)
                = (n.product_external_id, n.variant_external_id, n.price_type))))
    )
  );
end $$;

-- plan_run(source, facts, seen, policy) → (reasons, whole, removals_off, diff): the gate's verdict on the run
-- that was planned in this session.
--   p_facts     as load_run_facts, and {since, startedAt, watermark} of the run
--   reasons     why the run would be held, see list_hold_reasons
--   whole       see proves_missing
--   removals_off   see explain_removals_off and explain_lost_removals
--   diff        what approving it would change if it were held: {removals, prices, price_products,
--               held_prices, watermark}, as summarize_run_diff
--   errors      db/unsuitable, see assert_own_table
create function catalog.plan_run(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb)
returns table (reasons text[], whole boolean, removals_off text, diff jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  facts jsonb := p_facts;
begin
  perform catalog.assert_own_table('planned_products');
  facts := facts || catalog.load_planned_price_facts(p_source) || jsonb_build_object(
    'newProducts', (select count(*) from pg_temp.planned_products where appears),
    'withdrawn', catalog.count_planned_withdrawals(p_source));
  facts := facts || catalog.count_missing(p_source, facts, p_seen);
  return query select catalog.list_hold_reasons(p_source, facts, p_seen, p_policy),
    catalog.proves_missing(p_facts),
    coalesce(catalog.explain_removals_off(p_facts),
      catalog.explain_lost_removals(p_source, p_facts ->> 'kind', catalog.max_id())),
    jsonb_build_object('removals', facts -> 'missing', 'prices', facts -> 'waiting',
      'price_products', facts -> 'waitingProducts', 'held_prices', facts -> 'heldPrices',
      'watermark', catalog.next_watermark(facts ->> 'kind', (facts ->> 'since')::timestamptz, s.watermark,
        (facts ->> 'watermark')::timestamptz, (facts ->> 'startedAt')::timestamptz))
    from catalog.sources s where s.id = p_source;
end $$;

-- list_missing(source, seen) → the products that a complete run which saw `p_seen` would miss, by id.
--   missed_before   the run would remove it
--   price           its first current price: {amountMinor, currency}; null without one
create function catalog.list_missing(p_source integer, p_seen bytea)
returns table (external_id text, title text, missed_before boolean, price jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.external_id, case when p.expires_at <= now() then null else p.title end, exists (
    select from catalog.misses m where m.source_id = p_source and m.external_id = p.external_id), (
    select jsonb_build_object('amountMinor', c.amount_minor, 'currency', c.currency) from catalog.prices c
    where c.source_id = p_source and c.product_external_id = p.external_id and c.state = 'current'
      and (c.expires_at is null or c.expires_at > now()) and (p.expires_at is null or p.expires_at > now())
    order by c.variant_external_id, c.price_type limit 1)
  from catalog.products p
  where p.source_id = p_source and p.status <> 'removed'
    and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
  order by p.external_id
$$;

-- 20261122000051_source_times.sql

-- Generated from supabase/schemas/51_source_times.sql until the first release: do not edit.

-- Source times, ends of a licence and their records, renewed in rows of unchanged products by `apply_batch`.

-- update_source_times(source, artifact_run, part, seen_later): for unchanged products, stores what later
-- records are compared with.
--   same artifact    the place of a better record that is equal to the one in the row
--   newer artifact   a source time that is stated or omitted for the first time; a new end of the licence,
--                    with its record. Where content expires, also the time of the request
create function catalog.update_source_times(p_source integer, p_artifact_run bigint, p_part integer,
  p_seen_later bytea) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
  expires boolean := catalog.expires_after(p_source) is not null;
begin
  update catalog.products p
    set source_updated_at = s.source_updated_at, record_hash = s.record_hash,
        expires_at = s.expires_at,
        refreshed_at = case when expires or p.expires_at is distinct from s.expires_at then requested
          else p.refreshed_at end,
        raw = case when expires or p.expires_at is distinct from s.expires_at then s.raw else p.raw end,
        run_id = case when expires or p.expires_at is distinct from s.expires_at then p_artifact_run
          else p.run_id end,
        part_no = case when p.run_id = p_artifact_run or expires or p.expires_at is distinct from s.expires_at
          then p_part else p.part_no end,
        line_no = case when p.run_id = p_artifact_run or expires or p.expires_at is distinct from s.expires_at
          then s.line_no else p.line_no end
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'unchanged' and p.source_id = p_source and p.external_id = j.external_id
      and case when p.run_id = p_artifact_run
        then (p.source_updated_at, p.part_no, p.line_no)
          is distinct from (s.source_updated_at, p_part, s.line_no)
        else not j.is_older and (expires or p.expires_at is distinct from s.expires_at
            or (p.source_updated_at is null) <> (s.source_updated_at is null))
          and not (p_seen_later is not null and p.seq < 8 * length(p_seen_later)
            and get_bit(p_seen_later, p.seq) = 1)
        end;
end $$;

-- 20261122000052_imports.sql

-- Generated from supabase/schemas/52_imports.sql until the first release: do not edit.

-- Imports: keyed runs that a person requested, with the option `import`. Each has a result for every product
-- that was named.

-- is_refusal(status, title, brand, url) → whether the supplier says that it has no such product: a record
-- that is unavailable and says nothing else.
create function catalog.is_refusal(p_status text, p_title text, p_brand text, p_url text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_status = 'unavailable' and coalesce(p_title, p_brand, p_url) is null
$$;

-- record_refusals(source, run): a keyed run keeps the reason of each refusal in the batch, because a product
-- that the catalogue does not have gets no row for it.
create function catalog.record_refusals(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.runs r set refusals = r.refusals || f.refusals
    from (
      select jsonb_object_agg(s.external_id, coalesce(s.warnings ->> 0, 'The supplier has no such product'))
        as refusals
      from pg_temp.staged_products s
      where catalog.is_refusal(s.status, s.title, s.brand, s.url)
        and exists (
          select from catalog.runs k where k.source_id = p_source and k.id = p_run and k.keys is not null)
    ) f
    where r.source_id = p_source and r.id = p_run and f.refusals is not null
      and not r.refusals @> f.refusals;
end $$;

-- import_fields() → the fields of a result, in their order: IMPORT_FIELDS of src/core/import-result.ts.
create function catalog.import_fields() returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array['title', 'description', 'brand', 'manufacturer', 'images', 'detail_page_url', 'current_price',
    'original_price', 'savings_amount', 'savings_percentage', 'currency', 'availability_type',
    'availability_message', 'customer_review_count', 'star_rating']
$$;

-- list_imported_fields(product) → the fields with a value, as `listImportedFields` finds them in a draft. The
-- price is the current one of the first variant that has one.
create function catalog.list_imported_fields(p_product catalog.products) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  with priced as (
    select c.currency, c.compare_at_minor
    from catalog.variants v
    join catalog.prices c on c.source_id = v.source_id and c.product_external_id = v.product_external_id
      and c.variant_external_id = v.external_id
    where v.source_id = p_product.source_id and v.product_external_id = p_product.external_id
      and v.removed_at is null and c.state = 'current' and c.amount_minor is not null
    order by v.position, c.price_type limit 1
  ), first_variant as (
    select v.availability from catalog.variants v
    where v.source_id = p_product.source_id and v.product_external_id = p_product.external_id
      and v.removed_at is null
    order by v.position limit 1
  ), saving as (
    select coalesce((select compare_at_minor is not null from priced), false) as has
  )
  select array(
    select f.name
    from unnest(catalog.import_fields(), array[
      p_product.title is not null, p_product.description is not null, p_product.brand is not null,
      p_product.manufacturer is not null,
      exists (
        select from catalog.images i
        where i.source_id = p_product.source_id and i.product_external_id = p_product.external_id),
      p_product.url is not null, exists (select from priced), s.has, s.has, s.has,
      exists (select from priced),
      coalesce(p_product.attributes ->> 'availability_type',
        (select availability from first_variant)) is not null,
      p_product.attributes ->> 'availability_message' is not null,
      p_product.attributes ->> 'customer_review_count' is not null,
      p_product.attributes ->> 'star_rating' is not null
    ]) with ordinality f (name, has, n)
    where f.has order by f.n)
  from saving s
$$;

-- find_import_error(run, key, was_seen) → {code, message} of a product that was not imported, or null. The
-- last warning of the fetch explains a product that did not arrive, as when its batch has failed.
create function catalog.find_import_error(p_run catalog.runs, p_key text, p_was_seen boolean) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_run.refusals ? p_key
      then jsonb_build_object('code', 'source/no-product', 'message', p_run.refusals ->> p_key)
    when q.rule is not null then jsonb_build_object('code', q.rule, 'message', q.message)
    when p_was_seen then null
    when p_run.state in ('running', 'succeeded', 'held') then jsonb_build_object(
      'code', coalesce(a.error_code,
        case when a.warnings = '[]' then 'source/no-product' else 'source/unavailable' end),
      'message', coalesce(a.warnings ->> -1, 'The supplier has sent neither the product nor a reason'))
    else jsonb_build_object('code', p_run.error_code,
      'message', coalesce(p_run.reason, format('Run %s is %s', p_run.id, p_run.state)))
  end
  from (values (1)) one
  left join catalog.artifacts a on a.source_id = p_run.source_id and a.run_id = p_run.artifact_run
  left join lateral (
    select rule, message from catalog.quarantine
    where source_id = p_run.source_id and artifact_run = p_run.artifact_run and external_id = p_key
      and state = 'open'
    order by id desc limit 1
  ) q on true
$$;

-- list_import_results(run, seen) → one object for each product that the run names, in the order of their ids:
-- `ImportResult` of src/core/import-result.ts.
--   p_seen      bitmap of the products that the run saw; null: those that it has changed so far
create function catalog.list_import_results(p_run catalog.runs, p_seen bytea) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'productId', case when (p).external_id is not null
        then md5(p_run.source_id::text || ' ' || k.key)::uuid end,
      'externalId', k.key,
      'asin', case when s.marketplace is not null then k.key end,
      'marketplace', s.marketplace,
      'state', case when e.error is not null then 'failed' else coalesce(c.state, 'unchanged') end,
      'imported', to_jsonb(f.imported),
      'missing', case when e.error is not null then '[]'
        else to_jsonb(array(
          select m.name from unnest(catalog.import_fields()) with ordinality m (name, n)
          where m.name <> all (f.imported) order by m.n)) end)
    || case when e.error is null then '{}' else jsonb_build_object('error', e.error) end order by k.n), '[]')
  from unnest(p_run.keys) with ordinality k (key, n)
  cross join (
    select marketplace from catalog.sources where id = p_run.source_id
  ) s
  left join lateral (
    select w from catalog.products w where w.source_id = p_run.source_id and w.external_id = k.key
  ) product (p) on true
  left join lateral (
    select case kind when 'created' then 'created' else 'updated' end as state from catalog.changes
    where source_id = p_run.source_id and run_id = p_run.id and product_external_id = k.key
      and review_id = 0
  ) c on true
  cross join lateral (
    select catalog.find_import_error(p_run, k.key, (p).external_id is not null and (c.state is not null
      or p_seen is not null and (p).seq < 8 * length(p_seen) and get_bit(p_seen, (p).seq) = 1)) as error
  ) e
  cross join lateral (
    select case when e.error is null then catalog.list_imported_fields(p) else '{}' end as imported
  ) f
$$;

-- load_import_results(run) → the results of an import that has ended; an empty list for any other run.
-- Their messages expire with the content of the source.
create function catalog.load_import_results(p_run catalog.runs) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  results jsonb;
begin
  if not p_run.options ? 'import' or p_run.state in ('running', 'fetched') then
    return '[]';
  end if;
  results := coalesce(p_run.imports, catalog.list_import_results(p_run, null));
  if p_run.finished_at + catalog.expires_after(p_run.source_id) <= now() then
    return catalog.hide_messages(results);
  end if;
  return results;
end $$;

-- list_imported_products(source, products) → what a card of each of these products shows; expired ones are
-- left out.
create function catalog.list_imported_products(p_source integer, p_products text[]) returns table (
  product text, title text, url text, availability text, amount_minor bigint, currency text,
  compare_at_minor bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.external_id, p.title, p.url,
    coalesce(p.attributes ->> 'availability_message', v.availability), v.amount_minor, v.currency,
    v.compare_at_minor
  from catalog.products p
  left join lateral (
    select v.availability, c.amount_minor, c.currency, c.compare_at_minor
    from catalog.variants v
    left join catalog.prices c on c.source_id = v.source_id and c.product_external_id = v.product_external_id
      and c.variant_external_id = v.external_id and c.state = 'current' and c.amount_minor is not null
      and (c.expires_at is null or c.expires_at > now())
    where v.source_id = p_source and v.product_external_id = p.external_id and v.removed_at is null
    order by c.amount_minor is null, v.position, c.price_type limit 1
  ) v on true
  where p.source_id = p_source and p.external_id = any (p_products)
    and (p.expires_at is null or p.expires_at > now())
  order by p.external_id
$$;

-- 20261122000053_licences.sql

-- Generated from supabase/schemas/53_licences.sql until the first release: do not edit.

-- Licences that end: content of a source whose policy has `expiresAfterHours` may be shown and kept for that
-- time after its request. Each row states its end in `expires_at`; from then on views and functions hide its
-- content at once, and purge_expired removes it.

-- expires_after(source) → how long content of the source may be kept; null: without an end.
create function catalog.expires_after(p_source integer) returns interval
language sql stable set search_path = pg_catalog, pg_temp as $$
  select make_interval(secs => 3600 * (policy ->> 'expiresAfterHours')::double precision)
  from catalog.sources where id = p_source
$$;

-- end_licence(source, artifact_run, part) → the end of what the part contains, or the artifact's first part;
-- null: without an end. Counted from the request, because the supplier may have read a record at any time
-- from then on.
create function catalog.end_licence(p_source integer, p_artifact_run bigint, p_part integer)
returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(catalog.load_requested_at(p_source, p_artifact_run, p_part), now())
    + catalog.expires_after(p_source)
$$;

-- keeps_price_history(source) → whether earlier prices may be kept.
create function catalog.keeps_price_history(p_source integer) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select policy -> 'keepPriceHistory' is distinct from 'false' from catalog.sources where id = p_source
$$;

-- find_product_end(source, product) → the end of the licence of the product; null: without an end.
create function catalog.find_product_end(p_source integer, p_product text) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select expires_at from catalog.products where source_id = p_source and external_id = p_product
$$;

-- has_ends(source) → whether the licence of a product of the source has an end: by its policy, by an earlier
-- policy, or because the record states one. Reads an index in which other products are not.
create function catalog.has_ends(p_source integer) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from catalog.products where source_id = p_source and expires_at is not null)
$$;

-- is_shown(source, product) → whether the licence of the product has not ended; true for an unknown one.
create function catalog.is_shown(p_source integer, p_product text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.find_product_end(p_source, p_product) <= now() is not true
$$;

-- renews_end(old, new) → whether the end differs and does not come earlier.
create function catalog.renews_end(p_old timestamptz, p_new timestamptz) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_old is distinct from p_new and not coalesce(p_new < p_old, false)
$$;

-- limit_licences(source, artifact_run, part): no staged record ends later than the policy of its source
-- allows. A record may state an earlier end.
create function catalog.limit_licences(p_source integer, p_artifact_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  ends timestamptz := catalog.end_licence(p_source, p_artifact_run, p_part);
begin
  if ends is not null then
    update pg_temp.staged_products set expires_at = ends where expires_at is null or expires_at > ends;
  end if;
end $$;

-- forget_expired_prices(source): in the verdicts on prices, the last good price of a product whose licence
-- has ended becomes unknown, so that no change and no review states it. It has been
-- compared.
create function catalog.forget_expired_prices(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not catalog.has_ends(p_source) then
    return;
  end if;
  update pg_temp.price_verdicts q set last_good = null
    from catalog.products p
    where p.source_id = p_source and p.external_id = q.external_id and p.expires_at <= now();
  update pg_temp.price_verdicts q set last_good = null
    from catalog.prices c
    where c.source_id = p_source and c.product_external_id = q.external_id
      and c.variant_external_id = q.variant_external_id and c.price_type = q.price_type
      and c.state = 'current' and c.expires_at <= now();
end $$;

-- limit_earlier_prices(source): before products are written. A current price that a record contradicts keeps
-- the end that it has now, because a refresh renews only what it states; one that is stated again has that of
-- its product.
create function catalog.limit_earlier_prices(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not catalog.has_ends(p_source) then
    return;
  end if;
  update catalog.prices c set expires_at = least(c.expires_at, p.expires_at)
    from pg_temp.price_verdicts q
    join catalog.products p on p.source_id = p_source and p.external_id = q.external_id
    where c.source_id = p_source and c.product_external_id = q.external_id
      and c.variant_external_id = q.variant_external_id and c.price_type = q.price_type
      and c.state = 'current' and q.state <> 'kept' and p.expires_at is not null;
  update catalog.prices c set expires_at = null
    from pg_temp.staged_prices n join pg_temp.verdicts j on j.line_no = n.line_no
    where j.verdict in ('updated', 'unchanged') and c.source_id = p_source
      and c.product_external_id = j.external_id and c.variant_external_id = n.variant_external_id
      and c.price_type = n.price_type and c.state = 'current' and c.expires_at is not null
      and (c.amount_minor, c.currency, c.compare_at_minor)
        is not distinct from (n.amount_minor, n.currency, n.compare_at_minor);
end $$;

-- limit_review() trigger: the end of a review is that of the content which it quotes: of a quarantined
-- record, or of its product and the price that the review compares.
create function catalog.limit_review() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  after constant interval := catalog.expires_after(new.source_id);
begin
  if new.kind <> 'run' then
    new.expires_at := least(now() + after, catalog.find_product_end(new.source_id, new.product_external_id), (
      select min(c.expires_at) from catalog.prices c
      where c.source_id = new.source_id and c.product_external_id = new.product_external_id
        and c.variant_external_id = new.variant_external_id and c.price_type = new.price_type
        and c.state = 'current' and c.expires_at > now()), (
      select q.expires_at from catalog.quarantine q
      where new.kind = 'record' and q.source_id = new.source_id
        and q.id = (new.detail ->> 'record')::bigint));
  end if;
  return new;
end $$;
create trigger limit_review before insert on catalog.reviews
  for each row execute function catalog.limit_review();

-- apply_licence(source, policy): applies a policy that is about to be saved to what the source has already.
--   expiresAfterHours   ends what it limits, counted from its request. A later end, or none, holds from the
--                       next run on
--   keepPriceHistory    false deletes all prices but the current ones and those that wait or were rejected
create function catalog.apply_licence(p_source integer, p_policy jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  after interval := make_interval(secs => 3600 * (p_policy ->> 'expiresAfterHours')::double precision);
  of_table text;
begin
  if p_policy -> 'keepPriceHistory' = 'false' then
    delete from catalog.prices where source_id = p_source and state in ('past', 'superseded');
  end if;
  if after is null or after is not distinct from catalog.expires_after(p_source) then
    return;
  end if;
  update catalog.products p
    set expires_at = least(p.expires_at, catalog.load_requested_at(p_source, p.run_id, p.part_no) + after)
    where p.source_id = p_source and p.purged_at is null;
  update catalog.quarantine q
    set expires_at = least(q.expires_at,
      catalog.load_requested_at(p_source, q.artifact_run, q.part_no) + after)
    where q.source_id = p_source;
  update catalog.changes c set expires_at = least(c.expires_at, c.changed_at + after)
    where c.source_id = p_source and c.kind <> 'loaded' and c.detail <> '{}';
  update catalog.enrichments e set expires_at = least(e.expires_at, e.accepted_at + after)
    where e.source_id = p_source;
  update catalog.reviews r set expires_at = least(r.expires_at, r.opened_at + after)
    where r.source_id = p_source and r.kind <> 'run';
  foreach of_table in array '{brands,organizations,categories}'::text[] loop
    execute format('update catalog.%I set expires_at = least(expires_at, now() + $2) where source_id = $1',
      of_table) using p_source, after;
  end loop;
end $$;

-- hide_detail(detail) → the detail of a change without its values, and without the names that the supplier
-- chose: a member that differs, and prices, weights and availabilities that do, each as an empty list.
create function catalog.hide_detail(p_detail jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(name, '[]'::jsonb), '{}') from jsonb_object_keys(p_detail) name
  where name in ('status', 'title', 'description', 'brand', 'manufacturer', 'url', 'successor')
    or name like any ('{price:%,weight:%,availability:%}')
$$;

-- show_detail(change) → its detail, see hide_detail once it has expired.
create function catalog.show_detail(p_change catalog.changes) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_change.expires_at <= now() then catalog.hide_detail(p_change.detail)
    else p_change.detail end
$$;

-- show_title(product) → its title; null once its licence has ended.
create function catalog.show_title(p_product catalog.products) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_product.expires_at <= now() then null else p_product.title end
$$;

-- hide_review(review) → the review without the content that it quotes.
create function catalog.hide_review(p_review catalog.reviews) returns catalog.reviews
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  p_review.detail := p_review.detail - '{from,to,claims,value,quotation}'::text[] || '{"expired": true}';
  p_review.reason := case p_review.kind when 'record' then 'the reason has expired with the record'
    else p_review.reason end;
  return p_review;
end $$;

-- show_review(review) → the review, see hide_review once it has expired.
create function catalog.show_review(p_review catalog.reviews) returns catalog.reviews
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_review.expires_at <= now() then catalog.hide_review(p_review) else p_review end
$$;

-- hide_record(record) → the quarantined record without its bytes and the message that may quote them.
create function catalog.hide_record(p_record catalog.quarantine) returns catalog.quarantine
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  p_record.raw := '';
  p_record.message := 'the record has expired, as the licence of its source requires';
  return p_record;
end $$;

-- show_record(record) → the quarantined record, see hide_record once it has expired.
create function catalog.show_record(p_record catalog.quarantine) returns catalog.quarantine
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_record.expires_at <= now() then catalog.hide_record(p_record) else p_record end
$$;

-- is_expired_artifact(artifact) → whether the first part of the artifact was requested so long ago that no
-- byte may be read. Its bytes are removed by the next purge.
create function catalog.is_expired_artifact(p_artifact catalog.artifacts) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Most sources have no end, and a list may have thousands of artifacts.
  select case when catalog.expires_after(p_artifact.source_id) is null then false
    else catalog.end_licence(p_artifact.source_id, p_artifact.run_id, null) <= now() end
$$;

-- show_part(part) → the part. The record of a call is in its key, which is empty once the record has expired.
create function catalog.show_part(p_part catalog.parts) returns catalog.parts
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if starts_with(p_part.key, 'data:')
     and p_part.requested_at + catalog.expires_after(p_part.source_id) <= now() then
    p_part.key := 'data:application/x-ndjson;base64,';
  end if;
  return p_part;
end $$;

-- show_artifact(artifact) → the artifact; `purged` and without warnings once it has expired.
create function catalog.show_artifact(p_artifact catalog.artifacts) returns catalog.artifacts
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if catalog.is_expired_artifact(p_artifact) then
    p_artifact.state := 'purged';
    p_artifact.warnings := '[]';
  end if;
  return p_artifact;
end $$;

-- hide_messages(imports) → results of an import without the messages of its errors, which may quote the
-- supplier.
create function catalog.hide_messages(p_imports jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_imports is not null then coalesce(
    jsonb_agg(case when result ? 'error'
      then jsonb_set(result, '{error,message}', '"The message has expired"') else result end order by n),
    '[]') end
  from jsonb_array_elements(p_imports) with ordinality results (result, n)
$$;

-- show_reason(run) → the reason of the run; null for the message of an error that is as old as the source may
-- keep content, because it may quote it.
create function catalog.show_reason(p_run catalog.runs) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when (p_run.error_code is not null or p_run.state in ('failed', 'interrupted'))
      and coalesce(p_run.finished_at, p_run.last_started_at) + catalog.expires_after(p_run.source_id) <= now()
    then null else p_run.reason end
$$;

-- 20261122000054_actions.sql

-- Generated from supabase/schemas/54_actions.sql until the first release: do not edit.

-- The action log: everything that a person changed, by whom and why.

-- Actions of people by a command, the API or the dashboard. The log outlives the sources that it names.
create table catalog.actions (
  id                  bigint generated always as identity primary key,
  at                  timestamptz not null default clock_timestamp(),
  actor               text not null,                 -- name at the sign-in; user@host of a command
  action              text not null check (action ~ '^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$'),  -- source.pause
  source_id           integer,                       -- no reference: the source may be removed
  source              text,                          -- its name at that time
  run_id              bigint,
  subject             text,                          -- such as the number of a review or the name of a host
  reason              text,                          -- as the person stated it
  -- Settings and counts; never a secret, and never content of a supplier, whose licence may end.
  detail              jsonb not null default '{}'
);
create index actions_source on catalog.actions (source_id, id) where source_id is not null;
create index actions_run on catalog.actions (run_id, id) where run_id is not null;
create index actions_actor on catalog.actions (actor, id);
create index actions_at on catalog.actions (at);
-- Every scrape of the metrics counts the actions of each kind.
create index actions_action on catalog.actions (action, id);

-- assert_person(name): a person does not decide under a name such as `rule 7` or `threshold`, which stands
-- for decisions without a person.
--   errors      usage/invalid
create function catalog.assert_person(p_name text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if p_name ~* '^\s*(rule\s*\d+|threshold)\s*$' then
    perform catalog.fail('usage/invalid', format(
      '"%s" stands for decisions without a person: decide under the name of a person', p_name));
  end if;
end $$;

-- record_action(actor, action, source, run, subject, detail, reason) → the number of the action.
--   source      name of a source; null: that of the run
--   atomic      part of the caller's transaction
--   errors      usage/invalid  no actor
create function catalog.record_action(
  p_actor text, p_action text, p_source text default null, p_run bigint default null,
  p_subject text default null, p_detail jsonb default '{}', p_reason text default null
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  recorded bigint;
begin
  if coalesce(trim(p_actor), '') = '' then
    perform catalog.fail('usage/invalid', 'An action needs the name of the person');
  end if;
  insert into catalog.actions (actor, action, source_id, source, run_id, subject, detail, reason)
    select left(p_actor, 200), p_action, s.id, coalesce(s.name, p_source), p_run, left(p_subject, 500),
      coalesce(p_detail, '{}'), nullif(left(trim(p_reason), 2000), '')
    from (values (1)) always
    left join catalog.sources s on case when p_source is null
      then s.id = (select r.source_id from catalog.runs r where r.id = p_run)
      else s.name = p_source end
    returning id into recorded;
  return recorded;
end $$;

-- list_actions(…) → actions before the number `p_after`, the newest first. Each filter may be null.
--   p_source    name of a source, also an earlier one or that of a removed source
--   p_actor     the whole name
--   p_action    an action such as `source.pause`, or the word before its dot
--   p_subject   the whole subject, such as `review 3`
create function catalog.list_actions(
  p_source text, p_run bigint, p_actor text, p_action text, p_since timestamptz, p_after bigint,
  p_limit integer, p_subject text default null
) returns table (
  id bigint, at timestamptz, actor text, action text, source text, run bigint, subject text, reason text,
  detail jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.id, a.at, a.actor, a.action, coalesce(s.name, a.source), a.run_id, a.subject, a.reason, a.detail
  from catalog.actions a left join catalog.sources s on s.id = a.source_id
  where a.id < coalesce(p_after, 9223372036854775807)
    and (p_source is null or a.source = p_source
      or a.source_id = (select o.id from catalog.sources o where o.name = p_source))
    and (p_run is null or a.run_id = p_run) and (p_actor is null or a.actor = p_actor)
    and (p_action is null or a.action = p_action or starts_with(a.action, p_action || '.'))
    and (p_since is null or a.at >= p_since) and (p_subject is null or a.subject = p_subject)
  order by a.id desc limit p_limit
$$;

-- record_decision(review, verb, by, reason, detail): the decision in the log of actions. The review keeps the
-- evidence, as long as its licence allows.
create function catalog.record_decision(
  p_review catalog.reviews, p_verb text, p_by text, p_reason text, p_detail jsonb
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select catalog.record_action(p_by, 'review.' || p_verb,
    (select s.name from catalog.sources s where s.id = p_review.source_id), p_review.run_id,
    'review ' || p_review.id, jsonb_build_object('kind', p_review.kind)
      || case when p_review.product_external_id is null then '{}'
        else jsonb_build_object('product', p_review.product_external_id) end || p_detail, p_reason)
$$;

-- 20261122000055_review_queue.sql

-- Generated from supabase/schemas/55_review_queue.sql until the first release: do not edit.

-- The queue of reviews: everything that waits for a person, with filters, and the evidence for each decision.

-- measure_price_change(review) → the change from the last good price to the held one in percent, such as 60
-- or -25; null without two prices that can be compared.
create function catalog.measure_price_change(p_review catalog.reviews) returns numeric
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_review.kind <> 'price' or p_review.expires_at <= now()
      or starts_with(p_review.reason, 'the currency changed') then null
    when (p_review.detail ->> 'from')::numeric > 0 then round(
      ((p_review.detail ->> 'to')::numeric / (p_review.detail ->> 'from')::numeric - 1) * 100, 1)
  end
$$;

-- names_product(review, text) → whether the id or the title of the review's product contains the text, in any
-- case. Titles whose licence has ended are not searched.
create function catalog.names_product(p_review catalog.reviews, p_text text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select position(lower(p_text) in lower(p_review.product_external_id)) > 0 or exists (
    select from catalog.products p
    where p.source_id = p_review.source_id and p.external_id = p_review.product_external_id
      and position(lower(p_text) in lower(catalog.show_title(p))) > 0)
$$;

-- match_reviews(filter, after, limit) → open reviews that match, the oldest first, opened after the review
-- `p_after`.
--   p_filter    {source, kind, run, text, openedBefore, openedSince, changeMin, changeMax, direction}, each
--               optional. Changes are in percent, up or down, unless the direction is `rise` or `fall`
--   p_limit     null: all
create function catalog.match_reviews(p_filter jsonb, p_after bigint, p_limit integer)
returns setof catalog.reviews
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  source text := p_filter ->> 'source';
  of_source integer := (select s.id from catalog.sources s where s.name = source);
  of_kind text := p_filter ->> 'kind';
  of_run bigint := p_filter ->> 'run';
  words text := p_filter ->> 'text';
  before timestamptz := p_filter ->> 'openedBefore';
  since timestamptz := p_filter ->> 'openedSince';
  change_min numeric := p_filter ->> 'changeMin';
  change_max numeric := p_filter ->> 'changeMax';
  direction text := p_filter ->> 'direction';
begin
  return query
    select v.* from catalog.reviews v
    where v.state = 'open' and v.id > coalesce(p_after, 0)
      and (source is null or v.source_id = of_source) and (of_kind is null or v.kind = of_kind)
      and (of_run is null or v.run_id = of_run)
      and (before is null or v.opened_at <= before) and (since is null or v.opened_at >= since)
      and (change_min is null or abs(catalog.measure_price_change(v)) >= change_min)
      and (change_max is null or abs(catalog.measure_price_change(v)) <= change_max)
      and (direction is null
        or sign(catalog.measure_price_change(v)) = case direction when 'rise' then 1 else -1 end)
      and (words is null or catalog.names_product(v, words))
    order by v.id limit p_limit;
end $$;

-- show_evidence(review) → what a decision relies on besides the review: {change, variant, sku, image,
-- history, record}; members that the kind does not have are null, and so is content whose licence has ended.
--   history     the newest published prices of the variant and type, the oldest first: {at, amountMinor,
--               currency}
--   image       address of the product's first image
--   record      the quarantined record: {part, line, artifactRun, rule, message, bytes, start}; `start` is
--               the beginning of its bytes in hex
create function catalog.show_evidence(p_review catalog.reviews) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'change', catalog.measure_price_change(p_review),
    'variant', v.title, 'sku', v.sku,
    'image', case when catalog.is_shown(p_review.source_id, p_review.product_external_id) then (
      select coalesce(i.cdn_url, i.url) from catalog.images i
      where i.source_id = p_review.source_id and i.product_external_id = p_review.product_external_id
      order by i.position limit 1) end,
    'history', case when p_review.price_type is not null
      and catalog.is_shown(p_review.source_id, p_review.product_external_id) then (
        select jsonb_agg(jsonb_build_object('at', h.observed_at, 'amountMinor', h.amount_minor,
          'currency', h.currency) order by h.observed_at, h.run_id)
        from (
          select p.* from catalog.prices p
          where p.source_id = p_review.source_id and p.product_external_id = p_review.product_external_id
            and p.variant_external_id = p_review.variant_external_id
            and p.price_type = p_review.price_type and p.state in ('current', 'past')
            and (p.expires_at is null or p.expires_at > now())
          order by p.observed_at desc, p.run_id desc limit 24
        ) h) end,
    'record', (
      select jsonb_build_object('part', q.part_no, 'line', q.line_no, 'artifactRun', q.artifact_run,
        'rule', q.rule, 'message', shown.message, 'bytes', q.byte_length,
        'start', encode(substring(shown.raw for 2048), 'hex'))
      from catalog.quarantine q cross join lateral catalog.show_record(q) shown
      where p_review.kind = 'record' and q.source_id = p_review.source_id
        and q.id = (p_review.detail ->> 'record')::bigint))
  from (values (1)) always
  left join catalog.variants v on v.source_id = p_review.source_id
    and v.product_external_id = p_review.product_external_id
    and v.external_id = p_review.variant_external_id
    and catalog.is_shown(p_review.source_id, p_review.product_external_id)
$$;

-- list_queue(filter, after, limit) → the columns of list_reviews, and the evidence of each review.
--   p_filter    see match_reviews
create function catalog.list_queue(p_filter jsonb, p_after bigint, p_limit integer) returns table (
  id bigint, source text, kind text, run bigint, product text, title text, variant text, price_type text,
  reason text, detail jsonb, state text, opened_at timestamptz, decided_at timestamptz, decided_by text,
  diff jsonb, evidence jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select v.id, s.name, v.kind, v.run_id, v.product_external_id, catalog.show_title(p), v.variant_external_id,
    v.price_type, shown.reason, shown.detail, v.state, v.opened_at, v.decided_at, v.decided_by,
    case when v.kind = 'run' then (select to_jsonb(d) from catalog.summarize_run_diff(v.run_id) d) end,
    catalog.show_evidence(v)
  from catalog.match_reviews(p_filter, p_after, p_limit) v
  join catalog.sources s on s.id = v.source_id
  cross join lateral catalog.show_review(v) shown
  left join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
  order by v.id
$$;

-- count_queue(filter) → open reviews that match, by source and kind.
create function catalog.count_queue(p_filter jsonb) returns table (source text, kind text, reviews bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, v.kind, count(*)
  from catalog.match_reviews(p_filter, null, null) v join catalog.sources s on s.id = v.source_id
  group by 1, 2 order by 1, 2
$$;

-- list_decidable(filter, limit) → the numbers of open reviews that match and can be decided together, the
-- oldest first: all kinds except runs, whose approval needs the version of a diff.
create function catalog.list_decidable(p_filter jsonb, p_limit integer) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select v.id from catalog.match_reviews(p_filter, null, null) v
  where v.kind <> 'run' order by v.id limit p_limit
$$;

-- load_evidence(review) → see show_evidence; null for an unknown review.
create function catalog.load_evidence(p_review bigint) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.show_evidence(v) from catalog.reviews v where v.id = p_review
$$;

-- 20261122000056_review_edits.sql

-- Generated from supabase/schemas/56_review_edits.sql until the first release: do not edit.

-- Edits: a person accepts a review with another value than the one that waits.

-- gate_edit(review, amount, currency, factor) → why the price would be held if the supplier stated it, see
-- gate_price; null if it would not.
create function catalog.gate_edit(
  p_review catalog.reviews, p_amount bigint, p_currency text, p_factor numeric
) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.gate_price(p_amount, p_currency, c.amount_minor, c.currency, s.settings ->> 'currency',
    p_factor)
  from catalog.sources s
  left join catalog.prices c on c.source_id = s.id and c.product_external_id = p_review.product_external_id
    and c.variant_external_id = p_review.variant_external_id and c.price_type = p_review.price_type
    and c.state = 'current'
  where s.id = p_review.source_id
$$;

-- to_stated(amount, currency, compare_at) → the price as `stated` of catalog.prices has it.
create function catalog.to_stated(p_amount bigint, p_currency text, p_compare_at bigint) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('amountMinor', p_amount, 'currency', p_currency, 'compareAtMinor', p_compare_at)
$$;

-- edit_price(review, amount, currency): the person's price becomes current and its change is published. The
-- held one is kept in `stated`: while the supplier states it, the person's stays, see judge_prices.
create function catalog.edit_price(p_review catalog.reviews, p_amount bigint, p_currency text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.publish_price(p_review, p_amount);
  perform catalog.end_current_price(p_review);
  insert into catalog.prices as p (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at)
    values (p_review.source_id, p_review.product_external_id, p_review.variant_external_id,
      p_review.price_type, p_review.run_id, p_amount, p_currency, 'current', p_review.opened_at)
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set stated = case when p.state = 'held'
            then catalog.to_stated(p.amount_minor, p.currency, p.compare_at_minor) end,
          amount_minor = excluded.amount_minor, currency = excluded.currency, compare_at_minor = null,
          state = 'current', expires_at = null;
end $$;

-- edit_proposal(review, value, by): the person's value becomes the enrichment of the field. It has the type
-- of the proposed one.
--   errors      usage/invalid
create function catalog.edit_proposal(p_review catalog.reviews, p_value jsonb, p_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  type text := jsonb_typeof(p_review.detail -> 'value');
begin
  if jsonb_typeof(p_value) is distinct from type or p_value in ('""', '[]', '{}') then
    perform catalog.fail('usage/invalid', format('The value of %s must be a JSON %s with content',
      p_review.detail ->> 'field', type));
  end if;
  perform catalog.publish_value(p_review, p_value);
  perform catalog.accept_value(p_review.source_id, p_review.product_external_id,
    p_review.detail ->> 'field', p_value, 'stated by a person', 1, 'person',
    decode(p_review.detail ->> 'contentHash', 'hex'), p_by);
end $$;

-- edit_review(review, value, by, reason, despite, factor): accepts an open price, disagreement or proposal
-- with the value of the person.
--   p_value     of a price or a disagreement {amountMinor, currency}; of a proposal the value
--   p_despite   accepts a price although a gate would hold it
--   p_factor    price factor in the policy of the source
--   ordering    locks the review before its price
--   errors      review/unknown, which names the person who has decided it · usage/invalid · see assert_person
create function catalog.edit_review(
  p_review bigint, p_value jsonb, p_by text, p_reason text, p_despite boolean, p_factor numeric
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews := catalog.lock_open_review(p_review);
  amount numeric;
  gate text;
begin
  perform catalog.assert_person(p_by);
  if review.kind not in ('price', 'disagreement', 'proposal') then
    perform catalog.fail('usage/invalid', format('Review %s has no value to edit', p_review));
  elsif review.kind = 'proposal' then
    perform catalog.edit_proposal(review, p_value, p_by);
  else
    amount := p_value ->> 'amountMinor';
    if amount is null or amount <> trunc(amount) or amount not between 0 and 9007199254740991
        or coalesce(p_value ->> 'currency', '') !~ '^[A-Z]{3}$' then
      perform catalog.fail('usage/invalid', 'A price is a whole number of minor units with a currency');
    end if;
    gate := catalog.gate_edit(review, amount::bigint, p_value ->> 'currency', p_factor);
    if gate is not null and not p_despite then
      perform catalog.fail('usage/invalid', format(
        'This price would be held too: %s. State that you accept it nevertheless, or another price', gate));
    end if;
    perform catalog.edit_price(review, amount::bigint, p_value ->> 'currency');
  end if;
  perform catalog.index_products(review.source_id, array[review.product_external_id]);
  update catalog.reviews
    set state = 'approved', decided_at = now(), decided_by = p_by,
        detail = detail || jsonb_build_object('edited', p_value)
    where source_id = review.source_id and id = p_review;
  perform catalog.record_decision(review, 'edit', p_by, p_reason, jsonb_build_object('value', p_value)
    || case when gate is null then '{}' else jsonb_build_object('despite', gate) end);
end $$;

-- 20261122000057_review_rules.sql

-- Generated from supabase/schemas/57_review_rules.sql until the first release: do not edit.

-- Rules of a source that decide about reviews when they are opened: always, or never. A rule is named as the
-- one who decided.

create table catalog.review_rules (
  source_id           integer not null references catalog.sources (id),
  id                  bigint generated always as identity,
  kind                text not null check (kind in ('price', 'disagreement', 'proposal', 'record')),
  decision            text not null check (decision in ('approve', 'reject')),
  -- Conditions. Of a held price: its change in percent is at most so high, it rises or falls, or it is zero.
  change_max          numeric check (change_max > 0),
  direction           text check (direction in ('rise', 'fall')),
  zero                boolean not null default false,
  field               text,                          -- of a proposal: attributes.process
  fault               text,                          -- of a record: the rule that it failed
  created_at          timestamptz not null default clock_timestamp(),
  created_by          text not null,
  removed_at          timestamptz,                   -- null: in force
  removed_by          text,
  primary key (source_id, id),
  check (case kind
    when 'price' then (zero or change_max is not null or direction is not null and decision = 'reject')
      and not (zero and (change_max is not null or direction is not null)) and field is null and fault is null
    when 'proposal' then field is not null and fault is null
    when 'record' then decision = 'reject' and fault is not null and field is null
    else decision = 'reject' and field is null and fault is null end),
  check (kind = 'price' or change_max is null and direction is null and not zero)
);

-- matches_rule(rule, review) → whether the rule decides about the review.
create function catalog.matches_rule(p_rule catalog.review_rules, p_review catalog.reviews) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p_rule.source_id = p_review.source_id and p_rule.kind = p_review.kind and coalesce(case p_rule.kind
    when 'price' then case
      when p_rule.zero then (p_review.detail ->> 'to')::numeric = 0
      else (p_review.detail ->> 'to')::numeric > 0
        and abs(catalog.measure_price_change(p_review)) <= coalesce(p_rule.change_max, 'infinity')
        and (p_rule.direction is null or sign(catalog.measure_price_change(p_review))
          = case p_rule.direction when 'rise' then 1 else -1 end) end
    when 'proposal' then p_review.detail ->> 'field' = p_rule.field
    when 'record' then p_review.detail ->> 'rule' = p_rule.fault
    else true end, false)
$$;

-- release_price(review): a held price waits for the end of its run like any other, and the change of the run
-- states it without the reason. For rules, which decide while the run is being applied.
create function catalog.release_price(p_review catalog.reviews) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.prices set state = 'pending'
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and run_id = p_review.run_id and state = 'held';
  update catalog.changes c set detail = jsonb_set(c.detail, array[m.name], (c.detail -> m.name) - 2)
    from (
      select format('price:%s:%s', p_review.variant_external_id, p_review.price_type) as name
    ) m
    where c.source_id = p_review.source_id and c.run_id = p_review.run_id
      and c.product_external_id = p_review.product_external_id and c.position is null
      and c.detail ? m.name
$$;

-- decide_by_rule(review, rule): the decision of the rule, recorded with its number. An approved price is
-- published with its run, and only if that is.
create function catalog.decide_by_rule(p_review catalog.reviews, p_rule catalog.review_rules) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  decider constant text := 'rule ' || p_rule.id;
  approves constant boolean := p_rule.decision = 'approve';
begin
  if p_review.kind = 'price' and approves then
    perform catalog.release_price(p_review);
  elsif p_review.kind = 'price' then
    perform catalog.decide_price(p_review, false);
  elsif p_review.kind = 'proposal' and approves then
    perform catalog.accept_proposal(p_review, decider);
    perform catalog.index_products(p_review.source_id, array[p_review.product_external_id]);
  elsif p_review.kind = 'record' then
    perform catalog.decide_record(p_review, false);
  end if;
  update catalog.reviews
    set state = case when approves then 'approved' else 'rejected' end, decided_at = now(),
        decided_by = decider
    where source_id = p_review.source_id and id = p_review.id;
  perform catalog.record_decision(p_review, p_rule.decision, decider, null,
    jsonb_build_object('rule', p_rule.id));
end $$;

-- apply_review_rules(): decides about the reviews that a statement has opened. Of several rules that match,
-- one that rejects comes first, then the oldest.
create function catalog.apply_review_rules() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
  rule catalog.review_rules;
begin
  if not exists (
      select from opened o join catalog.review_rules r on r.source_id = o.source_id
      where r.removed_at is null) then
    return null;
  end if;
  for review in
    select v.* from opened o join catalog.reviews v on v.source_id = o.source_id and v.id = o.id
    where v.state = 'open' order by v.id
  loop
    select r.* into rule from catalog.review_rules r
      where r.source_id = review.source_id and r.removed_at is null and catalog.matches_rule(r, review)
      order by r.decision = 'reject' desc, r.id limit 1;
    if found then
      perform catalog.decide_by_rule(review, rule);
    end if;
  end loop;
  return null;
end $$;
create trigger apply_review_rules after insert on catalog.reviews
  referencing new table as opened for each statement execute function catalog.apply_review_rules();

-- add_review_rule(source, rule, by, reason) → the number of the rule.
--   p_rule      {kind, decision, changeMax, direction, zero, field, fault}
--   errors      source/unknown · usage/invalid · see assert_person
create function catalog.add_review_rule(p_source text, p_rule jsonb, p_by text, p_reason text default null)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  added bigint;
begin
  perform catalog.assert_person(p_by);
  insert into catalog.review_rules (source_id, kind, decision, change_max, direction, zero, field, fault,
      created_by)
    select s.id, p_rule ->> 'kind', p_rule ->> 'decision', (p_rule ->> 'changeMax')::numeric,
      p_rule ->> 'direction', coalesce((p_rule ->> 'zero')::boolean, false), p_rule ->> 'field',
      p_rule ->> 'fault', p_by
    from catalog.sources s where s.name = p_source
    returning id into added;
  if added is null then
    perform catalog.fail('source/unknown', format('Source "%s" does not exist', p_source));
  end if;
  perform catalog.record_action(p_by, 'review-rule.add', p_source, null, 'rule ' || added, p_rule, p_reason);
  return added;
exception when check_violation or not_null_violation then
  perform catalog.fail('usage/invalid', 'The rule has no condition, or one that its kind does not have');
end $$;

-- remove_review_rule(rule, by, reason): ends the rule. Its decisions stay.
--   errors      usage/invalid  it is not in force · see assert_person
create function catalog.remove_review_rule(p_rule bigint, p_by text, p_reason text default null) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  removed catalog.review_rules;
begin
  perform catalog.assert_person(p_by);
  update catalog.review_rules r set removed_at = now(), removed_by = p_by
    where r.id = p_rule and r.removed_at is null returning * into removed;
  if removed.id is null then
    perform catalog.fail('usage/invalid', coalesce((
      select format('Rule %s has been removed by %s', r.id, r.removed_by)
      from catalog.review_rules r where r.id = p_rule), format('Rule %s does not exist', p_rule)));
  end if;
  perform catalog.record_action(p_by, 'review-rule.remove', (
      select s.name from catalog.sources s where s.id = removed.source_id), null, 'rule ' || p_rule, '{}',
    p_reason);
end $$;

-- list_review_rules(source) → the rules in force, by source and number: of one source, or of all with null.
--   decided     reviews that it has decided, the last one at `decided_at`
--   waiting     open reviews that match it: they were opened before it, and wait for a person
create function catalog.list_review_rules(p_source text) returns table (
  id bigint, source text, rule jsonb, created_at timestamptz, created_by text, decided bigint,
  decided_at timestamptz, waiting bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, s.name, jsonb_strip_nulls(jsonb_build_object('kind', r.kind, 'decision', r.decision,
      'changeMax', r.change_max, 'direction', r.direction, 'zero', r.zero, 'field', r.field,
      'fault', r.fault)),
    r.created_at, r.created_by, d.decided, d.decided_at, (
      select count(*) from catalog.reviews v
      where v.source_id = r.source_id and v.state = 'open' and catalog.matches_rule(r, v))
  from catalog.review_rules r
  join catalog.sources s on s.id = r.source_id
  cross join lateral (
    select count(*) as decided, max(v.decided_at) as decided_at from catalog.reviews v
    where v.source_id = r.source_id and v.decided_by = 'rule ' || r.id and v.decided_by like 'rule %'
  ) d
  where r.removed_at is null and (p_source is null or s.name = p_source)
  order by s.name, r.id
$$;

-- 20261122000058_webhooks.sql

-- Generated from supabase/schemas/58_webhooks.sql until the first release: do not edit.

-- The change feed and its deliveries. Consumers read the feed by position, or get each change by a webhook.
-- 87_feed.sql and 88_deliveries.sql work on these tables.

-- The state of the feed: one row, which is locked while positions are given.
create table catalog.feed (
  is_only          boolean primary key default true check (is_only),
  last_position    bigint not null default 0,  -- of the newest published change
  -- Changes up to this position were removed by their age: a cursor before it has expired.
  expired_position bigint not null default 0
);
insert into catalog.feed default values;

-- A receiver: an address that gets each change, or only the messages of rules. Secrets are in the environment
-- of the deliverer, never here: WEBHOOK_SECRET_<NAME>, and WEBHOOK_ADDRESS_<NAME> where the address is one.
create table catalog.webhooks (
  id            integer generated always as identity primary key,
  name          text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  format        text not null check (format in ('standard', 'slack')),
  url           text,                          -- null: the address is a secret of the environment
  -- False: only the messages of rules.
  gets_changes  boolean not null,
  sources       integer[],                     -- sources whose changes it gets; null: all
  kinds         text[],                        -- kinds of changes that it gets; null: all
  state         text not null default 'active' check (state in ('active', 'paused', 'disabled')),
  -- Why it is paused or disabled, as text.
  reason        text,
  -- Begins the ids of its messages, so that no other database gives the same ids.
  key           text not null default left(replace(gen_random_uuid()::text, '-', ''), 12),
  cursor        bigint not null,               -- position up to which its deliveries are in the table
  failures      integer not null default 0,    -- failed requests in a row
  failing_since timestamptz,                   -- time of the first of these
  paused_until  timestamptz,                   -- no request before
  delivered_at  timestamptz,                   -- of the last success
  last_error    text,                          -- of the last failure; null after a success
  created_at    timestamptz not null default now(),
  created_by    text not null,
  check ((failures = 0) = (failing_since is null))
);

-- One message to one receiver. It names its changes; their values are read when it is sent, so that expired
-- content is never kept here.
create table catalog.deliveries (
  id            bigint generated always as identity (sequence name catalog.deliveries_id_seq) unique,
  webhook_id    integer not null references catalog.webhooks (id),
  -- Position of the change, or of the last one of a digest. Negative: a test message.
  position      bigint not null,
  rule_id       bigint not null default 0,     -- the rule that fired; 0: the change itself
  source_id     integer not null,              -- of the change; 0 for a digest or a test message
  product       text collate "C" not null,     -- external id; empty for others than a change of a product
  -- All changes of a digest, the newest 20 at most. Null: only that of `position`.
  digest        bigint[],
  digest_count  integer,                       -- number of changes of a digest, with those left out
  state         text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead')),
  -- Next attempt; while a process sends it, when another one may. Null while it waits for an earlier
  -- change of its product, and once it is over.
  due_at        timestamptz,
  attempts      integer not null default 0,
  token         bigint not null default 0,     -- fencing token of the newest lease
  status        integer,                       -- HTTP status of the last response
  error         text,                          -- of the last attempt; null after a success
  created_at    timestamptz not null default clock_timestamp(),
  finished_at   timestamptz,
  primary key (webhook_id, position, rule_id)
);
create index deliveries_due on catalog.deliveries (webhook_id, due_at) where due_at is not null;
create index deliveries_waiting on catalog.deliveries (webhook_id, source_id, product, position, rule_id)
  where state = 'waiting';
create index deliveries_dead on catalog.deliveries (webhook_id, id) where state = 'dead';
create index deliveries_over on catalog.deliveries (finished_at) where state <> 'waiting';
create index deliveries_newest on catalog.deliveries (webhook_id, id);
create index deliveries_of_source on catalog.deliveries (source_id);

-- load_webhook(name) → the receiver.
--   errors      webhook/unknown
create function catalog.load_webhook(p_name text) returns catalog.webhooks
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  found_webhook catalog.webhooks;
begin
  select * into found_webhook from catalog.webhooks where name = p_name;
  if found_webhook.id is null then
    perform catalog.fail('webhook/unknown', format('The webhook "%s" does not exist', p_name));
  end if;
  return found_webhook;
end $$;

-- add_webhook(…): adds a receiver, which gets the changes after the position `p_after`.
--   p_url       null: the address is in the environment
--   p_sources, p_kinds   null: all
--   p_after     null: from now on
--   errors      webhook/exists · source/unknown · feed/cursor-expired
create function catalog.add_webhook(
  p_name text, p_format text, p_url text, p_gets_changes boolean, p_sources text[], p_kinds text[],
  p_after bigint, p_by text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  unknown text := (
    select n from unnest(p_sources) n where n not in (select name from catalog.sources) limit 1);
begin
  if exists (select from catalog.webhooks where name = p_name) then
    perform catalog.fail('webhook/exists', format('The webhook "%s" exists already', p_name));
  elsif unknown is not null then
    perform catalog.fail('source/unknown', format('The source "%s" does not exist', unknown));
  end if;
  perform catalog.assert_cursor(p_after);
  insert into catalog.webhooks (name, format, url, gets_changes, sources, kinds, cursor, created_by)
    select p_name, p_format, p_url, p_gets_changes, case when p_sources is not null then array(
        select id from catalog.sources where name = any (p_sources)) end, p_kinds,
      coalesce(p_after, f.last_position), p_by
    from catalog.feed f;
end $$;

-- pause_webhook(name, reason): sends nothing until resume_webhook. Changes wait in the feed.
--   errors      webhook/unknown
create function catalog.pause_webhook(p_name text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  update catalog.webhooks set state = 'paused', reason = p_reason where id = webhook.id;
end $$;

-- resume_webhook(name, skip): sends again, at once.
--   p_skip      continues with the next change of the feed; the changes since the pause are left out
--   errors      webhook/unknown · feed/cursor-expired
create function catalog.resume_webhook(p_name text, p_skip boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  if webhook.gets_changes and not p_skip then
    perform catalog.assert_cursor(webhook.cursor);
  end if;
  update catalog.webhooks
    set state = 'active', reason = null, failures = 0, failing_since = null, paused_until = null,
        cursor = case when p_skip then (select last_position from catalog.feed) else cursor end
    where id = webhook.id;
end $$;

-- remove_webhook(name): removes the receiver with its deliveries and its rules.
--   errors      webhook/unknown
create function catalog.remove_webhook(p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  perform pg_advisory_xact_lock(hashtext('catalog.deliveries'), webhook.id);
  delete from catalog.rules where webhook_id = webhook.id;
  delete from catalog.deliveries where webhook_id = webhook.id;
  delete from catalog.webhooks where id = webhook.id;
end $$;

-- forget_feed_source(source): removes the rules of a source that is about to be removed, and the source from
-- the filters of receivers. One that was limited to it is paused, because without a filter it would get all.
create function catalog.forget_feed_source(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from catalog.rules where source_id = p_source;
  update catalog.webhooks
    set sources = array_remove(sources, p_source),
        state = case when sources = array[p_source] then 'paused' else state end,
        reason = case when sources = array[p_source] then 'its only source was removed' else reason end
    where p_source = any (sources);
end $$;

-- queue_test(name) → the id of a delivery that sends a test message.
--   errors      webhook/unknown
create function catalog.queue_test(p_name text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
  queued bigint;
begin
  insert into catalog.deliveries (webhook_id, position, source_id, product, due_at)
    values (webhook.id, -nextval('catalog.deliveries_id_seq'), 0, '', clock_timestamp())
    returning id into queued;
  return queued;
end $$;

-- replay_deliveries(name, id, from, to, dead) → messages that are sent again, with the ids that they had.
--   p_id        one delivery; null: all in [from, to]. Those of changes that were removed from the table by
--               their age are added again
--   p_dead      only dead letters
--   errors      webhook/unknown · delivery/unknown · feed/cursor-expired · usage/invalid (more than 10,000
--               positions)
create function catalog.replay_deliveries(
  p_name text, p_id bigint, p_from bigint, p_to bigint, p_dead boolean
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
  until constant bigint := least(coalesce(p_to, p_from), webhook.cursor);
  sources integer[];
  products text[];
begin
  perform pg_advisory_xact_lock(hashtext('catalog.deliveries'), webhook.id);
  if p_id is null and not p_dead and webhook.gets_changes then
    perform catalog.assert_cursor(p_from - 1);
    if until - p_from >= 10000 then
      perform catalog.fail('usage/invalid', format('%s changes are too many to replay at once: name at most '
        '10,000, or read the feed by cursor', until - p_from + 1));
    end if;
    insert into catalog.deliveries (webhook_id, position, source_id, product, state)
      select webhook.id, c.position, c.source_id, c.product_external_id, 'delivered' from catalog.changes c
      where c.position between p_from and until
        and (webhook.sources is null or c.source_id = any (webhook.sources))
        and (webhook.kinds is null or c.kind = any (webhook.kinds))
      on conflict do nothing;
  end if;
  with again as (
    update catalog.deliveries d
      set state = 'waiting', due_at = null, attempts = 0, status = null, error = null, finished_at = null
      where d.webhook_id = webhook.id and d.state <> 'waiting' and (not p_dead or d.state = 'dead')
        and case when p_id is not null then d.id = p_id
          else d.position between coalesce(p_from, 0) and coalesce(p_to, catalog.max_id()) end
      returning d.source_id, d.product)
  select array_agg(source_id), array_agg(product) into sources, products from again;
  if p_id is not null and sources is null then
    perform catalog.fail('delivery/unknown', format(
      'The webhook "%s" has no delivery %s that is over', p_name, p_id));
  end if;
  perform catalog.release_heads(webhook.id, sources, products);
  return coalesce(cardinality(sources), 0);
end $$;

-- list_webhooks() → every receiver by name, with its messages by state.
--   retrying        waiting messages of which an attempt has failed
--   behind          positions of the feed that are not in its deliveries yet
--   oldest_seconds  age of its oldest waiting message or of the first change that is not in its deliveries;
--                   0 if none waits
create function catalog.list_webhooks() returns table (
  name text, format text, url text, gets_changes boolean, sources text[], kinds text[], state text,
  reason text, waiting bigint, retrying bigint, dead bigint, behind bigint, oldest_seconds double precision,
  rules bigint, failing_since timestamptz, paused_until timestamptz, delivered_at timestamptz,
  last_error text, created_by text, created_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select w.name, w.format, w.url, w.gets_changes, case when w.sources is not null then array(
      select s.name from catalog.sources s where s.id = any (w.sources) order by 1) end, w.kinds, w.state,
    w.reason, d.waiting, d.retrying, (
      select count(*) from catalog.deliveries x where x.webhook_id = w.id and x.state = 'dead'),
    case when w.gets_changes then f.last_position - w.cursor else 0 end,
    greatest(0, extract(epoch from clock_timestamp() - least(d.oldest, c.changed_at)))::double precision, (
      select count(*) from catalog.rules r where r.webhook_id = w.id), w.failing_since, w.paused_until,
    w.delivered_at, w.last_error, w.created_by, w.created_at
  from catalog.webhooks w
  cross join catalog.feed f
  cross join lateral (
    select count(*) as waiting, count(*) filter (where n.attempts > 0) as retrying,
      min(n.created_at) as oldest
    from catalog.deliveries n where n.webhook_id = w.id and n.state = 'waiting'
  ) d
  left join lateral (
    select n.changed_at from catalog.changes n
    where w.gets_changes and n.position > w.cursor order by n.position limit 1
  ) c on true
  order by w.name;
end $$;

-- list_deliveries(name, state, rule, before, limit) → messages of a receiver, the newest first, before the id
-- `p_before`. The state may be null; `retrying` names waiting ones of which an attempt has failed. `p_rule`
-- null: of changes and of all rules.
--   errors      webhook/unknown
create function catalog.list_deliveries(
  p_name text, p_state text, p_rule text, p_before bigint, p_limit integer
)
returns table (
  id bigint, place bigint, source text, product text, rule text, changes integer, state text,
  attempts integer, status integer, error text, due_at timestamptz, created_at timestamptz,
  finished_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  webhook catalog.webhooks := catalog.load_webhook(p_name);
begin
  return query select d.id, d.position, s.name, d.product::text, r.name, coalesce(d.digest_count, 1), d.state,
    d.attempts, d.status, d.error, d.due_at, d.created_at, d.finished_at
  from catalog.deliveries d
  left join catalog.sources s on s.id = d.source_id
  left join catalog.rules r on r.id = d.rule_id
  where d.webhook_id = webhook.id and d.id < coalesce(p_before, catalog.max_id())
    and case p_state when 'retrying' then d.state = 'waiting' and d.attempts > 0
      else p_state is null or d.state = p_state end
    and (p_rule is null or r.name = p_rule)
  order by d.id desc limit p_limit;
end $$;

-- 20261122000059_rules.sql

-- Generated from supabase/schemas/59_rules.sql until the first release: do not edit.

-- Rules on the change feed: each states an event and a scope, and names the receiver of its messages.
-- Each change of the feed is compared with them.

create table catalog.rules (
  id           bigint generated always as identity primary key,
  name         text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  event        text not null
               check (event in ('price-down', 'price-up', 'new-low', 'new-high', 'back-in-stock',
                                'out-of-stock', 'gone', 'new', 'returned')),
  -- Least difference in percent of the price before, for price-down and price-up.
  percent      numeric check (percent > 0),
  -- Least difference in minor units of `currency`, for price-down and price-up.
  amount_minor bigint check (amount_minor > 0),
  currency     text check (currency ~ '^[A-Z]{3}$'),
  source_id    integer references catalog.sources (id), -- null: every source
  product      text collate "C",               -- external id; null: every product
  words        text,                           -- in the title or the brand of the product; null: any
  -- Event `new`: whether a first load fires it, once for the whole load.
  first_load   boolean not null default false,
  webhook_id   integer not null references catalog.webhooks (id),
  state        text not null default 'off' check (state in ('on', 'off')),
  cursor       bigint not null default 0,      -- position up to which it has been evaluated while it was on
  fired        bigint not null default 0,      -- times, since it was added
  fired_at     timestamptz,                    -- last time
  created_at   timestamptz not null default now(),
  created_by   text not null,
  check (event in ('price-down', 'price-up') or percent is null and amount_minor is null),
  check ((amount_minor is null) = (currency is null)),
  check (first_load is false or event = 'new')
);
create index rules_on on catalog.rules (id) where state = 'on';
create index rules_webhook on catalog.rules (webhook_id);
create index rules_source on catalog.rules (source_id);

-- is_price_event(rule, before, after, low, high) → whether a price that changes from `before` to `after`
-- fires the rule. `low` and `high` are the bounds of the 30 days before; null: unknown.
create function catalog.is_price_event(
  p_rule catalog.rules, p_before bigint, p_after bigint, p_currency text, p_low bigint, p_high bigint
) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(case p_rule.event
    when 'price-down' then p_after < p_before
      and (p_rule.percent is null or 100 * (p_before - p_after)::numeric >= p_rule.percent * p_before)
      and (p_rule.amount_minor is null
        or p_currency = p_rule.currency and p_before - p_after >= p_rule.amount_minor)
    when 'price-up' then p_after > p_before
      and (p_rule.percent is null or 100 * (p_after - p_before)::numeric >= p_rule.percent * p_before)
      and (p_rule.amount_minor is null
        or p_currency = p_rule.currency and p_after - p_before >= p_rule.amount_minor)
    when 'new-low' then p_after < p_low
    when 'new-high' then p_after > p_high
  end, false)
$$;

-- find_price_bounds(change, variant, price_type, currency) → (low, high): the bounds of the published prices
-- of the 30 days before the change; null without an earlier price in this currency.
create function catalog.find_price_bounds(
  p_change catalog.changes, p_variant text, p_price_type text, p_currency text, out low bigint,
  out high bigint
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select min(p.amount_minor), max(p.amount_minor)
  from (
    select c.amount_minor, c.currency, c.run_id, c.observed_at,
      lead(c.observed_at) over (order by c.observed_at, c.run_id) as ended_at,
      max(c.observed_at) filter (where c.run_id = p_change.run_id) over () as own_at
    from catalog.prices c
    where c.source_id = p_change.source_id and c.product_external_id = p_change.product_external_id
      and c.variant_external_id = p_variant and c.price_type = p_price_type
      and c.state in ('current', 'past') and (c.expires_at is null or c.expires_at > now())
  ) p
  where p.run_id <> p_change.run_id and p.currency = p_currency
    and p.observed_at <= coalesce(p.own_at, p_change.changed_at)
    and (p.ended_at is null or p.ended_at > p_change.changed_at - interval '30 days')
$$;

-- find_price_event(rule, change, detail) → {variant, type, before, after, currency} of the first price whose
-- change fires the rule, in minor units; null without one. Prices in two currencies are not compared.
create function catalog.find_price_event(p_rule catalog.rules, p_change catalog.changes, p_detail jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
begin
  return (select jsonb_build_object('variant', m.variant, 'type', m.type, 'before', m.pair -> 0,
    'after', m.pair -> 1, 'currency', c.pair -> 1)
  from (
    select key, value as pair, split_part(key, ':', -1) as type,
      substr(key, 7, length(key) - 7 - length(split_part(key, ':', -1))) as variant
    from jsonb_each(p_detail)
    where key like 'price:%' and jsonb_array_length(value) = 2 and value ->> 0 is not null
      and value ->> 1 is not null
      -- Most prices are left out before their currencies are read.
      and (p_rule.event in ('new-low', 'new-high') or catalog.is_price_event(p_rule,
        (value ->> 0)::bigint, (value ->> 1)::bigint, p_rule.currency, null, null))
    offset 0
  ) m
  cross join lateral (
    select catalog.load_price_currencies(p_change.source_id, p_change.product_external_id, p_change.run_id,
      jsonb_build_object(m.key, m.pair)) -> m.key as pair
    offset 0
  ) c
  left join lateral (
    select b.* from (select where p_rule.event in ('new-low', 'new-high') offset 0) needed
    cross join lateral catalog.find_price_bounds(p_change, m.variant, m.type, c.pair ->> 1) b
  ) month on true
  where c.pair -> 0 = c.pair -> 1 and catalog.is_price_event(p_rule, (m.pair ->> 0)::bigint,
    (m.pair ->> 1)::bigint, c.pair ->> 1, month.low, month.high)
  order by m.key limit 1);
end $$;

-- find_stock_event(event, kind, detail) → {variant, before, after} of the first variant whose change fires
-- back-in-stock or out-of-stock; null without one. A product that its supplier makes unavailable is out of
-- stock as a whole, and its `variant` is null.
create function catalog.find_stock_event(p_event text, p_kind text, p_detail jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    case when (p_event, p_detail -> 'status' ->> 0, p_detail -> 'status' ->> 1)
        in (('back-in-stock', 'unavailable', 'active'), ('out-of-stock', 'active', 'unavailable'))
      then jsonb_build_object('variant', null, 'before', p_detail -> 'status' -> 0,
        'after', p_detail -> 'status' -> 1)
      when p_event = 'out-of-stock' and p_kind = 'unavailable'
        then '{"variant": null, "before": "active", "after": "unavailable"}' end, (
    select jsonb_build_object('variant', substring(key from 14), 'before', value -> 0, 'after', value -> 1)
    from jsonb_each(p_detail)
    where key like 'availability:%' and case p_event
      when 'back-in-stock' then value ->> 1 = 'in_stock'
        and value ->> 0 in ('out_of_stock', 'discontinued', 'preorder')
      else value ->> 0 = 'in_stock' and value ->> 1 in ('out_of_stock', 'discontinued') end
    order by key limit 1))
$$;

-- find_event(rule, change) → why the change fires the rule: see find_price_event and find_stock_event, and
-- {products} of a first load; null if it does not. Expired content fires nothing.
create function catalog.find_event(p_rule catalog.rules, p_change catalog.changes) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  detail jsonb := catalog.show_detail(p_change);
begin
  return case
    when p_rule.event in ('price-down', 'price-up', 'new-low', 'new-high')
      then catalog.find_price_event(p_rule, p_change, detail)
    when p_rule.event in ('back-in-stock', 'out-of-stock')
      then catalog.find_stock_event(p_rule.event, p_change.kind, detail)
    when p_rule.event = 'gone' and p_change.kind = 'removed'
      or p_rule.event = 'returned' and p_change.kind = 'returned'
      or p_rule.event = 'new' and p_change.kind = 'created' then '{}'::jsonb
    when p_rule.event = 'new' and p_change.kind = 'loaded' and p_rule.first_load then detail
  end;
end $$;

-- list_firings(rule, after, until, limit) → (change, event): the changes in (after, until] that fire the
-- rule, in their order. Trying a rule and executing it both use this function.
create function catalog.list_firings(p_rule catalog.rules, p_after bigint, p_until bigint, p_limit integer)
returns table (change catalog.changes, event jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  found_change catalog.changes;
  found_event jsonb;
  remaining integer := p_limit;
begin
  for found_change in
    select c.* from catalog.changes c
    where c.position > p_after and c.position <= p_until
      and (p_rule.source_id is null or c.source_id = p_rule.source_id)
      and (p_rule.product is null or c.product_external_id = p_rule.product)
      and c.kind = any (catalog.list_event_kinds(p_rule.event))
      -- Leaves out most changes without a call of find_event.
      and (p_rule.event not in ('price-down', 'price-up') or exists (
        select from jsonb_each(c.detail) d
        where d.key like 'price:%' and d.value ->> 0 is not null and d.value ->> 1 is not null
          and 100 * case p_rule.event when 'price-up' then 1 else -1 end
            * ((d.value ->> 1)::numeric - (d.value ->> 0)::numeric)
            >= coalesce(p_rule.percent, 0) * (d.value ->> 0)::numeric))
      and catalog.is_shown(c.source_id, c.product_external_id)
      and (p_rule.words is null or exists (
        select from catalog.products p
        where p.source_id = c.source_id and p.external_id = c.product_external_id
          and strpos(lower(concat_ws(' ', p.title, p.brand)), lower(p_rule.words)) > 0))
    order by c.position
  loop
    exit when remaining = 0;
    found_event := catalog.find_event(p_rule, found_change);
    if found_event is not null then
      remaining := remaining - 1;
      change := found_change;
      event := found_event;
      return next;
    end if;
  end loop;
end $$;

-- list_event_kinds(event) → the kinds of changes that can fire it.
create function catalog.list_event_kinds(p_event text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_event when 'gone' then '{removed}' when 'returned' then '{returned}'
    when 'new' then '{created,loaded}' else '{updated,repriced,unavailable,returned}' end::text[]
$$;

-- load_rule(name) → the rule.
--   errors      rule/unknown
create function catalog.load_rule(p_name text) returns catalog.rules
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  found_rule catalog.rules;
begin
  select * into found_rule from catalog.rules where name = p_name;
  if found_rule.id is null then
    perform catalog.fail('rule/unknown', format('The rule "%s" does not exist', p_name));
  end if;
  return found_rule;
end $$;

-- read_rule(rule) → the rule that a JSON object states: name, event, percent, amountMinor, currency, source,
-- product, words, firstLoad, webhook. It is not stored.
--   errors      source/unknown · webhook/unknown
create function catalog.read_rule(p_rule jsonb) returns catalog.rules
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  read catalog.rules;
begin
  read.name := p_rule ->> 'name';
  read.event := p_rule ->> 'event';
  read.percent := (p_rule ->> 'percent')::numeric;
  read.amount_minor := (p_rule ->> 'amountMinor')::bigint;
  read.currency := p_rule ->> 'currency';
  read.product := p_rule ->> 'product';
  read.words := p_rule ->> 'words';
  read.first_load := coalesce((p_rule ->> 'firstLoad')::boolean, false);
  if p_rule ->> 'source' is not null then
    select id into read.source_id from catalog.sources where name = p_rule ->> 'source';
    if read.source_id is null then
      perform catalog.fail('source/unknown', format('The source "%s" does not exist', p_rule ->> 'source'));
    end if;
  end if;
  if p_rule ->> 'webhook' is not null then
    read.webhook_id := (catalog.load_webhook(p_rule ->> 'webhook')).id;
  end if;
  return read;
end $$;

-- add_rule(rule, by): stores a rule, see read_rule. It is off.
--   errors      see read_rule · rule/exists
create function catalog.add_rule(p_rule jsonb, p_by text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  read catalog.rules := catalog.read_rule(p_rule);
begin
  if exists (select from catalog.rules where name = read.name) then
    perform catalog.fail('rule/exists', format('The rule "%s" exists already', read.name));
  end if;
  insert into catalog.rules (name, event, percent, amount_minor, currency, source_id, product, words,
      first_load, webhook_id, created_by)
    values (read.name, read.event, read.percent, read.amount_minor, read.currency, read.source_id,
      read.product, read.words, read.first_load, read.webhook_id, p_by);
end $$;

-- switch_rule(name, on): switches a rule on or off. Switched on, it fires for changes from now on.
--   errors      rule/unknown
create function catalog.switch_rule(p_name text, p_on boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules := catalog.load_rule(p_name);
begin
  update catalog.rules
    set state = case when p_on then 'on' else 'off' end, cursor = f.last_position
    from catalog.feed f
    where id = rule.id and state = case when p_on then 'off' else 'on' end;
end $$;

-- remove_rule(name)
--   errors      rule/unknown
create function catalog.remove_rule(p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules := catalog.load_rule(p_name);
begin
  delete from catalog.rules where id = rule.id;
end $$;

-- 20261122000060_views.sql

-- Generated from supabase/schemas/60_views.sql until the first release: do not edit.

-- Views for readers, in schema `api`. They run with the reader's own rights (security_invoker), so a reader
-- sees what `catalog.publish(role)` granted to its role, and nothing before that. Expired data is never
-- shown: each view leaves out the rows of a product that has expired, by an index that holds only the
-- products that can expire.
--
-- A product's uuid is the md5 of its key. The other views take it from the product by an outer join: a query
-- that does not select `product_id` never makes that join, and a query for one `product_id` begins at the
-- index of products.

create view api.products with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as id, s.name as source, p.external_id,
    p.status, p.title, p.description, p.brand, p.manufacturer, p.url, p.identifiers, p.attributes,
    p.successor, md5(coalesce(p.successor_source, p.source_id)::text || ' ' || p.successor)::uuid
      as successor_id, p.source_updated_at, p.first_seen_at, p.changed_at, p.last_available_at, p.expires_at,
    p.warnings, p.provenance
  from catalog.products p join catalog.sources s on s.id = p.source_id
  where p.expires_at is null or p.expires_at > now();

-- Values that a model proposed for fields that the supplier leaves empty, and a person or a threshold has
-- accepted. Stale: the product has changed since the model read it.
create view api.enrichments with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    e.product_external_id, e.field, e.value as llm_enrichment, e.confidence as llm_confidence, e.quotation,
    e.model, e.content_hash <> o.content_hash as is_stale, e.accepted_at
  from catalog.enrichments e join catalog.sources s on s.id = e.source_id
    join catalog.products o on o.source_id = e.source_id and o.external_id = e.product_external_id
  where (o.expires_at is null or o.expires_at > now())
    -- Of a stale value, the quotation is from an earlier record, whose licence may have ended.
    and (e.content_hash = o.content_hash or e.expires_at is null or e.expires_at > now());

create view api.variants with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    v.product_external_id, v.external_id, v.position, v.title, v.sku, v.gtin, v.options, v.weight_grams,
    v.pack_count, v.availability
  from catalog.variants v join catalog.sources s on s.id = v.source_id
    left join catalog.products o on o.source_id = v.source_id and o.external_id = v.product_external_id
  where v.removed_at is null
    and not exists (
      select from catalog.products e
      where e.source_id = v.source_id and e.external_id = v.product_external_id and e.expires_at <= now());

create view api.prices with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    p.product_external_id, p.variant_external_id, p.price_type, p.amount_minor, p.currency,
    p.compare_at_minor, p.observed_at
  from catalog.prices p join catalog.sources s on s.id = p.source_id
    left join catalog.products o on o.source_id = p.source_id and o.external_id = p.product_external_id
  where p.state = 'current' and p.amount_minor is not null and (p.expires_at is null or p.expires_at > now())
    and not exists (
      select from catalog.products e
      where e.source_id = p.source_id and e.external_id = p.product_external_id and e.expires_at <= now());

create view api.price_history with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    p.product_external_id, p.variant_external_id, p.price_type, p.amount_minor, p.currency,
    p.compare_at_minor, p.observed_at, p.state = 'current' as is_current, p.run_id as run
  from catalog.prices p join catalog.sources s on s.id = p.source_id
    left join catalog.products o on o.source_id = p.source_id and o.external_id = p.product_external_id
  where p.state in ('current', 'past') and (p.expires_at is null or p.expires_at > now())
    and not exists (
      select from catalog.products e
      where e.source_id = p.source_id and e.external_id = p.product_external_id and e.expires_at <= now());

-- A person's decisions on prices: on one price, or on the run that the price waited for. Private; `api` has
-- the same for readers.
create view catalog.price_decisions with (security_invoker = true) as
  select p.source_id, p.product_external_id, p.variant_external_id, p.price_type, p.run_id, r.id as review,
    r.kind as decided, r.state as decision, r.reason, r.decided_by, r.decided_at
  from catalog.prices p
  join catalog.reviews r on r.source_id = p.source_id and r.state in ('approved', 'rejected')
    and (r.kind = 'run' and r.run_id = p.settled_run
      or (r.kind = 'price' or r.kind = 'disagreement' and r.state = 'approved') and r.run_id = p.run_id
        and r.product_external_id = p.product_external_id
        and r.variant_external_id = p.variant_external_id and r.price_type = p.price_type);

-- The decisions on prices with the name of the person, by the key of api.price_history. `publish` never
-- grants it: the prices may be public, the names of the people are not.
create view api.price_decisions with (security_invoker = true) as
  select s.name as source, d.product_external_id, d.variant_external_id, d.price_type, d.run_id as run,
    p.amount_minor, p.currency, d.decided, d.decision, d.reason, d.decided_by, d.decided_at
  from catalog.price_decisions d
  join catalog.sources s on s.id = d.source_id
  join catalog.prices p using (source_id, product_external_id, variant_external_id, price_type, run_id)
  where (p.expires_at is null or p.expires_at > now()) and not exists (
    select from catalog.products e
    where e.source_id = d.source_id and e.external_id = d.product_external_id and e.expires_at <= now());

create view api.images with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    i.product_external_id, i.position, i.url, i.alt, i.cdn_url, encode(i.sha256, 'hex') as sha256, b.type,
    b.width, b.height
  from catalog.images i join catalog.sources s on s.id = i.source_id
    left join catalog.blobs b on b.sha256 = i.sha256
    left join catalog.products o on o.source_id = i.source_id and o.external_id = i.product_external_id
  where not exists (
    select from catalog.products e
    where e.source_id = i.source_id and e.external_id = i.product_external_id and e.expires_at <= now());

create view api.brands with (security_invoker = true) as
  select s.name as source, b.external_id, b.name, b.attributes
  from catalog.brands b join catalog.sources s on s.id = b.source_id
  where b.expires_at is null or b.expires_at > now();

create view api.organizations with (security_invoker = true) as
  select s.name as source, o.external_id, o.name, o.attributes
  from catalog.organizations o join catalog.sources s on s.id = o.source_id
  where o.expires_at is null or o.expires_at > now();

create view api.categories with (security_invoker = true) as
  select s.name as source, c.external_id, c.name, c.parent_external_id, c.attributes
  from catalog.categories c join catalog.sources s on s.id = c.source_id
  where c.expires_at is null or c.expires_at > now();

-- Published changes. Values whose licence has ended are left out: a member that changed is an empty list. A
-- reader that follows `position` and remembers the highest one it has read skips none.
create view api.changes with (security_invoker = true) as
  select c.position, s.name as source, c.kind,
    md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, c.product_external_id,
    case when c.expires_at is null or c.expires_at > now() then c.detail else (
      -- As catalog.hide_detail, which readers may not call.
      select coalesce(jsonb_object_agg(name, '[]'::jsonb), '{}') from jsonb_object_keys(c.detail) name
      where name in ('status', 'title', 'description', 'brand', 'manufacturer', 'url', 'successor')
        or name like any ('{price:%,weight:%,availability:%}')
    ) end as detail, c.changed_at
  from catalog.changes c join catalog.sources s on s.id = c.source_id
    left join catalog.products o on o.source_id = c.source_id and o.external_id = c.product_external_id
  where c.position is not null
    and not exists (
      select from catalog.products e
      where e.source_id = c.source_id and e.external_id = c.product_external_id and e.expires_at <= now());

-- MediPim's catalogue with MediPim's own terms: every status, and prices in cents as MediPim states them. The
-- raw record is in `medipim_products_raw`, because a role without the right to it could not `select *` here.
create view api.medipim_products with (security_invoker = true) as
  select p.external_id as id, p.title as name, public.amount_minor as price_cents,
    p.changed_at as updated_at, p.status, s.name as source,
    p.attributes ->> 'supplier_status' as supplier_status, p.successor as replacement,
    manufacturer.amount_minor as manufacturer_price_cents, pharmacist.amount_minor as pharmacist_price_cents,
    (p.attributes ->> 'vat_rate')::numeric as vat_rate, public.currency, p.identifiers -> 'ean' as ean,
    p.identifiers ->> 'ean_gtin8' as ean_gtin8, p.identifiers ->> 'ean_gtin12' as ean_gtin12,
    p.identifiers ->> 'ean_gtin13' as ean_gtin13, p.identifiers ->> 'ean_gtin14' as ean_gtin14,
    p.identifiers ->> 'artg_id' as artg_id, p.identifiers ->> 'pbs' as pbs, p.identifiers ->> 'fred' as fred,
    p.identifiers ->> 'z_code' as z_code, p.identifiers ->> 'snomed_mp' as snomed_mp,
    p.identifiers ->> 'snomed_mpp' as snomed_mpp, p.identifiers ->> 'snomed_mpuu' as snomed_mpuu,
    p.identifiers ->> 'snomed_tp' as snomed_tp, p.identifiers ->> 'snomed_tpp' as snomed_tpp,
    p.identifiers ->> 'snomed_tpuu' as snomed_tpuu, p.identifiers ->> 'snomed_ctpp' as snomed_ctpp,
    p.identifiers ->> 'hs_code' as hs_code, p.identifiers ->> 'cnk' as cnk,
    p.identifiers ->> 'acl13' as acl13, p.identifiers ->> 'cip13' as cip13, p.identifiers ->> 'pzn' as pzn,
    p.identifiers ->> 'supplier_reference' as supplier_reference, p.identifiers -> 'atc' as atc,
    p.identifiers ->> 'gs1_category' as gs1_category, p.brand, p.manufacturer as organization,
    p.source_updated_at
  from catalog.products p
  join catalog.sources s on s.id = p.source_id and s.connector = 'medipim'
  left join catalog.prices public
    on public.source_id = p.source_id and public.product_external_id = p.external_id
    and public.variant_external_id = p.external_id and public.price_type = 'public'
    and public.state = 'current' and (public.expires_at is null or public.expires_at > now())
  left join catalog.prices manufacturer
    on manufacturer.source_id = p.source_id and manufacturer.product_external_id = p.external_id
    and manufacturer.variant_external_id = p.external_id and manufacturer.price_type = 'manufacturer'
    and manufacturer.state = 'current'
    and (manufacturer.expires_at is null or manufacturer.expires_at > now())
  left join catalog.prices pharmacist
    on pharmacist.source_id = p.source_id and pharmacist.product_external_id = p.external_id
    and pharmacist.variant_external_id = p.external_id and pharmacist.price_type = 'pharmacist'
    and pharmacist.state = 'current' and (pharmacist.expires_at is null or pharmacist.expires_at > now())
  where p.expires_at is null or p.expires_at > now();

-- The same products with the record as MediPim sent it. `publish` never grants it.
create view api.medipim_products_raw with (security_invoker = true) as
  select p.external_id as id, p.title as name, c.amount_minor as price_cents, p.changed_at as updated_at,
    p.raw::jsonb as raw, s.name as source
  from catalog.products p
  join catalog.sources s on s.id = p.source_id and s.connector = 'medipim'
  left join catalog.prices c on c.source_id = p.source_id and c.product_external_id = p.external_id
    and c.variant_external_id = p.external_id and c.price_type = 'public' and c.state = 'current'
    and (c.expires_at is null or c.expires_at > now())
  where p.expires_at is null or p.expires_at > now();

-- 20261122000061_embeds.sql

-- Generated from supabase/schemas/61_embeds.sql until the first release: do not edit.

-- Relations between the views, which the Data API embeds:
-- `products?select=title,variants(sku,prices(amount_minor))`. PostgREST takes a function from a row of one
-- view to rows of another for a relation, to one row if it says `rows 1`:
-- https://docs.postgrest.org/en/stable/references/api/resource_embedding.html
--
-- The bodies are bound to the views when they are created, and the functions have no settings. Postgres
-- therefore inlines them into the query, where it can use indexes.

-- embed_view(name, from, to, rows, condition): creates the relation `p_name` from a row of the view
-- `p_from` to rows of the view `p_to`.
--   p_rows        estimate of the rows that it returns
--   p_condition   on `f`, a row of `p_to`, and `$1`, the row of `p_from`
create function catalog.embed_view(p_name text, p_from text, p_to text, p_rows integer, p_condition text)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('create function api.%I(api.%I) returns setof api.%I language sql stable rows %s
      begin atomic select f.* from api.%I f where %s; end',
    p_name, p_from, p_to, p_rows, p_to, p_condition);
end $$;

do $$
declare
  of_product constant text := 'f.source = $1.source and f.product_external_id = $1.external_id';
  of_variant constant text := 'f.source = $1.source and f.product_external_id = $1.product_external_id
    and f.variant_external_id = $1.external_id';
  its_product constant text := 'f.source = $1.source and f.external_id = $1.product_external_id';
  its_variant constant text := 'f.source = $1.source and f.product_external_id = $1.product_external_id
    and f.external_id = $1.variant_external_id';
  of_medipim constant text := 'f.source = $1.source and f.external_id = $1.id';
begin
  perform catalog.embed_view(name, from_view, to_view, row_estimate, condition) from (values
    ('variants',      'products',         'variants',       4, of_product),
    ('prices',        'products',         'prices',         8, of_product),
    ('price_history', 'products',         'price_history', 32, of_product),
    ('images',        'products',         'images',         4, of_product),
    ('changes',       'products',         'changes',       16, of_product),
    ('enrichments',   'products',         'enrichments',    4, of_product),
    ('prices',        'variants',         'prices',         4, of_variant),
    ('price_history', 'variants',         'price_history', 16, of_variant),
    ('product',       'variants',         'products',       1, its_product),
    ('product',       'prices',           'products',       1, its_product),
    ('product',       'price_history',    'products',       1, its_product),
    ('product',       'images',           'products',       1, its_product),
    ('product',       'changes',          'products',       1, its_product),
    ('product',       'medipim_products', 'products',       1, of_medipim),
    ('variant',       'prices',           'variants',       1, its_variant),
    ('variant',       'price_history',    'variants',       1, its_variant)
  ) as relation (name, from_view, to_view, row_estimate, condition);
end $$;

-- 20261122000062_coffees.sql

-- Generated from supabase/schemas/62_coffees.sql until the first release: do not edit.

-- Coffee, in the terms of catalogues of coffee: products whose texts the domain pack has read. An unknown
-- value is null. Goods that the pack has recognised as something else are left out; `is_coffee` is null if
-- the shop does not say what a product is. See docs/coffee.md.

create view api.coffees with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as id, s.name as source,
    p.external_id as platform_product_id, p.title as name,
    coalesce(p.attributes ->> 'handle', p.attributes ->> 'slug') as slug, p.brand as roaster_name,
    p.status, p.url as direct_buy_url, (p.attributes -> 'is_coffee')::boolean as is_coffee,
    p.attributes ->> 'kind' as kind,
    p.attributes ->> 'roast_level' as roast_level,
    p.provenance -> 'attributes.roast_level' ->> 'raw' as roast_level_raw,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'roast_styles')) as roast_styles,
    p.provenance -> 'attributes.roast_styles' ->> 'raw' as roast_style_raw,
    case jsonb_typeof(p.attributes -> 'process')
      when 'array' then (
        select string_agg(name, '_' order by place)
        from jsonb_array_elements_text(p.attributes -> 'process') with ordinality as t (name, place))
      else p.attributes ->> 'process' end as process,
    p.attributes ->> 'process_base' as process_base,
    p.provenance -> 'attributes.process' ->> 'raw' as process_raw,
    case jsonb_typeof(p.attributes -> 'species')
      when 'array' then 'blend'
      when 'object' then (
        select string_agg(key || '_' || value, '_' order by value::numeric desc, key)
        from jsonb_each_text(p.attributes -> 'species'))
      else p.attributes ->> 'species' end as bean_species,
    p.attributes -> 'species' as species,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'varieties')) as varieties,
    p.attributes ->> 'country' as country, p.attributes ->> 'region' as region,
    p.attributes ->> 'estate' as estate, (p.attributes -> 'altitude_min')::numeric as altitude_min,
    (p.attributes -> 'altitude_max')::numeric as altitude_max,
    round(((p.attributes -> 'altitude_min')::numeric + (p.attributes -> 'altitude_max')::numeric) / 2)
      as altitude,
    (p.attributes -> 'decaf')::boolean as decaf, p.attributes ->> 'decaf_method' as decaf_method,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'flavour_notes')) as flavors,
    p.provenance -> 'attributes.flavour_notes' as notes_raw,
    p.attributes ->> 'acidity' as acidity, p.attributes ->> 'body' as body,
    p.attributes ->> 'bitterness' as bitterness, p.attributes ->> 'sweetness' as sweetness,
    p.attributes ->> 'aftertaste' as aftertaste, p.attributes ->> 'clarity' as clarity,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'certifications'))
      as certifications,
    p.attributes ->> 'grade' as grade, (p.attributes -> 'score')::numeric as score,
    (p.attributes -> 'is_limited')::boolean as is_limited,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'clean_tags')) as tags,
    case jsonb_array_length(p.attributes -> 'grinds' -> v.external_id)
      when 1 then p.attributes -> 'grinds' -> v.external_id ->> 0 end as default_grind,
    v.sku as vendor_sku, p.attributes ->> 'description_md' as description_md,
    p.attributes ->> 'description_text' as description_cleaned,
    btrim(regexp_replace(p.title, '\s+', ' ', 'g')) as title_cleaned,
    encode(p.record_hash, 'hex') as raw_hash, encode(p.content_hash, 'hex') as content_hash, p.provenance,
    p.first_seen_at, p.changed_at
  from catalog.products p
  join catalog.sources s on s.id = p.source_id
  left join lateral (
    select w.external_id, w.sku from catalog.variants w
    where w.source_id = p.source_id and w.product_external_id = p.external_id and w.removed_at is null
    order by w.position, w.external_id limit 1
  ) v on true
  where p.attributes ->> 'pack' = 'coffee' and p.attributes ->> 'is_coffee' is distinct from 'false'
    and (p.expires_at is null or p.expires_at > now());

-- The variants of these products, with the content of one unit, the number of units, and current prices. A
-- variant with prices of several types has a row for each.
create view api.coffee_variants with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as coffee_id, s.name as source,
    p.external_id as platform_product_id, v.external_id as platform_variant_id, v.position, v.title, v.sku,
    v.weight_grams as weight_g,
    p.provenance -> ('variants.' || v.external_id || '.weightGrams') ->> 'raw' as weight_raw,
    (p.provenance -> ('variants.' || v.external_id || '.weightGrams') -> 'confidence')::numeric
      as weight_confidence,
    v.pack_count,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'grinds' -> v.external_id))
      as grind,
    case v.availability when 'in_stock' then true when 'out_of_stock' then false
      when 'discontinued' then false end as in_stock,
    c.price_type, c.amount_minor, c.currency, c.compare_at_minor,
    round(c.amount_minor * u.grams / nullif(v.weight_grams * coalesce(v.pack_count, 1), 0))::bigint
      as unit_amount_minor,
    case when v.weight_grams > 0 then p.attributes ->> 'unit_price_per' end as unit
  from catalog.products p
  join catalog.sources s on s.id = p.source_id
  join catalog.variants v on v.source_id = p.source_id and v.product_external_id = p.external_id
    and v.removed_at is null
  left join catalog.prices c on c.source_id = p.source_id and c.product_external_id = p.external_id
    and c.variant_external_id = v.external_id and c.state = 'current' and c.amount_minor is not null
    and (c.expires_at is null or c.expires_at > now())
  cross join lateral (
    select case p.attributes ->> 'unit_price_per' when '1 kg' then 1000 when '100 g' then 100 end as grams
  ) u
  where p.attributes ->> 'pack' = 'coffee' and p.attributes ->> 'is_coffee' is distinct from 'false'
    and (p.expires_at is null or p.expires_at > now());

-- Roasters, as programs state them by rpc_upsert_roaster. `id` is that of the source.
create view api.roasters with (security_invoker = true) as
  select md5('source ' || s.id::text)::uuid as id, s.name as source, s.roaster ->> 'name' as name,
    s.name as slug, coalesce(s.roaster ->> 'platform', s.connector) as platform,
    s.roaster ->> 'website' as website, s.roaster ->> 'support_email' as support_email,
    s.roaster ->> 'instagram_handle' as instagram_handle, s.roaster -> 'social' as social_json
  from catalog.sources s where s.roaster is not null;

-- Relations for the Data API, as in 61_embeds.sql.
do $$
declare
  by_id constant text := 'f.source = $1.source and f.platform_product_id = $1.platform_product_id';
  its_product constant text := 'f.source = $1.source and f.external_id = $1.platform_product_id';
begin
  perform catalog.embed_view(name, from_view, to_view, row_estimate, condition) from (values
    ('variants', 'coffees',         'coffee_variants', 4, by_id),
    ('coffee',   'coffee_variants', 'coffees',         1, by_id),
    ('product',  'coffees',         'products',        1, its_product)
  ) as relation (name, from_view, to_view, row_estimate, condition);
end $$;

-- 20261122000063_prior_prices.sql

-- Generated from supabase/schemas/63_prior_prices.sql until the first release: do not edit.

-- The price before a reduction, which a shop in the EU must state: the lowest one of at least 30 days before
-- the reduction began (98/6/EC Article 6a; CJEU C-330/23).

-- list_price_periods(source, product, variant, price_type) → the published prices, each with the time from
-- which the supplier stated it until the next one. Prices that wait for a decision, or were rejected, are not
-- published.
create function catalog.list_price_periods(
  p_source integer, p_product text, p_variant text, p_price_type text
) returns table (amount_minor bigint, currency text, began_at timestamptz, ended_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.amount_minor, p.currency, p.observed_at,
    coalesce(lead(p.observed_at) over (order by p.observed_at, p.run_id), 'infinity')
  from catalog.prices p
  where p.source_id = p_source and p.product_external_id = p_product and p.variant_external_id = p_variant
    and p.price_type = p_price_type and p.state in ('current', 'past')
    and (p.expires_at is null or p.expires_at > now()) and catalog.is_shown(p_source, p_product)
$$;

-- count_observed_days(source, product, variant, price_type, until, days) → of these days before the instant,
-- those on which the price was known: the variant had a published price, and a run of the source that
-- succeeded on that day had requested it.
create function catalog.count_observed_days(
  p_source integer, p_product text, p_variant text, p_price_type text, p_until timestamptz, p_days integer
) returns integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select count(*)::integer
  from (
    select p_until - n * interval '1 day' as began, p_until - (n - 1) * interval '1 day' as ended
    from generate_series(1, p_days) n
  ) day
  where exists (
      select from catalog.runs r
      where r.source_id = p_source and r.state = 'succeeded' and r.kind <> 'replay'
        and r.started_at < day.ended and r.finished_at >= day.began
        and (r.keys is null or p_product = any (r.keys)))
    and exists (
      select from catalog.list_price_periods(p_source, p_product, p_variant, p_price_type) p
      where p.amount_minor is not null and p.began_at < day.ended and p.ended_at > day.began)
$$;

-- list_readers() → the roles to which the catalogue is published.
create function catalog.list_readers() returns name[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select reader from pg_policies p cross join unnest(p.roles) reader
    where p.schemaname = 'catalog' and p.tablename = 'prices' and p.policyname = 'published to ' || reader)
$$;

-- assert_reader(): refuses a caller to which the catalogue is not published.
--   errors      see assert_admitted
create function catalog.assert_reader() returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.assert_admitted('api', catalog.list_readers(), 'read the catalogue',
    'shelfsync publish --role %s')
$$;

-- prior_price(…) → one row: the lowest published price of the days before the reduction began.
--   amount_minor    null with a `reason`: no such variant, no price was observed, the currency changed, or
--                   the source keeps no history of prices
--   observed_days   of `days`; `coverage` is the text. Fewer than 30 of 30 do not meet the directive,
--                   unless the product is newer than that and the law of the country permits it
--   p_days          at least 30
--   errors          SQLSTATE 22023 · see assert_reader
create function api.prior_price(
  p_source text, p_product text, p_variant text, p_reduction_start timestamptz,
  p_price_type text default 'list', p_days integer default 30
) returns table (
  amount_minor bigint, currency text, observed_days integer, days integer, coverage text, reason text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  source_id integer := (
    select v.source_id from catalog.variants v
    join catalog.sources s on s.id = v.source_id and s.name = p_source
    join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
    where v.product_external_id = p_product and v.external_id = p_variant
      and (p.expires_at is null or p.expires_at > now()));
  from_at timestamptz := p_reduction_start - p_days * interval '1 day';
  prices record;
begin
  perform catalog.assert_reader();
  if p_days is null or p_days < 30 or p_days > 366 then
    perform catalog.refuse_call(format('p_days is %s', p_days), 'Give 30 to 366 days.');
  elsif p_reduction_start is null then
    perform catalog.refuse_call('p_reduction_start is missing',
      'Give the instant at which the reduction began.');
  end if;
  select min(p.amount_minor) as lowest, min(p.currency) as currency, count(distinct p.currency) as currencies
    into prices
    from catalog.list_price_periods(source_id, p_product, p_variant, p_price_type) p
    where p.amount_minor is not null and p.began_at < p_reduction_start and p.ended_at > from_at;
  if not catalog.keeps_price_history(source_id) then
    prices.currencies := -1;
  end if;
  amount_minor := case when prices.currencies = 1 then prices.lowest end;
  currency := case when prices.currencies = 1 then prices.currency end;
  observed_days := coalesce(catalog.count_observed_days(source_id, p_product, p_variant, p_price_type,
    p_reduction_start, p_days), 0);
  days := p_days;
  coverage := format('%s of %s days observed', observed_days, p_days);
  reason := case
    when source_id is null then 'the catalogue does not have this variant'
    when prices.currencies < 0 then format(
      '%s keeps no history of prices, which the licence of its supplier may forbid', p_source)
    when prices.currencies = 0 then format('no %s price was observed in these days', p_price_type)
    when prices.currencies > 1 then 'the currency changed in these days' end;
  return next;
end $$;

-- 20261122000064_amazon.sql

-- Generated from supabase/schemas/64_amazon.sql until the first release: do not edit.

-- Amazon's marketplaces and their items, for readers.

-- The associate tag is the one that Amazon has put into the links of the marketplace's products.
create view api.marketplaces with (security_invoker = true) as
  select m.id, m.code, m.region_name, m.host, m.region, m.currency, m.languages,
    coalesce(m.associate_tag, linked.tag) as associate_tag
  from catalog.marketplaces m
  left join lateral (
    select substring(p.url from '[?&]tag=([A-Za-z0-9_-]{1,64})') as tag
    from catalog.sources s
    join catalog.products p on p.source_id = s.id and p.url ~ '[?&]tag='
      and (p.expires_at is null or p.expires_at > now())
    where s.marketplace = m.code limit 1
  ) linked on true;

-- Items of Amazon, one row for each product of a source. An expired item is not shown. An item that Amazon
-- refuses or omits has the status `unavailable` and no content. Show `price_as_of` and `disclaimer` beside
-- each price and availability, and use `detail_page_url` unchanged, because it has the associate tag.
--
-- While a changed price waits for the end of its run or for a person, the price is the last good one, as of
-- the last request that returned it, and is null when its licence has ended.
create view api.amazon_products with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as id, p.external_id as asin,
    m.id as marketplace_id, m.code as marketplace,
    md5(parent.source_id::text || ' ' || parent.external_id)::uuid as parent_id,
    p.attributes ->> 'parent_asin' as parent_asin, p.title,
    -- Null: neither API of Amazon has one.
    p.description,
    p.brand, p.manufacturer,
    coalesce((
      select jsonb_agg(i.url order by i.position) from catalog.images i
      where i.source_id = p.source_id and i.product_external_id = p.external_id), '[]') as images,
    p.url as detail_page_url,
    price.amount as current_price, price.original as original_price,
    price.original - price.amount as savings_amount,
    round(100 * (price.original - price.amount) / nullif(price.original, 0), 2) as savings_percentage,
    coalesce(price.currency, m.currency) as currency,
    p.attributes ->> 'availability_type' as availability_type,
    p.attributes ->> 'availability_message' as availability_message,
    -- Null: the API does not return it to ordinary accounts, and the licence forbids its use.
    null::integer as customer_review_count,
    null::numeric as star_rating,                    -- null: see customer_review_count
    -- Why columns of this row are always null, by column.
    jsonb_build_object(
      'description', 'The Creators API has no description; features are in api.products.attributes',
      'customer_review_count', 'The Creators API does not return it, and its licence forbids its use',
      'star_rating', 'The Creators API does not return it, and its licence forbids its use')
      as null_reasons,
    p.status, p.refreshed_at as last_refresh_at, p.last_available_at,
    p.first_seen_at as created_at, p.changed_at as updated_at,
    coalesce(price.as_of, p.refreshed_at) as price_as_of,
    format('Product prices and availability are accurate as of the date/time indicated and are subject to '
      'change. Any price and availability information displayed on %s at the time of purchase will apply to '
      'the purchase of this product.', coalesce(m.code, 'Amazon')) as disclaimer,
    p.expires_at, s.name as source
  from catalog.products p
  join catalog.sources s on s.id = p.source_id and s.connector = 'amazon'
  left join catalog.marketplaces m on m.code = s.marketplace
  left join catalog.products parent
    on parent.source_id = p.source_id and parent.external_id = p.attributes ->> 'parent_asin'
    and (parent.expires_at is null or parent.expires_at > now())
  left join lateral (
    select round(c.amount_minor / 10::numeric ^ unit.decimals, unit.decimals) as amount,
      round(c.compare_at_minor / 10::numeric ^ unit.decimals, unit.decimals) as original, c.currency,
      coalesce(c.expires_at - (p.expires_at - p.refreshed_at), p.refreshed_at) as as_of
    from catalog.prices c
    -- Readers may not execute `catalog.count_decimals`. No marketplace has a currency of 3 decimals.
    cross join lateral (
      select case when c.currency in ('JPY', 'KRW', 'CLP', 'VND', 'ISK') then 0 else 2 end as decimals
    ) unit
    where c.source_id = p.source_id and c.product_external_id = p.external_id
      and c.variant_external_id = p.external_id and c.price_type = 'public' and c.state = 'current'
      and c.amount_minor is not null and (c.expires_at is null or c.expires_at > now())
  ) price on true
  where p.expires_at is null or p.expires_at > now();

-- Relations for the Data API, as in 61_embeds.sql.
do $$
begin
  perform catalog.embed_view(name, from_view, to_view, row_estimate, condition) from (values
    ('product',     'amazon_products', 'products',        1, 'f.id = $1.id'),
    ('marketplace', 'amazon_products', 'marketplaces',    1, 'f.id = $1.marketplace_id'),
    ('items',       'marketplaces',    'amazon_products', 1000, 'f.marketplace_id = $1.id')
  ) as relation (name, from_view, to_view, row_estimate, condition);
end $$;

-- 20261122000065_refresh_jobs.sql

-- Generated from supabase/schemas/65_refresh_jobs.sql until the first release: do not edit.

-- The refreshes of products for readers.

-- The refreshes of the last seven days, one row for each product and run.
create view api.refresh_jobs with (security_invoker = true) as
  select md5(j.source_id::text || ' ' || j.run_id::text || ' ' || j.product_external_id)::uuid as id,
    md5(j.source_id::text || ' ' || j.product_external_id)::uuid as product_id, s.name as source,
    j.product_external_id, j.run_id as run, j.scheduled_at, j.started_at, j.completed_at, j.status,
    j.retry_count, j.error_code, j.error_message, j.circuit_breaker_state, j.created_at
  from catalog.refresh_jobs j join catalog.sources s on s.id = j.source_id;

-- 20261122000066_search_entries.sql

-- Generated from supabase/schemas/66_search_entries.sql until the first release: do not edit.

-- The search entries of products: one narrow row for each, with its words, its codes and the values
-- by which lists are filtered and sorted. apply_batch and the other functions that write products or publish
-- prices keep it, in the same transaction; an unchanged product costs no write.

create table catalog.search_entries (
  source_id          integer not null references catalog.sources (id),
  external_id        text collate "C" not null,
  status             text not null,
  changed_at         timestamptz not null,
  -- The beginning of the folded title, by which lists are sorted; see fold_text.
  title              text collate "C" not null,
  -- The lowest current price in units of its currency, see index_products; null without one.
  price              numeric,
  currency           text,                           -- of `price`
  price_ends_at      timestamptz,                    -- end of the licence of `price`, if it has its own
  -- Lexemes: words of the title, the brand and the manufacturer; codes with `#`; and facets with `=`, such as
  -- `=a:in_stock`, or `=s:7:active` for the source and the status. No word has such a mark.
  words              tsvector not null,
  primary key (source_id, external_id)
);
create index search_entries_words on catalog.search_entries using gin (words);
create index search_entries_newest on catalog.search_entries (source_id, status, changed_at, external_id);
create index search_entries_title on catalog.search_entries (source_id, status, title, external_id);
create index search_entries_price on catalog.search_entries (source_id, status, price, external_id)
  where price is not null;

-- fold_text(text) → the text in lower case, without accents, with ligatures and other letters of Latin
-- alphabets as they are typed without them: `Crème Brûlée` → `creme brulee`, `Straße` → `strasse`.
create function catalog.fold_text(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(p_text) = length(p_text) then
    return lower(p_text);
  end if;
  -- By ICU, because the locale of the database may know only the letters of ASCII.
  p_text := lower(regexp_replace(normalize(p_text, nfkd), '[\u0300-\u036f]', '', 'g') collate "und-x-icu");
  if p_text ~ '[ßæœøłđðþıŋħ]' then
    p_text := translate(replace(replace(replace(replace(
      p_text, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'øłđðıŋħ', 'olddinh');
  end if;
  return p_text;
end $$;

-- fold_words(text) → the words of the text, folded, with one space between them. An apostrophe is not a
-- separator: `L'Oréal` → `loreal`. U+007F is not one either, because compose_words joins texts by it.
create function catalog.fold_words(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  -- Ranges of code points rather than classes, whose letters depend on the locale of the database.
  return btrim(regexp_replace(translate(catalog.fold_text(p_text), '''’ʼ`', ''), '[\u0001-/:-@\[-\u0060'
    '\u007b-\u007e\u0080-\u00bf\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\uff00-\uff0f]+', ' ', 'g'), ' ');
end $$;

-- fold_code(text) → the code without separators and, if it is a number, without leading zeros: a GTIN is the
-- same in each of its lengths, and `ab-12` is `AB 12`. Null if nothing is left of it.
create function catalog.fold_code(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  p_text := replace(catalog.fold_words(left(p_text, 200)), ' ', '');
  return nullif(left(case when p_text ~ '^0\d*$' then ltrim(p_text, '0') else p_text end, 100), '');
end $$;

-- compose_words(names, codes, facets) → the folded title and the lexemes of a product, see search_entries.
--   names       its title, brand and manufacturer; null for those that it does not have
--   codes       the first 100 count
--   facets      such as `a:in_stock`; null does not count
--   cost        one call folds all texts of the product, because a call costs more than its characters
create function catalog.compose_words(
  p_names text[], p_codes text[], p_facets text[], out title text, out words tsvector
)
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  mark constant text := chr(127);
  names constant text := array_to_string(p_names, mark, '');
  folded text[] := string_to_array(
    catalog.fold_words(concat_ws(mark, names, array_to_string(p_codes[:100], mark))), mark);
  spoken text := concat_ws(' ', folded[1], folded[2], folded[3]);
begin
  title := left(btrim(folded[1]), 100);
  -- After an apostrophe begins another word too: `oreal` finds `L'Oréal`.
  if names ~ '[''’]' then
    spoken := concat_ws(' ', spoken, catalog.fold_words(translate(names, '''’' || mark, '   ')));
  end if;
  words := array_to_tsvector(array(
    select left(w, 100) from unnest(string_to_array(spoken, ' ')) w where w <> ''
    union all
    select '#' || left(c, 100) from (
      select case when starts_with(c, '0') and c ~ '^\d+$' then ltrim(c, '0') else c end as c
      from (select replace(c, ' ', '') as c from unnest(folded[4:]) c) c
    ) c where c <> ''
    union all
    select '=b:' || left(btrim(folded[2]), 100) where folded[2] <> ''
    union all
    select '=' || f from unnest(p_facets) f where f is not null));
end $$;

-- index_products(source, products): writes the search entries of these products.
--   idempotent  a product whose entry is right costs no write
--   price       the lowest current price of the variants: of the type `public`, otherwise of `list`,
--               otherwise of the first other type by name
create function catalog.index_products(p_source integer, p_products text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if cardinality(p_products) = 0 then
    return;
  end if;
  with priced as materialized (
    select named.id, c.amount_minor, c.currency, c.expires_at
    from unnest(p_products) named (id)
    cross join lateral (
      select o.amount_minor, o.currency, o.expires_at
      from catalog.prices o
      where o.source_id = p_source and o.product_external_id = named.id and o.state = 'current'
        and o.amount_minor is not null and (o.expires_at is null or o.expires_at > now())
      order by o.price_type <> 'public', o.price_type <> 'list', o.price_type, o.amount_minor limit 1
    ) c
  ), units as materialized (
    select u.currency, catalog.count_decimals(u.currency) as decimals
    from (select distinct currency from priced) u
  ), shown as materialized (
    select c.id, round(c.amount_minor / 10::numeric ^ u.decimals, u.decimals) as price, c.currency,
      c.expires_at as ends_at
    from priced c join units u on u.currency = c.currency
  )
  insert into catalog.search_entries as e
      (source_id, external_id, status, changed_at, title, price, currency, price_ends_at, words)
    select p_source, p.external_id, p.status, p.changed_at, w.title, c.price, c.currency, c.ends_at, w.words
    from unnest(p_products) named (id)
    cross join lateral (
      select * from catalog.products o where o.source_id = p_source and o.external_id = named.id offset 0
    ) p
    cross join lateral (
      select array_remove(array_agg(o.sku) || array_agg(o.gtin), null) as codes,
        (array_agg(o.availability order by
          array_position('{in_stock,preorder,out_of_stock,discontinued}', o.availability)))[1]
          as availability
      from catalog.variants o
      where o.source_id = p_source and o.product_external_id = named.id and o.removed_at is null
    ) v
    left join shown c on c.id = named.id
    cross join lateral catalog.compose_words(
      array[left(p.title, 1000), left(p.brand, 1000), left(p.manufacturer, 1000)],
      p.external_id || v.codes
        || array(select i #>> '{}' from jsonb_path_query(p.identifiers, 'lax $.*[*]') i),
      array['a:' || v.availability, format('s:%s:%s', p_source, p.status)] || array(
        select 'c:' || left(i #>> '{}', 100)
        from jsonb_path_query(p.attributes, 'lax $.category_ids[*]') i)
    ) w
    order by p.external_id
    on conflict (source_id, external_id) do update
      set status = excluded.status, changed_at = excluded.changed_at, title = excluded.title,
          price = excluded.price, currency = excluded.currency, price_ends_at = excluded.price_ends_at,
          words = excluded.words
      where (e.status, e.changed_at, e.title, e.price, e.currency, e.price_ends_at, e.words)
        is distinct from (excluded.status, excluded.changed_at, excluded.title, excluded.price,
          excluded.currency, excluded.price_ends_at, excluded.words);
end $$;

-- 20261122000067_search.sql

-- Generated from supabase/schemas/67_search.sql until the first release: do not edit.

-- The search of products: by words and codes, with filters, page by page.
--
-- A search that matches at most 10,000 products counts and sorts them. One that matches more reads its page
-- from the index of its order, see walk_entries, so that neither the number of products nor that of matches
-- decides on its time.

-- quote_lexeme(text) → the text as a lexeme of a tsquery.
create function catalog.quote_lexeme(p_text text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '''' || replace(replace(p_text, '\', '\\'), '''', '''''') || ''''
$$;

-- compose_term(text) → a word of a search as text of a tsquery: products with these words, of which the last
-- may be the beginning of one, or with this code. Null if it has neither a letter nor a digit.
--   A beginning has at least 3 characters, that of a code 4 with a digit.
create function catalog.compose_term(p_text text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '((' || string_agg(catalog.quote_lexeme(left(w, 100))
      || case when n = cardinality(words) and length(w) >= 3 then ':*' else '' end, ' & ' order by n)
    || ') | ' || catalog.quote_lexeme('#' || code)
    || case when length(code) >= 4 and code ~ '\d' then ':*' else '' end || ')'
  from (
    select string_to_array(catalog.fold_words(p_text), ' ') as words, catalog.fold_code(p_text) as code
  ) folded
  cross join unnest(words) with ordinality w (w, n)
  where code is not null group by code
$$;

-- compose_search(text, filter) → the search as conditions on `search_entries.words`.
--   matches     null: every product. At most the first 200 characters and 16 words of the text count
--   codes       products with exactly this code; null without a text
create function catalog.compose_search(
  p_text text, p_filter jsonb, out matches tsquery, out codes tsquery
)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  given constant text := left(btrim(coalesce(p_text, '')), 200);
  whole constant text := catalog.fold_code(given);
  terms constant text := (
    select string_agg(catalog.compose_term(t), ' & ')
    from unnest((regexp_split_to_array(given, '\s+'))[:16]) t);
  conditions text[];
begin
  if given <> '' then
    codes := catalog.quote_lexeme('#' || coalesce(whole, ''));
    -- A code may be typed in groups: `9 312345 678907`. A text without letters and digits matches nothing.
    conditions := array[format('(%s)', concat_ws(' | ', terms, codes))];
  end if;
  conditions := conditions || array(
    select catalog.quote_lexeme('=b:' || left(catalog.fold_words(b), 100))
    from jsonb_array_elements_text(p_filter -> 'brand') b)
    || (select '(' || string_agg(catalog.quote_lexeme('=c:' || left(c, 100)), ' | ') || ')'
      from jsonb_array_elements_text(p_filter -> 'categories') c)
    || (select '(' || string_agg(catalog.quote_lexeme('=a:' || a), ' | ') || ')'
      from jsonb_array_elements_text(p_filter -> 'availability') a);
  matches := nullif(array_to_string(conditions, ' & '), '')::tsquery;
end $$;

-- compose_conditions(filter) → the filter as SQL conditions on a row `e` of search_entries, apart from source
-- and status. Parameters: $3 matches, $4 codes, $5 the filter.
--   Licences that have ended hide their product, or its price, as the views do.
create function catalog.compose_conditions(p_filter jsonb, p_searches boolean) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select concat_ws(' and ',
    'not exists (select from catalog.products x where x.source_id = e.source_id
      and x.external_id = e.external_id and x.expires_at <= now())',
    case when p_searches then 'e.words @@ $3' end,
    case when p_filter ?| '{priced,minPrice,maxPrice}'
      then '(e.price_ends_at is null or e.price_ends_at > now())' end,
    case when p_filter ? 'minPrice' then 'e.price >= ($5 ->> ''minPrice'')::numeric' end,
    case when p_filter ? 'maxPrice' then 'e.price <= ($5 ->> ''maxPrice'')::numeric' end,
    case when p_filter ? 'currency' then 'e.currency = $5 ->> ''currency''' end,
    case when p_filter ? 'changedSince' then 'e.changed_at >= ($5 ->> ''changedSince'')::timestamptz' end,
    case when p_filter ? 'review' then '(e.source_id, e.external_id) in (
      select v.source_id, v.product_external_id from catalog.reviews v where v.state = ''open'')' end)
$$;

-- compose_order(sort) → the key of an order of products as an expression of `e`, its type and its direction.
-- Products with the same key follow each other by source and id, in the same direction.
--   relevance   the code, the whole title, its beginning, the words beside each other, then the others, each
--               by title. $6 is the folded text
create function catalog.compose_order(p_sort text, out key text, out type text, out direction text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_sort
      when 'relevance' then $rank$case when e.words @@ $4 then '0' when e.title = $6 then '1'
        when starts_with(e.title, $6) then '2' when strpos(' ' || e.title, ' ' || $6) > 0 then '3'
        else '4' end || e.title$rank$
      when 'newest' then 'e.changed_at' when 'title' then 'e.title' else 'e.price' end,
    case p_sort when 'newest' then 'timestamptz' when 'relevance' then 'text collate "C"'
      when 'title' then 'text collate "C"' else 'numeric' end,
    case when p_sort in ('newest', 'price-high') then 'desc' else 'asc' end
$$;

-- compose_page(sort, conditions, matches_max) → the statement that returns (total, page) for a search with
-- few matches: it reads all of them, but not more than `matches_max`, and sorts them.
--   page        [{source, product, key}], at most $8 after the one of $7
create function catalog.compose_page(p_sort text, p_conditions text, p_matches_max integer) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format($sql$
    with hits as materialized (
      select e.source_id, e.external_id, %1$s as key from catalog.search_entries e
      where e.source_id = any ($1) and e.status = any ($2) and %1$s is not null and %2$s
      limit %3$s
    ), page as (
      select h.* from hits h
      where $7 is null or (h.key, h.source_id, h.external_id)
        %4$s (($7 ->> 'key')::%5$s, ($7 ->> 'source')::integer, $7 ->> 'product')
      order by h.key %6$s, h.source_id %6$s, h.external_id %6$s limit $8
    )
    select (select count(*) from hits), (
      select coalesce(jsonb_agg(jsonb_build_object('source', source_id, 'product', external_id, 'key', key)
        order by key %6$s, source_id %6$s, external_id %6$s), '[]') from page)$sql$,
    o.key, p_conditions, p_matches_max, case o.direction when 'asc' then '>' else '<' end, o.type,
    o.direction)
  from catalog.compose_order(p_sort) o
$$;

-- compose_walk(sort, conditions, continues, reads_max) → the statement that returns a page as `page` of
-- compose_page for a search with many matches: it reads the first `reads_max` entries of each source and
-- status in the index of the order. Where these have no page of matches, the matches are few, and read by
-- their words and the lexeme of the source and the status, because the words may be common elsewhere.
--   continues   the page is not the first one: it begins after $7
create function catalog.compose_walk(
  p_sort text, p_conditions text, p_continues boolean, p_reads_max integer
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format($sql$
    with pairs as materialized (
      select source_id, status, case sign(source_id - ($7 ->> 'source')::integer)
        when 1 then '' when 0 then $7 ->> 'product' else chr(1114111) end collate "C" as beyond,
        $3 && catalog.quote_lexeme(format('=s:%%s:%%s', source_id, status))::tsquery as matches
      from unnest($1) source_id cross join unnest($2) status
    ), walked as materialized (
      select p.source_id, p.status, w.external_id, w.key from pairs p cross join lateral (
        select e.external_id, e.key
        from (
          select e.*, %1$s as key from catalog.search_entries e
          where e.source_id = p.source_id and e.status = p.status and %1$s is not null and %2$s
          order by %1$s %3$s, e.external_id %3$s limit %4$s
        ) e
        where %5$s order by e.key %3$s, e.external_id %3$s limit $8
      ) w
    ), sparse as materialized (
      select p.* from pairs p
      where (select count(*) from walked w where w.source_id = p.source_id and w.status = p.status) < $8
        and (select count(*) from (
          select from catalog.search_entries e
          where e.source_id = p.source_id and e.status = p.status and %1$s is not null and %2$s
          limit %4$s) n) >= %4$s
    ), found as (
      select w.source_id, w.external_id, w.key from walked w
        where (w.source_id, w.status) not in (select s.source_id, s.status from sparse s)
      union all
      select p.source_id, g.external_id, g.key from sparse p cross join lateral (
        select e.external_id, e.key from (
          select e.external_id, %1$s as key from catalog.search_entries e
          where e.source_id = p.source_id and e.status = p.status and %1$s is not null and %2$s and %5$s
            and ($3 is null or e.words @@ p.matches)
          offset 0
        ) e
        order by e.key %3$s, e.external_id %3$s limit $8
      ) g
    ), page as (
      select * from found order by key %3$s, source_id %3$s, external_id %3$s limit $8
    )
    select coalesce(jsonb_agg(jsonb_build_object('source', source_id, 'product', external_id, 'key', key)
      order by key %3$s, source_id %3$s, external_id %3$s), '[]') from page$sql$,
    o.key, case when p_continues then format($sql$(%s, e.external_id) %s (($7 ->> 'key')::%s, p.beyond)$sql$,
      o.key, case o.direction when 'asc' then '>' else '<' end, o.type) else 'true' end,
    o.direction, p_reads_max, p_conditions)
  from catalog.compose_order(p_sort) o
$$;

-- 20261122000068_found_products.sql

-- Generated from supabase/schemas/68_found_products.sql until the first release: do not edit.

-- The result of a search of products, with what a list shows of each.

-- find_entries(text, filter, sort, after, limit) → the page of a search, see search_products.
--   total       10,001 for more than 10,000
create function catalog.find_entries(
  p_text text, p_filter jsonb, p_sort text, p_after jsonb, p_limit integer, out total integer,
  out sort text, out page jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  matches_max constant integer := 10001;
  search record := catalog.compose_search(p_text, p_filter);
  filter jsonb := p_filter || case when p_sort like 'price-%' then '{"priced": true}' else '{}'::jsonb end;
  conditions text := catalog.compose_conditions(filter, search.matches is not null);
  sources constant integer[] := array(select s.id from catalog.sources s
    where not p_filter ? 'sources' or p_filter -> 'sources' ? s.name);
  statuses constant text[] := array(select jsonb_array_elements_text(p_filter -> 'statuses'));
  folded constant text := left(catalog.fold_words(left(coalesce(p_text, ''), 200)), 100);
  -- Reads of each source and status. Where a page needs more, the matches are so few that it is cheaper to
  -- read all of them.
  reads_max constant integer := 8000 / sqrt(greatest(1, cardinality(sources) * cardinality(statuses)));
begin
  -- A list continues in the order in which it began, even if fewer products match by now.
  sort := coalesce(p_after ->> 'sort',
    case when p_sort = 'relevance' and search.codes is null then 'newest' else p_sort end);
  execute catalog.compose_page(sort, conditions, matches_max) into total, page
    using sources, statuses, search.matches, search.codes, filter, folded, p_after, p_limit;
  if total < matches_max then
    return;
  end if;
  sort := case sort when 'relevance' then 'newest' else sort end;
  execute catalog.compose_walk(sort, conditions, p_after is not null, reads_max)
    into page using sources, statuses, search.matches, search.codes, filter, folded, p_after, p_limit;
end $$;

-- list_shown_variants(source, product) → the variants of the product with their current prices, as a list.
create function catalog.list_shown_variants(p_source integer, p_product text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', v.external_id, 'title', v.title, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
      'weightGrams', v.weight_grams, 'packCount', v.pack_count, 'availability', v.availability,
      'prices', coalesce((
        select jsonb_agg(jsonb_build_object(
            'type', c.price_type, 'amountMinor', c.amount_minor, 'currency', c.currency,
            'compareAtMinor', c.compare_at_minor) order by c.price_type)
        from catalog.prices c
        where c.source_id = p_source and c.product_external_id = p_product
          and c.variant_external_id = v.external_id and c.state = 'current'
          and (c.expires_at is null or c.expires_at > now())
          and c.amount_minor is not null), '[]')) order by v.position, v.external_id), '[]')
  from catalog.variants v
  where v.source_id = p_source and v.product_external_id = p_product and v.removed_at is null
$$;

-- list_shown_images(source, product) → the images of the product by position, as a list.
create function catalog.list_shown_images(p_source integer, p_product text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'url', i.url, 'alt', i.alt, 'cdnUrl', i.cdn_url) order by i.position), '[]')
  from catalog.images i where i.source_id = p_source and i.product_external_id = p_product
$$;

-- show_found_product(product, source) → what a list shows of the product: its facts, its variants with their
-- current prices, its images, and the number of its open reviews.
create function catalog.show_found_product(p_product catalog.products, p_source text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('source', p_source, 'product', p_product.external_id, 'status', p_product.status,
    'title', p_product.title, 'brand', p_product.brand, 'manufacturer', p_product.manufacturer,
    'url', p_product.url, 'identifiers', p_product.identifiers, 'successor', p_product.successor,
    'source_updated_at', p_product.source_updated_at, 'first_seen_at', p_product.first_seen_at,
    'changed_at', p_product.changed_at, 'expires_at', p_product.expires_at,
    'variants', catalog.list_shown_variants(p_product.source_id, p_product.external_id),
    'images', catalog.list_shown_images(p_product.source_id, p_product.external_id),
    'reviews', (
      select count(*) from catalog.reviews v
      where v.state = 'open' and v.source_id = p_product.source_id
        and v.product_external_id = p_product.external_id))
$$;

-- search_products(text, filter, sort, after, limit) → one row: a page of products of all sources.
--   text        words, each of them in the title, the brand or the manufacturer, where the last may be a
--               beginning; or a code: the supplier's id, a SKU, a GTIN in any length, another identifier.
--               Upper and lower case, accents, and the separators in codes do not count. Null: every product
--   filter      {statuses, and optionally sources (names), brand, categories (ids), availability (each a
--               list), minPrice, maxPrice, currency, changedSince, review (an open one)}
--   sort        relevance, newest (change), title, price-low, price-high. A sort by price leaves out products
--               without one
--   after       the `key` of the last product of the page before, with its `sort`; null: the first page
--   total       10,001 for more than 10,000. sort: that of the page; relevance becomes newest for them
--   products    [{…, key}], without those whose licence has ended
create function catalog.search_products(
  p_text text, p_filter jsonb, p_sort text, p_after jsonb, p_limit integer
) returns table (total integer, sort text, products jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.total, f.sort, (
    select coalesce(jsonb_agg(catalog.show_found_product(p, s.name) || jsonb_build_object('key',
      found.entry || jsonb_build_object('sort', f.sort)) order by found.n), '[]')
    from jsonb_array_elements(f.page) with ordinality found (entry, n)
    join catalog.sources s on s.id = (found.entry ->> 'source')::integer
    join catalog.products p on p.source_id = s.id and p.external_id = found.entry ->> 'product')
  from catalog.find_entries(p_text, p_filter, p_sort, p_after, p_limit) f
$$;

-- 20261122000069_daily_summaries.sql

-- Generated from supabase/schemas/69_daily_summaries.sql until the first release: do not edit.

-- The days of the sources, for readers.

-- Products that changed on a day (UTC), by source and kind of change, as published: a change that waited for
-- a person counts on the day of the decision. `loaded` is the size of a first load, whose products have no
-- single changes. A view rather than stored counts: it is exact after each decision, and a year of a source
-- whose night changes a thousand products is read in a fraction of a second.
create view api.daily_summary with (security_invoker = true) as
  select s.name as source, (c.changed_at at time zone 'UTC')::date as day,
    count(distinct c.run_id) as runs,
    coalesce(sum((c.detail ->> 'products')::bigint) filter (where c.kind = 'loaded'), 0)::bigint as loaded,
    count(*) filter (where c.kind = 'created') as created,
    count(*) filter (where c.kind = 'updated') as updated,
    count(*) filter (where c.kind = 'repriced') as repriced,
    count(*) filter (where c.kind = 'unavailable') as unavailable,
    count(*) filter (where c.kind = 'removed') as removed,
    count(*) filter (where c.kind = 'returned') as returned
  from catalog.changes c join catalog.sources s on s.id = c.source_id
  where c.position is not null
  group by s.name, (c.changed_at at time zone 'UTC')::date;

-- 20261122000070_summaries.sql

-- Generated from supabase/schemas/70_summaries.sql until the first release: do not edit.

-- The read model of runs and sources, for the command line, HTTP and the metrics. Each fact has one reader.
-- Every number comes from rows, so a restart loses nothing.

-- find_lease_lapse(…) → when the lease of a running run's worker expired; null while it lasts. A queued run
-- may wait for workers without a lease, and one whose worker left gets another within five seconds.
create function catalog.find_lease_lapse(p_source integer, p_run bigint, p_queued boolean) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when count(*) = 0 and p_queued then null
      when max(expires_at) + case when p_queued then catalog.takeover_grace() else interval '0' end
        > clock_timestamp() then null
      else coalesce(max(expires_at), clock_timestamp())
    end
  from catalog.leases where source_id = p_source and run_id = p_run
$$;

-- derive_run_state(run) → the state of a run as of now. A running run without a live worker is interrupted,
-- although no worker was left to record that.
create function catalog.derive_run_state(
  p_run catalog.runs, out state text, out reason text, out finished_at timestamptz
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  state := p_run.state;
  reason := catalog.show_reason(p_run);
  finished_at := p_run.finished_at;
  if p_run.state = 'running' then
    finished_at := catalog.find_lease_lapse(p_run.source_id, p_run.id, p_run.queued);
    if finished_at is not null then
      state := 'interrupted';
      reason := 'the lease of its worker has expired: another worker, or the next sync, resumes the run';
    end if;
  end if;
end $$;

-- summarize_runs(runs) → these runs, the newest first.
--   state        as of now, see derive_run_state
--   fetched      archived lines; fetched_all: the fetch has ended
--   counts       lines by outcome so far; of a settled run, its ledger
create function catalog.summarize_runs(p_runs bigint[]) returns table (
  id bigint, source text, kind text, state text, reason text, error_code text, correlation_id text,
  options jsonb, since timestamptz, key_count integer, artifact_run bigint,
  started_at timestamptz, finished_at timestamptz,
  measured_at timestamptz, fetched_all boolean, expected bigint, fetched bigint, counts jsonb,
  ledger jsonb, removals_off text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, s.name, r.kind, n.state, n.reason, r.error_code, r.correlation_id, r.options,
    r.since, cardinality(r.keys), r.artifact_run, r.started_at, n.finished_at, clock_timestamp(),
    coalesce(a.state <> 'open', false), a.expected,
    coalesce((r.ledger ->> 'fetched')::bigint, (
      select sum(p.line_count) from catalog.parts p
      where p.source_id = r.source_id and p.run_id = r.artifact_run), 0)::bigint,
    coalesce(r.ledger, catalog.sum_run_counts(r.source_id, r.id)), r.ledger, r.removals_off
  from catalog.runs r
  cross join lateral catalog.derive_run_state(r) n
  join catalog.sources s on s.id = r.source_id
  left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.id = any (p_runs) order by r.id desc
$$;

-- list_runs(…) → runs, the newest first: of one source, in one state, of one kind and started since an
-- instant, or of all with null, older than `p_before`.
create function catalog.list_runs(
  p_source text, p_state text, p_before bigint, p_limit integer, p_kind text default null,
  p_since timestamptz default null
) returns table (
  id bigint, source text, kind text, state text, reason text, error_code text, correlation_id text,
  options jsonb, since timestamptz, key_count integer, artifact_run bigint,
  started_at timestamptz, finished_at timestamptz,
  measured_at timestamptz, fetched_all boolean, expected bigint, fetched bigint, counts jsonb,
  ledger jsonb, removals_off text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  of_source integer := (select id from catalog.sources where name = p_source);
  before bigint := coalesce(p_before, catalog.max_id());
  -- Ids follow the times of the starts.
  oldest bigint := case when p_since is null then 0
    else coalesce((select min(r.id) from catalog.runs r where r.started_at >= p_since), before) end;
begin
  return query select * from catalog.summarize_runs(case
    -- A branch for each filter, so that each has its index. The stored state is filtered first, then the
    -- state as of now.
    when p_source is not null then array(
      select r.id from catalog.runs r
      where r.source_id = of_source and r.id < before and r.id >= oldest
        and (p_kind is null or r.kind = p_kind)
        and (p_state is null or (select n.state from catalog.derive_run_state(r) n) = p_state)
      order by r.id desc limit p_limit)
    when p_state is null then array(
      select r.id from catalog.runs r
      where r.id < before and r.id >= oldest and (p_kind is null or r.kind = p_kind)
      order by r.id desc limit p_limit)
    when p_state = 'interrupted' then array(
      select r.id from catalog.runs r
      where r.state in ('running', 'interrupted') and r.id < before and r.id >= oldest
        and (p_kind is null or r.kind = p_kind)
        and (select n.state from catalog.derive_run_state(r) n) = p_state
      order by r.id desc limit p_limit)
    else array(
      select r.id from catalog.runs r
      where r.state = p_state and r.id < before and r.id >= oldest
        and (p_kind is null or r.kind = p_kind)
        and (select n.state from catalog.derive_run_state(r) n) = p_state
      order by r.id desc limit p_limit)
  end);
end $$;

-- find_current_run(source) → the active run, otherwise the newest one, of the source or of all with null. A
-- keyed run counts only before the first run of a whole source.
create function catalog.find_current_run(p_source text) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  of_source integer := (select id from catalog.sources where name = p_source);
begin
  return coalesce(
    (select r.id from catalog.runs r
      where r.state = 'running' and r.keys is null and (p_source is null or r.source_id = of_source)
        and catalog.find_lease_lapse(r.source_id, r.id, r.queued) is null
      order by r.id desc limit 1),
    -- Separate queries, so that each has its index: this is called twice a second, and the table is large.
    case when p_source is null
      then (select r.id from catalog.runs r where r.keys is null order by r.id desc limit 1)
      else (select r.id from catalog.runs r
        where r.source_id = of_source and r.keys is null order by r.id desc limit 1)
    end,
    case when p_source is null
      then (select r.id from catalog.runs r order by r.id desc limit 1)
      else (select r.id from catalog.runs r where r.source_id = of_source order by r.id desc limit 1)
    end);
end $$;

-- find_settled_full_run(source) → the newest full run that settled. Its `removals_off` is valid until the
-- next one settles.
create function catalog.find_settled_full_run(p_source integer) returns setof catalog.runs
language sql stable set search_path = pg_catalog, pg_temp as $$
  select * from catalog.runs where source_id = p_source and kind = 'full' and ledger is not null
  order by id desc limit 1
$$;

-- outline_run(run, state, finished_at) → a run with its state as of now; null for a run that does not exist.
create function catalog.outline_run(p_run catalog.runs, p_state text, p_finished_at timestamptz) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_run.id is not null then jsonb_build_object('id', p_run.id, 'kind', p_run.kind,
    'state', coalesce(p_state, p_run.state), 'started_at', p_run.started_at,
    'finished_at', case p_run.state when 'running' then p_finished_at else p_run.finished_at end) end
$$;

-- find_longest_run(source) → seconds that the longest of its last ten successful runs took, interruptions
-- included; null without one. Keyed runs do not count.
create function catalog.find_longest_run(p_source integer) returns double precision
language sql stable set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from max(r.finished_at - r.started_at))::double precision
  from (
    select started_at, finished_at from catalog.runs
    where source_id = p_source and keys is null and state = 'succeeded' order by id desc limit 10
  ) r
$$;

-- summarize_sources(source, after, limit, sources) → sources by name: one, or all with null; of these, up to
-- `p_limit` after the name `p_after`; or those named in `p_sources`. Counts no products, so the cost does not
-- depend on the size of the catalogue.
--   last_run      newest run of the whole source; `last_refresh` the newest refresh
--   last_good_at  start of the last successful full or incremental run; of a source that only has refreshes,
--                 of the last successful refresh
--   due_since     the source is due at the first time of its schedule after this
--   late_products whether a product is late, see has_late_products; null unless the source only has refreshes
--   longest_seconds see find_longest_run; null unless a run of the whole source is running
--   removals_off  the reason why the newest full run could not detect missing products; else null
--   failures      see record_host_result; `not_before` see find_earliest_run
create function catalog.summarize_sources(
  p_source text, p_after text default null, p_limit integer default null, p_sources text[] default null
) returns table (
  id integer, source text, connector text, state text, schedule jsonb, watermark timestamptz,
  last_good_at timestamptz, due_since timestamptz, last_run jsonb, last_refresh jsonb, held_runs bigint[],
  held_prices bigint, open_reviews bigint, open_quarantine bigint, copied_run bigint,
  copy_error text, removals_off text, failures integer, failure_class text, failing_since timestamptz,
  failed_at timestamptz, not_before timestamptz, late_products boolean, longest_seconds double precision
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with picked as materialized (
    -- Two branches, so that each has its index; the other reads nothing.
    (select * from catalog.sources s
      where p_sources is null and (p_source is null or s.name = p_source) and s.name > coalesce(p_after, '')
      order by s.name limit p_limit)
    union all select s.* from unnest(p_sources) named join catalog.sources s on s.name = named
  ), reviews as (
    select source_id, count(*) as total,
      count(*) filter (where kind in ('price', 'disagreement')) as prices
    from catalog.reviews where state = 'open' and source_id in (select id from picked) group by source_id
  ), quarantine as (
    select source_id, count(*) as total
    from catalog.quarantine where state = 'open' and source_id in (select id from picked) group by source_id
  ), held as (
    select source_id, array_agg(id order by id) as runs
    from catalog.runs where state = 'held' and source_id in (select id from picked) group by source_id
  )
  select s.id, s.name, s.connector, s.state, s.schedule, s.watermark, good.started_at,
    greatest(case when s.schedule ->> 'fullOn' = 'never' then f.started_at else good.started_at end,
      s.schedule_set_at),
    catalog.outline_run(r, n.state, n.finished_at), catalog.outline_run(f, m.state, m.finished_at),
    coalesce(held.runs, '{}'), coalesce(reviews.prices, 0), coalesce(reviews.total, 0),
    coalesce(quarantine.total, 0), s.copied_run, s.copy_error,
    -- As find_settled_full_run, whose call for each source would take longer than all the rest.
    (select f.removals_off from catalog.runs f
      where f.source_id = s.id and f.kind = 'full' and f.ledger is not null order by f.id desc limit 1),
    s.failures, s.failure_class, s.failing_since, s.failed_at,
    catalog.find_earliest_run(s.failures, s.failed_at),
    case when s.schedule ->> 'fullOn' = 'never' then catalog.has_late_products(s.id, s.schedule) end,
    case when n.state = 'running' then catalog.find_longest_run(s.id) end
  from picked s
  left join lateral (
    select * from catalog.runs r where r.source_id = s.id and r.keys is null order by r.id desc limit 1
  ) r on true
  left join lateral (
    select * from catalog.runs f where f.source_id = s.id and f.kind = 'refresh' order by f.id desc limit 1
  ) f on true
  -- Called only for running runs, because of the offset.
  left join lateral (select * from catalog.derive_run_state(r) where r.state = 'running' offset 0) n on true
  left join lateral (select * from catalog.derive_run_state(f) where f.state = 'running' offset 0) m on true
  left join lateral (
    select started_at from catalog.runs g
    where g.source_id = s.id and g.state = 'succeeded' and (g.kind in ('full', 'incremental')
      or g.kind = 'refresh' and s.schedule ->> 'fullOn' = 'never')
    order by g.id desc limit 1
  ) good on true
  left join reviews on reviews.source_id = s.id
  left join quarantine on quarantine.source_id = s.id left join held on held.source_id = s.id
  order by s.name
$$;

-- load_status(source, after, limit) → the current run (null before the first) and a page of the sources, see
-- summarize_sources, of one source or of all, and the open circuit breakers, in one call.
create function catalog.load_status(
  p_source text, p_after text, p_limit integer, out run jsonb, out sources jsonb, out breakers jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select (select to_jsonb(r) from catalog.summarize_runs(array[catalog.find_current_run(p_source)]) r),
    (select coalesce(jsonb_agg(s order by s.source), '[]')
      from catalog.summarize_sources(p_source, p_after, p_limit) s),
    (select coalesce(jsonb_agg(b), '[]') from catalog.list_breakers() b)
$$;

-- count_source(source) → what `sources remove` would remove. Reads every product of the source.
create function catalog.count_source(p_source integer) returns table (
  products bigint, artifacts bigint, stored_bytes bigint, open_reviews bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select (select count(*) from catalog.products where source_id = p_source),
    (select count(*) from catalog.artifacts where source_id = p_source and state <> 'purged'),
    (select coalesce(sum(p.stored_bytes), 0)::bigint
      from catalog.parts p
      join catalog.artifacts a on a.source_id = p.source_id and a.run_id = p.run_id
      where p.source_id = p_source and a.state <> 'purged'),
    (select count(*) from catalog.reviews where source_id = p_source and state = 'open')
$$;

-- count_products(sources) → the products of these sources, or of all with null, by status. Reads every
-- product, which takes seconds on a catalogue of millions.
create function catalog.count_products(p_sources text[] default null)
returns table (source text, products jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name,
    '{"draft": 0, "active": 0, "unavailable": 0, "filtered": 0, "removed": 0}' || coalesce((
      select jsonb_object_agg(status, n) from (
        select status, count(*) as n from catalog.products p
        where p.source_id = s.id group by status) k), '{}')
  from (
    select id, name from catalog.sources where p_sources is null
    union all
    select s.id, s.name from unnest(p_sources) named join catalog.sources s on s.name = named
  ) s order by s.name
$$;

-- 20261122000071_lists.sql

-- Generated from supabase/schemas/71_lists.sql until the first release: do not edit.

-- The read model of artifacts, changes, reviews and quarantine. A list takes a limit and the key of the last
-- row that the caller has seen, so a page stays the same while rows are added, and reads an index.

-- list_artifacts(…) → artifacts, the newest first: of one source, of one run, or all with null, older than
-- `p_before`. One whose licence has ended is `purged`.
create function catalog.list_artifacts(
  p_source text, p_run bigint, p_before bigint, p_limit integer
) returns table (
  run bigint, source text, state text, complete boolean, expected bigint, warnings jsonb,
  parsing_warnings text, started_at timestamptz,
  parts bigint, lines bigint, raw_bytes bigint, stored_bytes bigint, latest boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.run_id, s.name, shown.state, a.complete, a.expected, shown.warnings,
    catalog.describe_parsing(a.source_id, a.run_id), r.started_at,
    p.parts, p.lines, p.raw_bytes, p.stored_bytes, s.latest_run is not distinct from a.run_id
  from catalog.runs r
  join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
  join catalog.sources s on s.id = r.source_id
  cross join lateral catalog.show_artifact(a) shown
  cross join lateral (
    select count(*) as parts, coalesce(sum(line_count), 0)::bigint as lines,
      coalesce(sum(raw_bytes), 0)::bigint as raw_bytes, coalesce(sum(stored_bytes), 0)::bigint as stored_bytes
    from catalog.parts p where p.source_id = a.source_id and p.run_id = a.run_id
  ) p
  where r.id = any (case
    when p_run is not null then array[p_run]
    when p_source is not null then array(
      select a.run_id from catalog.artifacts a join catalog.sources s on s.id = a.source_id
      where s.name = p_source and a.run_id < coalesce(p_before, catalog.max_id())
      order by a.run_id desc limit p_limit)
    else array(
      select r.id from catalog.runs r
      join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
      where r.id < coalesce(p_before, catalog.max_id()) order by r.id desc limit p_limit)
  end)
  order by r.id desc
$$;

-- describe_run(run) → one run with its artifact, its changes by kind (published or not), the open reviews
-- that it left, and the open quarantined records; no row for an unknown run.
--   diff              see summarize_run_diff; null unless the run is held
--   held_prices       open reviews of its prices, of `held_products` products; `open_reviews` counts the
--                     review of the run too
--   open_quarantine   records of its artifact; other_quarantine: records of other artifacts of the source,
--                     most of them of earlier runs
--   decision          of a person on the held run: state, by, at; null without one
--   imports           see load_import_results
create function catalog.describe_run(p_run bigint) returns table (
  run jsonb, artifact jsonb, changes jsonb, open_reviews bigint, held_prices bigint, held_products bigint,
  open_quarantine bigint, other_quarantine bigint, diff jsonb,
  decision jsonb, imports jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select to_jsonb(s),
    (select to_jsonb(a) from catalog.list_artifacts(null, r.artifact_run, null, 1) a),
    coalesce((select jsonb_object_agg(kind, n) from (
      select kind, count(*) as n from catalog.changes c
      where c.source_id = r.source_id and c.run_id = r.id and c.review_id = 0 group by kind) k), '{}'),
    v.reviews, v.prices, v.products, q.own, q.other,
    case r.state when 'held' then (select to_jsonb(d) from catalog.summarize_run_diff(r.id) d) end,
    (select jsonb_build_object('state', d.state, 'by', d.decided_by, 'at', d.decided_at)
      from catalog.reviews d
      where d.source_id = r.source_id and d.run_id = r.id and d.kind = 'run' and d.decided_by is not null),
    catalog.load_import_results(r)
  from catalog.summarize_runs(array[p_run]) s
  join catalog.runs r on r.id = s.id
  cross join lateral (
    select count(*) as reviews, count(*) filter (where v.kind in ('price', 'disagreement')) as prices,
      count(distinct v.product_external_id) filter (where v.kind in ('price', 'disagreement')) as products
    from catalog.reviews v where v.source_id = r.source_id and v.run_id = r.id and v.state = 'open'
  ) v
  cross join lateral (
    select count(*) filter (where q.artifact_run = r.artifact_run) as own,
      count(*) filter (where q.artifact_run <> r.artifact_run) as other
    from catalog.quarantine q where q.source_id = r.source_id and q.state = 'open'
  ) q
$$;

-- load_price_currencies(source, product, run, detail) → {price:<variant>:<type>: [before, after]}: the
-- currencies of the prices in the detail of a change. `before` is that of the newest price that an earlier
-- run published.
--   planned once in a session: planning takes longer than the rest
create function catalog.load_price_currencies(
  p_source integer, p_product text, p_run bigint, p_detail jsonb
) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
begin
  return (select coalesce(jsonb_object_agg(m.name, jsonb_build_array((
      select b.currency from catalog.prices b
      where b.source_id = p_source and b.product_external_id = p_product
        and b.variant_external_id = m.variant and b.price_type = m.type and b.run_id < p_run
        and b.state in ('current', 'past')
      order by b.run_id desc limit 1
    ), a.currency)), '{}')
  from (
    select name, split_part(name, ':', -1) as type,
      substr(name, 7, length(name) - 7 - length(split_part(name, ':', -1))) as variant
    from jsonb_object_keys(p_detail) name where name like 'price:%'
  ) m
  -- A price in disagreement has no row.
  left join catalog.prices a on a.source_id = p_source and a.product_external_id = p_product
    and a.variant_external_id = m.variant and a.price_type = m.type and a.run_id = p_run);
end $$;

-- list_changes(…) → the changes of one run by product, after the product `p_after`. The changes of a held run
-- are not published yet. A first load is one change, whose product is empty. Decisions of people are not in
-- it.
create function catalog.list_changes(p_run bigint, p_after text, p_limit integer) returns table (
  product text, title text, kind text, detail jsonb, currencies jsonb, published boolean,
  changed_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select c.product_external_id, catalog.show_title(p), c.kind, catalog.show_detail(c),
    catalog.load_price_currencies(c.source_id, c.product_external_id, c.run_id, c.detail),
    c.position is not null, c.changed_at
  from catalog.changes c
  left join catalog.products p on p.source_id = c.source_id and p.external_id = c.product_external_id
  where c.source_id = (select source_id from catalog.runs where id = p_run) and c.run_id = p_run
    and c.review_id = 0 and c.product_external_id >= coalesce(p_after, '')
    and c.product_external_id is distinct from p_after
  order by c.product_external_id limit p_limit
$$;

-- count_listed(list, source, run) → rows of all pages of a list: artifacts, changes or quarantine. Each
-- filter may be null.
create function catalog.count_listed(p_list text, p_source text, p_run bigint) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  of_source integer := (select id from catalog.sources where name = p_source);
begin
  return case p_list
    when 'artifacts' then (
      select count(*) from catalog.artifacts where p_source is null or source_id = of_source)
    when 'changes' then (
      select count(*) from catalog.changes
      where source_id = (select source_id from catalog.runs where id = p_run) and run_id = p_run
        and review_id = 0)
    when 'quarantine' then (
      select count(*) from catalog.quarantine
      where state = 'open' and (p_source is null or source_id = of_source))
  end;
end $$;

-- list_reviews(…) → open reviews, the oldest first, opened after the review `p_after`; the review `p_review`
-- in any state. Each filter may be null.
--   diff        of a held run: see summarize_run_diff
create function catalog.list_reviews(
  p_review bigint, p_source text, p_run bigint, p_kind text, p_after bigint, p_limit integer
) returns table (
  id bigint, source text, kind text, run bigint, product text, title text, variant text, price_type text,
  reason text, detail jsonb, state text, opened_at timestamptz, decided_at timestamptz, decided_by text,
  diff jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select v.id, s.name, v.kind, v.run_id, v.product_external_id, catalog.show_title(p), v.variant_external_id,
    v.price_type, shown.reason, shown.detail, v.state, v.opened_at, v.decided_at, v.decided_by,
    case when v.kind = 'run' and v.state = 'open'
      then (select to_jsonb(d) from catalog.summarize_run_diff(v.run_id) d) end
  from catalog.reviews v
  join catalog.sources s on s.id = v.source_id
  cross join lateral catalog.show_review(v) shown
  left join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
  where (v.state = 'open' or p_review is not null) and v.id > coalesce(p_after, 0)
    and (p_review is null or v.id = p_review)
    and (p_source is null or s.name = p_source) and (p_run is null or v.run_id = p_run)
    and (p_kind is null or v.kind = p_kind)
  order by v.id limit p_limit
$$;

-- list_quarantine(…) → open quarantined records, the newest first: of one source or of all with null, older
-- than `p_before`.
create function catalog.list_quarantine(p_source text, p_before bigint, p_limit integer) returns table (
  id bigint, source text, artifact_run bigint, part integer, line integer, byte_offset bigint,
  byte_length bigint, product text, rule text, message text, created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id, s.name, q.artifact_run, q.part_no, q.line_no, q.byte_offset, q.byte_length,
    q.external_id, q.rule, (catalog.show_record(q)).message, q.created_at
  from catalog.quarantine q
  join catalog.sources s on s.id = q.source_id
  where q.state = 'open' and q.id < coalesce(p_before, catalog.max_id())
    and (p_source is null or s.name = p_source)
  order by q.id desc limit p_limit
$$;

-- find_quarantined_record(id) → one quarantined record in any state, with at most the first 64 KiB of its
-- bytes. No role for processes may call this: it returns the supplier's record.
--   last_run    run that quarantined it last; closed_run: run that closed it, null while it is open
--   again       newest quarantined record of the same product after it
create function catalog.find_quarantined_record(p_id bigint) returns table (
  id bigint, source text, state text, rule text, message text, product text, artifact_run bigint,
  artifact_state text, part integer, line integer, byte_offset bigint, byte_length bigint, raw bytea,
  last_run bigint, closed_run bigint, again bigint, created_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select q.id, s.name, q.state, q.rule, shown.message, q.external_id, q.artifact_run,
    (catalog.show_artifact(a)).state, q.part_no, q.line_no, q.byte_offset, q.byte_length, shown.raw, q.run_id,
    case when q.state <> 'open' then q.closed_run end, (
      select max(n.id) from catalog.quarantine n
      where n.source_id = q.source_id and n.external_id = q.external_id and n.id > q.id),
    q.created_at
  from catalog.quarantine q
  join catalog.sources s on s.id = q.source_id
  cross join lateral catalog.show_record(q) shown
  left join catalog.artifacts a on a.source_id = q.source_id and a.run_id = q.artifact_run
  where q.id = p_id
$$;

-- 20261122000072_metrics.sql

-- Generated from supabase/schemas/72_metrics.sql until the first release: do not edit.

-- Readers for the metrics.

-- count_week_runs() → for each source with runs that started in the last seven days, imports apart:
--   runs           those that requested the supplier and ended, other than cancelled and superseded ones
--   failures       those that failed, by error code; src/core/error-budget.ts has the meaning of each
create function catalog.count_week_runs() returns table (source_id integer, runs bigint, failures jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select source_id, sum(n)::bigint,
    coalesce(jsonb_object_agg(coalesce(error_code, 'internal'), n) filter (where state = 'failed'), '{}')
  from (
    select r.source_id, r.state, r.error_code, count(*) as n from catalog.runs r
    where r.started_at > now() - interval '7 days' and r.kind in ('full', 'incremental', 'refresh')
      and r.state in ('succeeded', 'held', 'rejected', 'partial', 'fetched', 'failed')
    group by r.source_id, r.state, r.error_code
  ) ended group by source_id
$$;

-- measure_sources() → each source by name. The columns of the active run are null without one.
--   ledger       of the newest run that settled
--   removals_off label of the reason why the newest full run could not detect missing products
--   open_state   state of the run that is active, or that the next sync resumes
--   copy_broken  the last attempt to write latest.ndjson failed
--   week_runs, week_failures  see count_week_runs
create function catalog.measure_sources() returns table (
  id integer, source text, age_seconds double precision, schedule jsonb, due_since timestamptz,
  late_products boolean, longest_seconds double precision, ledger jsonb, reviews bigint,
  quarantine bigint, held_runs integer,
  copy_failures integer, copy_broken boolean, removals_off text, open_state text, failures integer,
  failure_class text, week_runs bigint, week_failures jsonb,
  expected bigint, fetched bigint, applied bigint, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.id, s.name,
    case s.state when 'active'
      then extract(epoch from clock_timestamp() - coalesce(summary.last_good_at, s.created_at)) end,
    s.schedule, summary.due_since, summary.late_products, summary.longest_seconds,
    (select l.ledger from catalog.runs l where l.source_id = s.id and l.ledger is not null
      order by l.id desc limit 1),
    summary.open_reviews, summary.open_quarantine, cardinality(summary.held_runs), s.copy_failures,
    s.copy_error is not null,
    (select case when a.complete then 'unreadable' else 'incomplete' end
      from catalog.find_settled_full_run(s.id) f
      join catalog.artifacts a on a.source_id = f.source_id and a.run_id = f.artifact_run
      where f.removals_off is not null),
    (select n.state from catalog.runs o cross join lateral catalog.derive_run_state(o) n
      where o.source_id = s.id and o.state in ('running', 'interrupted', 'fetched') and o.keys is null),
    s.failures, s.failure_class, coalesce(week.runs, 0), coalesce(week.failures, '{}'),
    active.*
  from catalog.summarize_sources(null) summary
  join catalog.sources s on s.id = summary.id
  left join catalog.count_week_runs() week on week.source_id = s.id
  left join lateral (
    select a.expected, p.fetched,
      (select coalesce(sum(lines_done), 0)::bigint from catalog.checkpoints c
        where c.source_id = s.id and c.run_id = r.id),
      -- Minus the bytes that an earlier end of the same run has counted.
      p.bytes - (select coalesce(sum(bytes), 0)::bigint from catalog.run_ends e
        where e.source_id = s.id and e.run_id = r.id)
    from catalog.runs r
    left join catalog.artifacts a on a.source_id = s.id and a.run_id = r.artifact_run
    cross join lateral (
      select coalesce(sum(line_count), 0)::bigint as fetched,
        coalesce(sum(raw_bytes) filter (where p.run_id = r.id), 0)::bigint as bytes
      from catalog.parts p where p.source_id = s.id and p.run_id = r.artifact_run
    ) p
    where r.source_id = s.id and r.state in ('running', 'interrupted') and r.keys is null
  ) active on true
  order by s.name
$$;

-- list_run_ends(after) → ends of runs after the end number `p_after`, the oldest first, at most 5,000. A run
-- that settled has a ledger.
create function catalog.list_run_ends(p_after bigint) returns table (
  no bigint, source_id integer, state text, seconds double precision, ledger jsonb, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.no, e.source_id, e.state, e.seconds,
    case when e.state in ('succeeded', 'held') then r.ledger end, e.bytes
  from catalog.run_ends e
  join catalog.runs r on r.source_id = e.source_id and r.id = e.run_id
  where e.no > p_after order by e.no limit 5000
$$;

-- measure_work() → {reviews, models, breakers, images}: the queues of work besides runs, as objects by kind.
--   reviews     open ones by kind: {count, seconds}, the age of the oldest
--   models      products that wait for a language model, or have failed attempts: {waiting, retried, seconds}
--   breakers    circuit breakers that are not closed, by scope: {open, half-open, seconds} since the oldest
--   images      seconds since the oldest image was due; null if none waits
create function catalog.measure_work() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'reviews', (
      select coalesce(jsonb_object_agg(kind, jsonb_build_object('count', n, 'seconds', seconds)), '{}')
      from (
        select r.kind, count(*) as n, extract(epoch from clock_timestamp() - min(r.opened_at)) as seconds
        from catalog.reviews r where r.state = 'open' group by r.kind) k),
    'models', (
      select jsonb_build_object('waiting', count(*) filter (where w.attempts = 0),
        'retried', count(*) filter (where w.attempts > 0),
        'seconds', coalesce(greatest(extract(epoch from clock_timestamp() - min(w.due_at)), 0), 0))
      from catalog.enrichment_work w where w.due_at is not null),
    'breakers', (
      select coalesce(jsonb_object_agg(scope, jsonb_build_object(
        'open', open, 'half-open', half_open, 'seconds', seconds)), '{}')
      from (
        select b.scope, count(*) filter (where b.state = 'open') as open,
          count(*) filter (where b.state = 'half-open') as half_open,
          extract(epoch from clock_timestamp() - min(b.opened_at)) as seconds
        from catalog.list_breakers() b group by b.scope) k),
    'images', (
      select greatest(extract(epoch from clock_timestamp() - min(c.due_at)), 0)
      from catalog.image_channels c
      where c.due_at is not null and c.flagged_at is null
        and coalesce(c.paused_until, c.due_at) <= clock_timestamp()))
$$;

-- measure_storage() → {database, sources: {source: bytes}}: the size of the database, and of the archived
-- parts of each source in the store or in their rows. Reads every part, so call it rarely.
create function catalog.measure_storage() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('database', pg_database_size(current_database()), 'sources', (
    select coalesce(jsonb_object_agg(s.name, coalesce(stored.bytes, 0)), '{}')
    from catalog.sources s
    left join (
      select p.source_id, sum(p.stored_bytes)::bigint as bytes
      from catalog.artifacts a
      join catalog.parts p on p.source_id = a.source_id and p.run_id = a.run_id
      where a.state <> 'purged' group by p.source_id
    ) stored on stored.source_id = s.id))
$$;

-- 20261122000073_explain.sql

-- Generated from supabase/schemas/73_explain.sql until the first release: do not edit.

-- The read model of one product, for the command `explain` and the page of the product. It contains the
-- supplier's record and the names of people, so of the roles for processes only that of the dashboard may
-- call these functions.

-- list_gtin_spellings(text) → the spellings of a GTIN with and without leading zeros; only the text itself if
-- it is not a number.
create function catalog.list_gtin_spellings(p_text text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_text ~ '^[0-9]{1,14}$'
    then array[p_text] || array(
      select lpad(ltrim(p_text, '0'), n, '0') from unnest(array[8, 12, 13, 14]) n
      where length(ltrim(p_text, '0')) <= n)
    else array[p_text] end
$$;

-- find_products(source, text) → the products that the text names, by id.
--   matched     the column that has the text: id, uuid (of api.products), sku or gtin of a variant, or the
--               name of an identifier. A product with this id is the only result; identifiers are searched if
--               no other column has the text, which reads every product of the source
create function catalog.find_products(p_source integer, p_text text)
returns table (external_id text, title text, status text, matched text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select p.external_id, catalog.show_title(p), p.status, 'id'
    from catalog.products p where p.source_id = p_source and p.external_id = p_text;
  if found then
    return;
  end if;
  if p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return query select p.external_id, catalog.show_title(p), p.status, 'uuid' from catalog.products p
      where md5(p.source_id::text || ' ' || p.external_id)::uuid = p_text::uuid and p.source_id = p_source;
  end if;
  return query select distinct on (p.external_id) p.external_id, p.title, p.status,
      case when v.sku = p_text then 'sku' else 'gtin' end
    from catalog.variants v
    join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
    where v.source_id = p_source and (p.expires_at is null or p.expires_at > now())
      and (v.sku = p_text or v.gtin = any (catalog.list_gtin_spellings(p_text)))
    order by p.external_id, v.sku = p_text desc;
  if found then
    return;
  end if;
  return query select p.external_id, p.title, p.status, min(i.key)
    from catalog.products p cross join lateral jsonb_each(p.identifiers) i
    where p.source_id = p_source and (p.expires_at is null or p.expires_at > now())
      and (i.value = to_jsonb(p_text) or jsonb_typeof(i.value) = 'array' and i.value ? p_text)
    group by p.source_id, p.external_id order by p.external_id;
end $$;

-- list_product_prices(source, product, limit) → prices of the product, the newest `p_limit` of each variant
-- and type, with the place of the record that stated them.
--   since_at    when the price became current: at once, at the end of a run, or by a decision
--   review      open review of a held price; deciding_run: held run that a pending price waits for
create function catalog.list_product_prices(p_source integer, p_product text, p_limit integer) returns table (
  variant text, sku text, price_type text, amount_minor bigint, currency text, compare_at_minor bigint,
  state text, run bigint, observed_at timestamptz, since_at timestamptz, artifact_run bigint,
  artifact_state text, part integer, line integer, review bigint, reason text, deciding_run bigint,
  decision text, decided text, decided_by text, decided_at timestamptz, decided_reason text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.variant_external_id, v.sku, p.price_type, p.amount_minor, p.currency, p.compare_at_minor, p.state,
    p.run_id, p.observed_at,
    case when p.state in ('current', 'past')
      then coalesce(d.decided_at, settled.finished_at, p.observed_at) end,
    r.artifact_run, (catalog.show_artifact(a)).state, p.part_no, p.line_no, o.id, o.reason,
    case when p.state = 'pending' then (
      select max(h.id) from catalog.runs h
      where h.source_id = p_source and h.state = 'held'
        and (h.id = p.run_id or h.keys is null and h.id > p.run_id)) end,
    d.decision, d.decided, d.decided_by, d.decided_at, d.reason
  from (
    select w.*, row_number() over (
      partition by w.variant_external_id, w.price_type order by w.run_id desc) as age
    from catalog.prices w where w.source_id = p_source and w.product_external_id = p_product
  ) p
  join catalog.runs r on r.source_id = p_source and r.id = p.run_id
  left join catalog.artifacts a on a.source_id = p_source and a.run_id = r.artifact_run
  left join catalog.runs settled on settled.source_id = p_source and settled.id = p.settled_run
  left join catalog.variants v on v.source_id = p_source and v.product_external_id = p_product
    and v.external_id = p.variant_external_id
  left join catalog.reviews o on p.state = 'held' and o.source_id = p_source and o.state = 'open'
    and o.run_id = p.run_id and o.product_external_id = p_product
    and o.variant_external_id = p.variant_external_id and o.price_type = p.price_type
  left join lateral (
    select * from catalog.price_decisions d
    where d.source_id = p_source and d.product_external_id = p_product
      and d.variant_external_id = p.variant_external_id and d.price_type = p.price_type
      and d.run_id = p.run_id
    order by d.decided_at desc limit 1
  ) d on true
  where (p.age <= p_limit or p.state in ('current', 'pending', 'held'))
    and (p.expires_at is null or p.expires_at > now()) and catalog.is_shown(p_source, p_product)
  order by v.position, p.variant_external_id, p.price_type, p.run_id desc
$$;

-- list_product_changes(source, product, limit) → the newest changes that runs made to the product.
create function catalog.list_product_changes(p_source integer, p_product text, p_limit integer)
returns table (
  run bigint, run_state text, kind text, detail jsonb, currencies jsonb, published boolean,
  changed_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.run_id, r.state, c.kind, catalog.show_detail(c),
    catalog.load_price_currencies(p_source, p_product, c.run_id, c.detail),
    c.position is not null, c.changed_at
  from catalog.changes c join catalog.runs r on r.source_id = p_source and r.id = c.run_id
  where c.source_id = p_source and c.product_external_id = p_product
  order by c.run_id desc limit p_limit
$$;

-- list_product_runs(source, product, limit) → the newest settled full runs since the product exists, up to
-- the one that removed it: whether each saw the product, and what it counted.
--   removes     the run is held, and approving it removes the product, see list_run_removals
create function catalog.list_product_runs(p_source integer, p_product text, p_limit integer) returns table (
  run bigint, state text, started_at timestamptz, saw boolean, expected bigint, fetched bigint,
  removed bigint, missing bigint, removals_off text, decided_by text, decided_at timestamptz,
  removes boolean
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.id, r.state, r.started_at,
    case when p.seq < 8 * length(r.seen) then get_bit(r.seen, p.seq) = 1 else false end,
    (r.ledger ->> 'expected')::bigint, (r.ledger ->> 'fetched')::bigint, (r.ledger ->> 'removed')::bigint,
    (r.ledger ->> 'missing')::bigint, r.removals_off, v.decided_by, v.decided_at,
    case when r.state = 'held' then p.status <> 'removed'
      and case when p.seq < 8 * length(r.seen) then get_bit(r.seen, p.seq) = 0 else true end
      and p.run_id <= r.id and p.run_id <> all (catalog.list_keyed_runs_beside(p_source, r.id))
      and catalog.proves_missing(catalog.load_run_facts(p_source, r.id))
    else false end
  from catalog.products p
  join catalog.runs r on r.source_id = p_source and r.kind = 'full' and r.seen is not null
    and r.finished_at >= p.first_seen_at and (p.status <> 'removed' or r.id <= p.run_id)
  left join catalog.reviews v on v.source_id = p_source and v.kind = 'run' and v.run_id = r.id
    and v.state in ('approved', 'rejected')
  where p.source_id = p_source and p.external_id = p_product
  order by r.id desc limit p_limit
$$;

-- explain_product(source, product, limit) → everything that explains the state of a product, the newest
-- `p_limit` of each list.
--   product     null if the catalogue does not have it: its record may be in quarantine
--   reviews     disagreements and proposals, open or decided by a person
--   miss        the complete run that did not see it; the next one that does not see it either removes it
create function catalog.explain_product(p_source integer, p_product text, p_limit integer) returns table (
  product jsonb, prices jsonb, changes jsonb, runs jsonb, miss jsonb, quarantine jsonb, reviews jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select
    (select jsonb_build_object('id', md5(p.source_id::text || ' ' || p.external_id)::uuid,
        'external_id', p.external_id, 'status', p.status, 'title', catalog.show_title(p),
        'source_updated_at', p.source_updated_at, 'first_seen_at', p.first_seen_at,
        'changed_at', p.changed_at, 'last_available_at', p.last_available_at, 'expires_at', p.expires_at,
        'normaliser_version', p.normaliser_version,
        'warnings', case when p.expires_at <= now() then null else p.warnings end,
        'provenance', case when p.expires_at <= now() then null else p.provenance end, 'run_id', p.run_id,
        'part_no', p.part_no, 'line_no', p.line_no, 'artifact_state', (
          select (catalog.show_artifact(a)).state from catalog.artifacts a
          where a.source_id = p_source and a.run_id = p.run_id))
      from catalog.products p where p.source_id = p_source and p.external_id = p_product),
    (select coalesce(jsonb_agg(t), '[]') from catalog.list_product_prices(p_source, p_product, p_limit) t),
    (select coalesce(jsonb_agg(t), '[]') from catalog.list_product_changes(p_source, p_product, p_limit) t),
    (select coalesce(jsonb_agg(t), '[]') from catalog.list_product_runs(p_source, p_product, p_limit) t),
    (select to_jsonb(m) from catalog.misses m where m.source_id = p_source and m.external_id = p_product),
    (select coalesce(jsonb_agg(t), '[]') from (
      select q.id, q.state, q.rule, (catalog.show_record(q)).message, q.artifact_run,
        q.part_no as part, q.line_no as line,
        q.created_at
      from catalog.quarantine q where q.source_id = p_source and q.external_id = p_product
      order by q.id desc limit p_limit) t),
    (select coalesce(jsonb_agg(t), '[]') from (
      select v.id, v.kind, v.state, v.run_id as run, v.variant_external_id as variant, v.price_type,
        shown.reason, shown.detail, v.opened_at, v.decided_at, v.decided_by
      from catalog.reviews v cross join lateral catalog.show_review(v) shown
      where v.source_id = p_source and v.product_external_id = p_product
        and v.kind in ('disagreement', 'proposal') and v.state <> 'superseded'
      order by v.id desc limit p_limit) t)
$$;

-- load_record(source, product) → the record of the product as indented text; null without one, and once its
-- licence has ended.
create function catalog.load_record(p_source integer, p_product text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_pretty(raw::jsonb) from catalog.products
  where source_id = p_source and external_id = p_product and (expires_at is null or expires_at > now())
$$;

-- 20261122000074_products.sql

-- Generated from supabase/schemas/74_products.sql until the first release: do not edit.

-- The read model of products, for searches and exports, and of published changes.

-- list_products(…) → the products of a source by id, after the product `p_after`. Expired ones are left out.
--   words       each is part of the title, or is the id, a SKU or a GTIN; upper and lower case are alike, and
--               so are GTINs with and without leading zeros
--   statuses    only products in these
create function catalog.list_products(
  p_source integer, p_words text[], p_statuses text[], p_after text, p_limit integer
) returns table (
  product text, status text, title text, description text, brand text, manufacturer text, url text,
  identifiers jsonb, attributes jsonb, successor text, source_updated_at timestamptz,
  first_seen_at timestamptz, changed_at timestamptz, variants jsonb, images jsonb
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    with words as (
      select lower(w) as word, n from unnest(p_words) with ordinality w (w, n)
    ), coded as materialized (
      select w.n, v.product_external_id
      from words w
      join catalog.variants v on v.source_id = p_source and v.removed_at is null
        and (lower(v.sku) = w.word or ltrim(v.gtin, '0') = ltrim(w.word, '0'))
    ), page as (
      select p.* from catalog.products p
      where p.source_id = p_source and p.external_id > coalesce(p_after, '')
        and p.status = any (p_statuses) and (p.expires_at is null or p.expires_at > now())
        and (cardinality(p_words) = 0 or not exists (
          select from words w
          where not (coalesce(position(w.word in lower(p.title)) > 0, false)
            or lower(p.external_id) = w.word
            or (w.n, p.external_id) in (select c.n, c.product_external_id from coded c))))
      order by p.external_id limit p_limit
    )
    select p.external_id, p.status, p.title, p.description, p.brand, p.manufacturer, p.url, p.identifiers,
      p.attributes, p.successor, p.source_updated_at, p.first_seen_at, p.changed_at,
      catalog.list_shown_variants(p_source, p.external_id), catalog.list_shown_images(p_source, p.external_id)
    from page p order by p.external_id;
end $$;

-- list_price_types(source) → the types of the current prices of the source, by name.
create function catalog.list_price_types(p_source integer) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select distinct price_type from catalog.prices
  where source_id = p_source and state = 'current' and amount_minor is not null order by price_type
$$;

-- list_published_changes(…) → published changes of all sources, the newest first, before the position
-- `p_before`. Each filter may be null.
create function catalog.list_published_changes(
  p_source integer, p_since timestamptz, p_kind text, p_before bigint, p_limit integer
) returns table (
  place bigint, source text, run bigint, product text, title text, kind text, detail jsonb,
  currencies jsonb, changed_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    with page as (
      select * from catalog.changes c
      where c.position is not null and c.position < coalesce(p_before, catalog.max_id())
        and (p_source is null or c.source_id = p_source) and (p_kind is null or c.kind = p_kind)
        and (p_since is null or c.changed_at >= p_since)
      order by c.position desc limit p_limit
    )
    select c.position, s.name, c.run_id, c.product_external_id, catalog.show_title(p), c.kind,
      case when c.expires_at <= now() then catalog.hide_detail(c.detail) else c.detail end,
      catalog.load_price_currencies(c.source_id, c.product_external_id, c.run_id, c.detail), c.changed_at
    from page c
    join catalog.sources s on s.id = c.source_id
    left join catalog.products p on p.source_id = c.source_id and p.external_id = c.product_external_id
    order by c.position desc;
end $$;

-- 20261122000075_source_survey.sql

-- Generated from supabase/schemas/75_source_survey.sql until the first release: do not edit.

-- The survey of all sources: which ones need a person most, and totals, without a summary of each.

-- rank_sources() → the urgency of each source: 6 a run is held, 5 flagged, 4 late by its stored due time,
-- 3 failed, 2 has something open, 1 runs, 0 nothing; a paused one only 6, 2 (held prices) or 0. Reads the
-- newest run of each source and nothing else of it, and what is open.
--   run_state    state of that run as of now, or of the newest refresh of a source that only has refreshes;
--                'without a run' before the first
--   unknown_due  active, and no scheduler has stored its due time
create function catalog.rank_sources() returns table (
  name text, urgency integer, run_state text, unknown_due boolean
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with prices as (
    select distinct source_id from catalog.reviews where state = 'open' and kind in ('price', 'disagreement')
  ), unverified as (
    select off.source_id
    from (select distinct source_id from catalog.runs where removals_off is not null) off
    cross join lateral catalog.find_settled_full_run(off.source_id) f
    where f.removals_off is not null
  ), noted as (
    select source_id from prices
    union select source_id from catalog.quarantine where state = 'open'
    union select source_id from unverified
    union select id from catalog.sources where copy_error is not null
  )
  select s.name,
    case
      when s.id in (select source_id from catalog.runs where state = 'held') then 6
      when s.state = 'paused' then case when s.id in (select source_id from prices) then 2 else 0 end
      when catalog.is_flagged(s.failures) then 5
      when s.due_at < now() - interval '1 hour' then 4
      when s.schedule ->> 'fullOn' = 'never' and catalog.has_late_products(s.id, s.schedule) then 4
      when s.failures > 0 or r.state = 'failed' then 3
      when s.id in (select source_id from noted) then 2
      when r.state in ('running', 'interrupted', 'fetched') then 1
      else 0
    end,
    coalesce(n.state, r.state, m.state, f.state, 'without a run'),
    s.state = 'active' and s.due_at is null and s.schedule ->> 'fullOn' is distinct from 'never'
  from catalog.sources s
  left join lateral (
    select * from catalog.runs r where r.source_id = s.id and r.keys is null order by r.id desc limit 1
  ) r on true
  left join lateral (
    select * from catalog.runs f
    where s.schedule ->> 'fullOn' = 'never' and f.source_id = s.id and f.kind = 'refresh'
    order by f.id desc limit 1
  ) f on true
  -- Called only for running runs, because of the offset.
  left join lateral (
    select state from catalog.derive_run_state(r) where r.state = 'running' offset 0
  ) n on true
  left join lateral (
    select state from catalog.derive_run_state(f) where f.state = 'running' offset 0
  ) m on true
$$;

-- survey_sources(limit) → up to `p_limit` sources, or all with null, the most urgent first, then by name, and
-- totals of all.
--   sources     [{source, urgency}], see rank_sources. Beyond the limit, up to 500 whose due time is not
--               stored: the caller computes whether they are late
--   needing     number of sources with an urgency of 2 or more
--   unexamined  number of sources whose due time is not stored, beyond those 500
--   states      number of sources by `run_state`
create function catalog.survey_sources(p_limit integer) returns table (
  sources jsonb, total bigint, needing bigint, unexamined bigint, states jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with ranked as materialized (
    select * from catalog.rank_sources()
  ), listed as (
    (select name, urgency from ranked order by urgency desc, name limit p_limit)
    union
    (select name, urgency from ranked where unknown_due order by name limit 500)
  )
  select
    (select coalesce(jsonb_agg(jsonb_build_object('source', name, 'urgency', urgency)
      order by urgency desc, name), '[]') from listed),
    count(*), count(*) filter (where urgency >= 2),
    greatest(count(*) filter (where unknown_due) - 500, 0),
    (select coalesce(jsonb_object_agg(run_state, n), '{}')
      from (select run_state, count(*) as n from ranked group by run_state) k)
  from ranked
$$;

-- 20261122000076_freshness.sql

-- Generated from supabase/schemas/76_freshness.sql until the first release: do not edit.

-- Counts of the products of a source that refreshes its due products, and the number that its quota can keep
-- fresh.

-- measure_freshness(source, interval, now) → one row; none for a source that does not refresh due products.
-- Counts every product of the source.
--   products    those that are refreshed, `hot` of them more often
--   due         now; late: see has_late_products
--   oldest_at   the request that returned the oldest content
--   capacity    number of products that the quota keeps fresh even when one request in twenty fails: each
--               needs its turn within nine tenths of the time after which it is due (18 hours of 20). Hot
--               ones use more turns. Null without a quota
--   p_interval  between two refreshes
create function catalog.measure_freshness(
  p_source text, p_interval interval, p_now timestamptz default clock_timestamp()
) returns table (
  products bigint, hot bigint, due bigint, late bigint, oldest_at timestamptz, capacity bigint,
  per_day integer, left_today integer, sharing bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.*, (
      select floor(least(
          (s.schedule #>> '{refresh,atMost}')::double precision * turn.seconds
            / extract(epoch from p_interval),
          turn.seconds / 86400 * q.share * least(q.per_day, q.per_second * 86400) * q.products_per_request)
        -- A hot product takes the turns of several others.
        - r.hot * (extract(epoch from a.age) / extract(epoch from a.hot_age) - 1))::bigint),
    q.per_day, q.left_today, q.sharing
  from catalog.sources s
  cross join lateral catalog.load_refresh_ages(s.schedule) a
  cross join lateral (select 0.9 * extract(epoch from a.age) as seconds) turn
  cross join lateral (
    select count(*) as products, count(*) filter (where r.hot) as hot,
      count(*) filter (where r.due_at <= p_now) as due,
      count(*) filter (where r.read_at < p_now - 1.2 * a.age or r.hot and r.due_at < p_now - a.hot_age)
        as late,
      min(r.read_at) as oldest_at
    from catalog.product_reads r where r.source_id = s.id
  ) r
  left join lateral catalog.load_quota(s.id, p_now) q on true
  where s.name = p_source and a.age is not null
$$;

-- 20261122000077_source_healths.sql

-- Generated from supabase/schemas/77_source_healths.sql until the first release: do not edit.

-- The facts by which the health of a source is judged, beside its summary: results of runs, failures beside
-- the run, and the use of quotas. src/sources/health-parts.ts describes them.

-- count_changes_today() → for each source: products that runs which ended today, by UTC, have created,
-- updated or removed, imports apart.
create function catalog.count_changes_today() returns table (source_id integer, changes bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.source_id, coalesce(sum((r.ledger ->> 'created')::bigint + (r.ledger ->> 'updated')::bigint
      + (r.ledger ->> 'removed')::bigint), 0)::bigint
  from catalog.runs r
  where r.started_at > now() - interval '7 days' and r.kind in ('full', 'incremental', 'refresh')
    and r.finished_at >= catalog.to_day(now())::timestamp at time zone 'UTC'
  group by r.source_id
$$;

-- count_failing_images() → for each source with such images: those whose newest 1,000 failed addresses have
-- failed for good, and the flagged hosts that its waiting images come from.
create function catalog.count_failing_images() returns table (
  source_id integer, failed bigint, flagged_hosts text[]
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with failed as (
    select i.source_id, count(*) as images
    from (select id from catalog.image_addresses where state = 'failed' order by id desc limit 1000) a
    join catalog.images i on i.address_id = a.id
    group by i.source_id
  ), flagged as (
    select i.source_id, array_agg(distinct l.host order by l.host) as hosts
    from catalog.image_channels l
    cross join lateral (
      select a.id from catalog.image_addresses a
      where a.channel = l.channel and a.state = 'waiting' order by a.due_at limit 100
    ) a
    join catalog.images i on i.address_id = a.id
    where l.flagged_at is not null
    group by i.source_id
  )
  select source_id, coalesce(f.images, 0), coalesce(g.hosts, '{}')
  from failed f full join flagged g using (source_id)
$$;

-- source_healths(sources) → the named sources, or all with null, by name. Counts no products, so the
-- cost depends on the number of sources and of their runs in a week only.
--   summary        see summarize_sources
--   result         newest run of the whole source (of a source that only has refreshes: the newest refresh)
--                  that succeeded, failed, is held or was rejected: {id, state, reason, error_code,
--                  finished_at}; null without one
--   runs, failures  see count_week_runs
--   changes_today   see count_changes_today
--   failed_images, flagged_hosts  see count_failing_images
--   quota, used    requests of a day that the supplier allows, and those of this day in UTC; null without a
--                  quota
create function catalog.source_healths(p_sources text[] default null)
returns table (
  source text, summary jsonb, settings jsonb, result jsonb, runs bigint, failures jsonb,
  changes_today bigint, failed_images bigint, flagged_hosts text[], quota integer, used integer
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, to_jsonb(summary), s.settings, result.run, coalesce(w.runs, 0), coalesce(w.failures, '{}'),
    coalesce(t.changes, 0), coalesce(i.failed, 0), coalesce(i.flagged_hosts, '{}'), q.per_day,
    case when q.per_day is not null then coalesce(l.used, 0) end
  from catalog.summarize_sources(null, p_sources => p_sources) summary
  join catalog.sources s on s.id = summary.id
  left join lateral (
    select jsonb_build_object('id', r.id, 'state', r.state, 'error_code', r.error_code,
      'reason', case r.state when 'failed' then catalog.show_reason(r) else r.reason end,
      'finished_at', r.finished_at) as run
    from catalog.runs r
    where r.source_id = s.id and r.state in ('succeeded', 'held', 'failed', 'rejected')
      and (r.keys is null or r.kind = 'refresh' and s.schedule ->> 'fullOn' = 'never')
    order by r.id desc limit 1
  ) result on true
  left join catalog.count_week_runs() w on w.source_id = s.id
  left join catalog.count_changes_today() t on t.source_id = s.id
  left join catalog.count_failing_images() i on i.source_id = s.id
  left join catalog.source_quotas q on q.source_id = s.id
  left join catalog.limits l on l.scope = q.scope and l.key = q.key and l.day = catalog.to_day(now())
  order by s.name
$$;

-- list_source_runs(sources, limit) → the newest `p_limit` runs of the whole of each named source, and the
-- refreshes of a source that has only those, the oldest first.
--   ledger      null before the run settles
--   bytes       that it has archived, before compression
create function catalog.list_source_runs(p_sources text[], p_limit integer) returns table (
  source text, id bigint, kind text, state text, started_at timestamptz, finished_at timestamptz,
  ledger jsonb, bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, r.id, r.kind, r.state, r.started_at, r.finished_at, r.ledger,
    (select coalesce(sum(p.raw_bytes), 0)::bigint from catalog.parts p
      where p.source_id = r.source_id and p.run_id = r.id)
  from unnest(p_sources) named
  join catalog.sources s on s.name = named
  cross join lateral (
    select * from catalog.runs r
    where r.source_id = s.id and (r.keys is null or r.kind = 'refresh' and s.schedule ->> 'fullOn' = 'never')
    order by r.id desc limit p_limit
  ) r
  order by s.name, r.id
$$;

-- 20261122000078_operation.sql

-- Generated from supabase/schemas/78_operation.sql until the first release: do not edit.

-- The read model of runs and of the whole service for a person: when the work of a run was done and when it
-- waited, the workers, what is stored, and the hosts that fail.

-- load_run_times(run) → when the run's work began and ended; no row for an unknown run.
--   closed_at       end of the fetch; null while it lasts, and of a replay, which fetches nothing
--   parts           of the artifact that the run applies; `applied` of them completely
--   review_opened   when the run was held; decided: when that ended, by whom, see catalog.reviews
--   judged          {facts, policy} of the judgement that held the run: see list_hold_reasons
--   latest          the newest run of its source, for the link to it
create function catalog.load_run_times(p_run bigint) returns table (
  connector text, by_schedule boolean, queued boolean, started_at timestamptz, last_started_at timestamptz,
  settle_began_at timestamptz, finished_at timestamptz, closed_at timestamptz, parts integer, applied integer,
  review bigint, review_state text, review_opened_at timestamptz, review_decided_at timestamptz,
  review_decided_by text, judged jsonb, latest bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.connector, r.by_schedule, r.queued, r.started_at, r.last_started_at, r.settle_began_at,
    r.finished_at, case when r.artifact_run = r.id then a.closed_at end, (
      select count(*)::integer from catalog.parts p
      where p.source_id = r.source_id and p.run_id = r.artifact_run), (
      select count(*)::integer from catalog.checkpoints c
      where c.source_id = r.source_id and c.run_id = r.id and c.done),
    v.id, v.state, v.opened_at, v.decided_at, v.decided_by, v.detail - '{approvedBy,approvedAt}'::text[], (
      select l.id from catalog.runs l
      where l.source_id = r.source_id and l.keys is null order by l.id desc limit 1)
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
  left join catalog.reviews v on v.source_id = r.source_id and v.run_id = r.id and v.kind = 'run'
  where r.id = p_run
$$;

-- list_run_parts(run, after, limit, size) → the parts of the artifact that the run applies, in groups of
-- `p_size` parts that follow each other, after the part `p_after`.
--   requested_at  of the first part; for a replay, the times of the fetch are null
--   waited        seconds in which the fetch waited to send a request
--   began_at      when a worker began to apply the first of them; saved_at: the last commit
--   applied       lines that are applied; done: all parts are
--   outcomes      their lines by outcome
create function catalog.list_run_parts(
  p_run bigint, p_after integer, p_limit integer, p_size integer default 1
) returns table (
  first_no integer, last_no integer, lines bigint, raw_bytes bigint, stored_bytes bigint,
  requested_at timestamptz, arrived_at timestamptz, archived_at timestamptz, waited double precision,
  began_at timestamptz, saved_at timestamptz, applied bigint, done boolean, outcomes jsonb, sha256 text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with shown as materialized (
    select p.*, c.began_at, c.saved_at, c.lines_done, coalesce(c.done, false) as is_done, c.counts,
      r.artifact_run = r.id as is_own, (p.no - 1) / p_size as place
    from catalog.runs r
    join catalog.parts p on p.source_id = r.source_id and p.run_id = r.artifact_run
    left join catalog.checkpoints c on c.source_id = r.source_id and c.run_id = r.id and c.part_no = p.no
    where r.id = p_run and p.no > coalesce(p_after, 0) and p.no <= coalesce(p_after, 0) + p_limit * p_size
  )
  select min(no), max(no), sum(line_count)::bigint, sum(raw_bytes)::bigint, sum(stored_bytes)::bigint,
    min(requested_at) filter (where is_own), min(arrived_at) filter (where is_own),
    max(created_at) filter (where is_own),
    coalesce(extract(epoch from sum(waited) filter (where is_own)), 0)::double precision,
    min(began_at), max(saved_at), coalesce(sum(lines_done), 0)::bigint, bool_and(is_done),
    coalesce((
      select jsonb_object_agg(key, total) from (
        select o.key, sum(o.value::bigint) as total
        from shown s cross join lateral jsonb_each_text(s.counts) o
        where s.place = g.place group by o.key) k), '{}'),
    case when count(*) = 1 then min(encode(sha256, 'hex')) end
  from shown g group by place order by place
$$;

-- list_run_events(run, limit) → the newest events of the run, the oldest first: see catalog.run_events.
create function catalog.list_run_events(p_run bigint, p_limit integer) returns table (
  at timestamptz, event text, task text, worker text, detail jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.at, e.event, e.task, e.worker, e.detail
  from (
    select e.* from catalog.runs r
    join catalog.run_events e on e.source_id = r.source_id and e.run_id = r.id
    where r.id = p_run order by e.id desc limit p_limit
  ) e order by e.id
$$;

-- list_run_leases(run) → the workers that have a task of the run now.
create function catalog.list_run_leases(p_run bigint) returns table (
  task text, worker text, expires_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select l.task, l.owner, l.expires_at
  from catalog.runs r join catalog.leases l on l.source_id = r.source_id and l.run_id = r.id
  where r.id = p_run and l.expires_at > clock_timestamp() order by l.task collate "C"
$$;

-- list_run_quarantine(run, after, limit) → quarantined records of the run, in any state, after the record
-- `p_after`, each with at most the first 4 KiB of its bytes; without them once its licence has ended.
create function catalog.list_run_quarantine(p_run bigint, p_after bigint, p_limit integer) returns table (
  id bigint, state text, rule text, message text, product text, artifact_run bigint, part integer,
  line integer, byte_offset bigint, byte_length bigint, raw bytea, expired boolean, closed_run bigint,
  created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id, q.state, q.rule, shown.message, q.external_id, q.artifact_run, q.part_no, q.line_no,
    q.byte_offset, q.byte_length, substring(shown.raw for 4096), coalesce(q.expires_at <= now(), false),
    case when q.state <> 'open' then q.closed_run end, q.created_at
  from catalog.runs r
  join catalog.quarantine q on q.source_id = r.source_id and q.run_id = r.id
  cross join lateral catalog.show_record(q) shown
  where r.id = p_run and q.id > coalesce(p_after, 0) order by q.id limit p_limit
$$;

-- list_workers() → the processes that have a task now, by name, and their tasks.
create function catalog.list_workers() returns table (
  worker text, tasks bigint, runs bigint[], expires_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select owner, count(*), array_agg(distinct run_id), max(l.expires_at)
  from catalog.leases l where l.expires_at > clock_timestamp() group by owner order by owner
$$;

-- list_quotas() → sources whose supplier allows a number of requests a day, with those of this day in UTC.
--   reserved    the share that is kept for imports
create function catalog.list_quotas() returns table (
  source text, scope text, per_day integer, per_second double precision, reserved double precision,
  used integer, resets_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, q.scope, q.per_day, q.per_second, q.reserve,
    case when l.day = catalog.to_day(clock_timestamp()) then l.used else 0 end,
    (catalog.to_day(clock_timestamp()) + 1)::timestamp at time zone 'UTC'
  from catalog.source_quotas q
  join catalog.sources s on s.id = q.source_id
  left join catalog.limits l on l.scope = q.scope and l.key = q.key
  order by s.name
$$;

-- list_storage() → what is stored, by source and, with a null source, for all of them. Reads every part and
-- every stored image, which takes seconds on a large catalogue.
--   artifacts   bytes of the parts that are not removed; images: copies that products of the source show. A
--               copy that two sources show counts for both, and once in the row of all
--   database    bytes of the database, only in the row of all
create function catalog.list_storage() returns table (
  source text, artifacts bigint, parts bigint, images bigint, image_files bigint, database bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with parts as (
    select p.source_id, sum(p.stored_bytes)::bigint as bytes, count(*) as files
    from catalog.parts p
    join catalog.artifacts a on a.source_id = p.source_id and a.run_id = p.run_id
    where a.state <> 'purged' group by p.source_id
  ), images as (
    select o.source_id, sum(b.bytes)::bigint as bytes, count(*) as files
    from (
      select distinct i.source_id, a.sha256
      from catalog.images i join catalog.image_addresses a on a.id = i.address_id
      where a.sha256 is not null
    ) o join catalog.blobs b on b.sha256 = o.sha256 group by o.source_id
  )
  select s.name, coalesce(p.bytes, 0), coalesce(p.files, 0), coalesce(i.bytes, 0), coalesce(i.files, 0),
    null::bigint
  from catalog.sources s
  left join parts p on p.source_id = s.id
  left join images i on i.source_id = s.id
  union all
  select null, (select coalesce(sum(bytes), 0)::bigint from parts),
    (select coalesce(sum(files), 0)::bigint from parts),
    (select coalesce(sum(bytes), 0)::bigint from catalog.blobs), (select count(*) from catalog.blobs),
    pg_database_size(current_database())
  order by 1 nulls first
$$;

-- list_failing_hosts(limit) → hosts that refuse or do not respond: of sources, by their runs, and of images.
--   subject     the source, or the host of images
--   failures    in a row
--   next_at     when it is requested again; null: at any time
create function catalog.list_failing_hosts(p_limit integer) returns table (
  kind text, subject text, failures integer, reason text, since timestamptz, next_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from (
    select 'source', s.name, s.failures, s.failure_class, s.failing_since,
      catalog.find_earliest_run(s.failures, s.failed_at)
    from catalog.sources s where s.failures > 0
    union all
    select 'images', c.host, max(c.refusals), max(c.flag_reason), min(c.flagged_at),
      max(coalesce(c.paused_until, c.due_at))
    from catalog.image_channels c where c.flagged_at is not null or c.refusals > 0 group by c.host
  ) f order by 3 desc, 1, 2 limit p_limit
$$;

-- list_run_moments(source) → the ends and interruptions of its runs, and the starts of those without an end,
-- in any order: see list_source_events. The end of a run that a person decided or cancelled is an action.
create function catalog.list_run_moments(p_source integer) returns table (
  at timestamptz, key text, topic text, event text, run bigint, actor text, reason text, detail jsonb
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.started_at, 's' || r.id, 'run', 'started', r.id,
    case when r.by_schedule then 'the schedule' end, null, jsonb_build_object('kind', r.kind)
  from catalog.runs r where r.source_id = p_source and r.finished_at is null
  union all
  select r.finished_at, 'e' || r.id,
    case when v.id is not null or r.state in ('failed', 'interrupted') then 'problem' else 'run' end,
    case when v.id is null then r.state else 'held' end, r.id, null, catalog.show_reason(r),
    jsonb_strip_nulls(jsonb_build_object('kind', r.kind, 'code', r.error_code, 'ledger', r.ledger,
      'scheduled', nullif(r.by_schedule, false),
      'seconds', extract(epoch from r.finished_at - r.started_at)))
  from catalog.runs r
  left join catalog.reviews v on v.source_id = r.source_id and v.run_id = r.id and v.kind = 'run'
  where r.source_id = p_source and r.finished_at is not null and r.state <> 'cancelled'
  union all
  select v.decided_at, 'v' || v.id, 'decision', 'superseded', v.run_id, null, null, '{}'
  from catalog.reviews v
  where v.source_id = p_source and v.kind = 'run' and v.state = 'superseded' and v.decided_at is not null
  union all
  select e.at, 'r' || e.id, 'problem', 'resumed', e.run_id, null, e.detail ->> 'reason', e.detail - 'reason'
  from catalog.runs r
  join catalog.run_events e on e.source_id = r.source_id and e.run_id = r.id and e.event = 'resumed'
  where r.source_id = p_source and r.last_started_at > r.started_at
$$;

-- list_source_events(source, topic, actor, hosts, before_at, before_key, limit) → everything that happened to
-- the source, the newest first, before the event (before_at, before_key). Null filters nothing.
--   topic   run · problem: an end that needs attention, or an alert · decision · setting: also a pause
--   event   the state of a run, started or resumed, the name of an action, or `alert` with its kind in the
--           detail
--   p_actor a part of the person's name, in any case
--   p_hosts subjects of alerts on the breakers of its supplier
-- In plpgsql, because the file of the alerts is loaded after this one.
create function catalog.list_source_events(
  p_source text, p_topic text, p_actor text, p_hosts text[], p_before_at timestamptz, p_before_key text,
  p_limit integer
) returns table (
  at timestamptz, key text, topic text, event text, run bigint, actor text, reason text, detail jsonb,
  subject text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query with events as (
    select m.*, null::text as subject
    from catalog.sources s cross join lateral catalog.list_run_moments(s.id) m where s.name = p_source
    union all
    select a.at, 'a' || a.id,
      case when a.action ~ '^(run|review|price|quarantine)[.](approve|reject|accept|edit)' then 'decision'
           when a.action ~ '^(run|source[.](sync|import)|job|image|quarantine)' then 'run' else 'setting' end,
      a.action, a.run_id, a.actor, a.reason, a.detail, a.subject
    from catalog.sources s join catalog.actions a on a.source_id = s.id where s.name = p_source
    union all
    select moment.at, 'l' || l.id || moment.word, 'problem', moment.word, l.run, null, l.reason,
      jsonb_build_object('kind', l.kind), null
    from catalog.alerts l
    cross join lateral (values ('alert', l.opened_at), ('recovered', l.closed_at)) moment (word, at)
    where l.opened_at is not null and moment.at is not null
      and (l.source = p_source or l.kind = 'breaker' and l.subject = any (p_hosts))
  )
  select e.* from events e
  where (p_topic is null or e.topic = p_topic)
    and (p_actor is null or position(lower(p_actor) in lower(e.actor)) > 0)
    and (p_before_at is null or (e.at, e.key collate "C") < (p_before_at, p_before_key collate "C"))
  order by e.at desc, e.key collate "C" desc limit p_limit;
end $$;

-- change_source(source, by, schedule, policy, options, detail): changes what a person may change on a page,
-- and records it in the same transaction. Null leaves that member as it is; see save_source.
--   p_policy    thresholds only: limits that a licence sets delete what is stored, so a command changes them
--   errors      source/unknown · usage/invalid (another limit) · run/active, for options
create function catalog.change_source(
  p_source text, p_by text, p_schedule jsonb, p_policy jsonb, p_options jsonb, p_detail jsonb
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  source integer := (select id from catalog.sources where name = p_source);
  other text := (
    select min(k) from jsonb_object_keys(coalesce(p_policy, '{}')) k
    where k not in ('removalShare', 'quarantineShare', 'priceFactor', 'priceShiftShare', 'priceShiftFactor',
      'allowEmpty', 'enrich', 'acceptProposals'));
begin
  if source is null then
    perform catalog.fail('source/unknown', format('Source %s does not exist', p_source));
  elsif other is not null then
    perform catalog.fail('usage/invalid', format('%s is changed by a command only', other));
  end if;
  perform catalog.save_source(source, p_schedule, p_policy, null, null, p_options);
  perform catalog.record_action(p_by, 'source.set', p_source, null, null, p_detail);
end $$;

-- 20261122000079_purge_expired.sql

-- Generated from supabase/schemas/79_purge_expired.sql until the first release: do not edit.

-- purge_expired removes content whose licence has ended, see 53_licences.sql. Ids, status, times and counts
-- stay. Postgres removes the bytes of old row versions by its own vacuum.

-- forget_addresses(ids): deletes addresses of images that no image names any more. Their stored copies are
-- removed by the next begin_blob_removal.
create function catalog.forget_addresses(p_ids bigint[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with forgotten as (
    delete from catalog.image_addresses a
      where a.id = any (p_ids) and not exists (select from catalog.images i where i.address_id = a.id)
      returning a.id, a.sha256)
  update catalog.blobs b set stored_at = '-infinity'
    where b.sha256 in (select f.sha256 from forgotten f) and not exists (
      select from catalog.image_addresses a
      where a.sha256 = b.sha256 and a.id not in (select f.id from forgotten f))
$$;

-- purge_products(limit) → products purged: their texts, variants, images, prices, proposals and enrichments.
-- The hash of a purged product is forgotten, so the next record of it is an update.
--   prices      stay if the policy of the source keeps the history of prices
--   concurrent  skips products that another transaction writes
create function catalog.purge_products(p_limit integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  sources integer[];
  products text[];
  addresses bigint[];
begin
  select array_agg(due.source_id), array_agg(due.external_id) into sources, products
    from (
      select p.source_id, p.external_id from catalog.products p
      where p.expires_at <= now() and p.purged_at is null
      order by p.expires_at limit p_limit for update skip locked
    ) due;
  if sources is null then
    return 0;
  end if;
  with gone as (
    delete from catalog.images i using unnest(sources, products) d (source, product)
      where i.source_id = d.source and i.product_external_id = d.product returning i.address_id)
  select array_agg(distinct address_id) into addresses from gone where address_id is not null;
  perform catalog.forget_addresses(addresses);
  delete from catalog.variants v using unnest(sources, products) d (source, product)
    where v.source_id = d.source and v.product_external_id = d.product;
  delete from catalog.prices c using unnest(sources, products) d (source, product)
    where c.source_id = d.source and c.product_external_id = d.product
      and (c.state not in ('current', 'past') or not catalog.keeps_price_history(c.source_id));
  delete from catalog.enrichments e using unnest(sources, products) d (source, product)
    where e.source_id = d.source and e.product_external_id = d.product;
  delete from catalog.enrichment_work w using unnest(sources, products) d (source, product)
    where w.source_id = d.source and w.product_external_id = d.product;
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from unnest(sources, products) d (source, product)
    where r.source_id = d.source and r.product_external_id = d.product and r.state = 'open'
      and r.kind in ('price', 'disagreement', 'proposal');
  update catalog.products p
    set title = null, description = null, brand = null, manufacturer = null, url = null,
        identifiers = case when p.identifiers ? 'asin'
          then jsonb_build_object('asin', p.identifiers -> 'asin') else '{}' end,
        attributes = '{}', warnings = null, provenance = null, raw = null, purged_at = now(),
        record_hash = decode(repeat('00', 16), 'hex'), content_hash = decode(repeat('00', 16), 'hex')
    from unnest(sources, products) d (source, product)
    where p.source_id = d.source and p.external_id = d.product;
  perform catalog.index_products(d.source, array_agg(d.product))
    from unnest(sources, products) d (source, product) group by d.source;
  return cardinality(products);
end $$;

-- purge_quotations(limit) → rows whose expired content was removed: changes, prices, quarantined records,
-- reviews, stale enrichments, and deleted brands, organisations and categories.
create function catalog.purge_quotations(p_limit integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  purged bigint := 0;
  n bigint;
  of_table text;
begin
  update catalog.changes c set detail = catalog.hide_detail(c.detail), expires_at = null
    where c.ctid = any (array(
      select ctid from catalog.changes where expires_at <= now() limit p_limit for update skip locked));
  get diagnostics n = row_count;
  purged := purged + n;
  update catalog.quarantine q set (raw, message, expires_at) = (
      select h.raw, h.message, null::timestamptz from catalog.hide_record(q) h)
    where q.ctid = any (array(
      select ctid from catalog.quarantine where expires_at <= now() limit p_limit for update skip locked));
  get diagnostics n = row_count;
  purged := purged + n;
  update catalog.reviews r set (reason, detail, state, expires_at) = (
      select h.reason, h.detail, case when h.state = 'open' and h.kind in ('disagreement', 'proposal')
        then 'superseded' else h.state end, null::timestamptz
      from catalog.hide_review(r) h)
    where r.ctid = any (array(
      select ctid from catalog.reviews where expires_at <= now() limit p_limit for update skip locked));
  get diagnostics n = row_count;
  purged := purged + n;
  foreach of_table in array '{prices,brands,organizations,categories}'::text[] loop
    execute format('delete from catalog.%1$I where ctid = any (array(
      select ctid from catalog.%1$I where expires_at <= now() limit $1 for update skip locked))', of_table)
      using p_limit;
    get diagnostics n = row_count;
    purged := purged + n;
  end loop;
  delete from catalog.enrichments e using catalog.products p
    where e.expires_at <= now() and p.source_id = e.source_id and p.external_id = e.product_external_id
      and p.content_hash <> e.content_hash;
  get diagnostics n = row_count;
  return purged + n;
end $$;

-- purge_messages(source, age, limit) → rows whose messages were removed, because they may quote content:
-- errors of runs and warnings of fetches that are older than `p_age`, and the records of calls, which the
-- database archives itself.
create function catalog.purge_messages(p_source integer, p_age interval, p_limit integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  before timestamptz := now() - p_age;
  calls bigint[];
  purged bigint;
  n bigint;
begin
  update catalog.runs r set reason = null
    where r.source_id = p_source and r.reason is not null
      and (r.error_code is not null or r.state in ('failed', 'interrupted'))
      and coalesce(r.finished_at, r.last_started_at) <= before;
  get diagnostics purged = row_count;
  update catalog.runs r set refusals = '{}', imports = catalog.hide_messages(r.imports)
    where r.source_id = p_source and r.finished_at <= before and (r.refusals <> '{}'
      or r.imports @? '$[*].error.message ? (@ != "The message has expired")');
  get diagnostics n = row_count;
  purged := purged + n;
  update catalog.artifacts a set warnings = '[]'
    from catalog.runs r
    where a.source_id = p_source and a.warnings <> '[]' and r.source_id = p_source and r.id = a.run_id
      and r.started_at <= before;
  get diagnostics n = row_count;
  purged := purged + n;
  calls := array(
    select a.run_id from catalog.artifacts a
    join catalog.parts p on p.source_id = p_source and p.run_id = a.run_id and p.no = 1
    where a.source_id = p_source and a.state <> 'purged' and starts_with(p.key, 'data:')
      and p.requested_at <= before
    limit p_limit);
  perform catalog.begin_purge(p_source, c) from unnest(calls) c;
  perform catalog.mark_purged(p_source, calls);
  return purged + cardinality(calls);
end $$;

-- purge_expired(limit) → rows purged; 0 when nothing is left. The caller repeats it: a call is one
-- transaction, which purges at most `p_limit` products, and as many rows of each table that quotes content.
-- `shelfsync purge` and the maintainers remove artifacts from the store.
create function catalog.purge_expired(p_limit integer default 1000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  purged bigint := catalog.purge_products(p_limit) + catalog.purge_quotations(p_limit);
  source record;
begin
  for source in
    select s.id, catalog.expires_after(s.id) as age from catalog.sources s
    where jsonb_typeof(s.policy -> 'expiresAfterHours') = 'number'
  loop
    purged := purged + catalog.purge_messages(source.id, source.age, p_limit);
  end loop;
  return purged;
end $$;

-- 20261122000080_data_api.sql

-- Generated from supabase/schemas/80_data_api.sql until the first release: do not edit.

-- The pipeline over Supabase's Data API, without a session: each call is a transaction. Schema `pipeline`
-- has a function of the same name for each one that may be called. It is separate from schema `api`, because
-- Supabase's documentation advises users to grant `anon` all functions of a schema for readers:
-- https://supabase.com/docs/guides/api/using-custom-schemas

create schema pipeline;
comment on schema pipeline is
  'Shelfsync: calls of the pipeline over the Data API, for secret keys only. Readers use schema api.';

-- Roles that may do the pipeline's work over the Data API.
create table catalog.data_api_roles (
  role               name primary key
);

-- assert_data_api_role(): refuses a caller that `allow_data_api` has not admitted.
--   errors      see assert_admitted
create function catalog.assert_data_api_role() returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.assert_admitted('pipeline', array(select role from catalog.data_api_roles),
    'do the pipeline''s work', 'select catalog.allow_data_api(%L)')
$$;

-- stage_records(records): fills the staging tables.
--   records     JSON documents as text, so that one that Postgres cannot store fails here, where it can be
--               found
--   errors      SQLSTATE of the value that Postgres refuses
create function catalog.stage_records(p_records text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  docs json[] := array(select record::json from unnest(p_records) record);
begin
  insert into pg_temp.staged_products (line_no, external_id, status, title, description, brand, manufacturer,
      url, identifiers, attributes, successor, source_updated_at, expires_at, record_hash, content_hash,
      warnings, provenance, disagreements, raw)
    select r.* from unnest(docs) doc
    cross join lateral json_to_record(doc) as r (line_no integer, external_id text, status text, title text,
      description text, brand text, manufacturer text, url text, identifiers jsonb, attributes jsonb,
      successor text, source_updated_at timestamptz, expires_at timestamptz, record_hash bytea,
      content_hash bytea, warnings jsonb, provenance jsonb, disagreements jsonb, raw json);
  insert into pg_temp.staged_variants (line_no, external_id, position, title, sku, gtin, options,
      weight_grams, pack_count, availability)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc
    cross join lateral json_to_recordset(doc -> 'variants') as r (external_id text, position integer,
      title text, sku text, gtin text, options jsonb, weight_grams double precision, pack_count integer,
      availability text);
  insert into pg_temp.staged_prices
      (line_no, variant_external_id, price_type, amount_minor, currency, compare_at_minor)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc
    cross join lateral json_to_recordset(doc -> 'prices') as r (variant_external_id text, price_type text,
      amount_minor bigint, currency text, compare_at_minor bigint);
  insert into pg_temp.staged_images (line_no, position, url, alt)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc
    cross join lateral json_to_recordset(doc -> 'images') as r (position integer, url text, alt text);
end $$;

-- ensure_staging(): the staging tables exist afterwards. The Data API's sessions are shared and long-lived,
-- so they may exist already; they are used only if they are our own.
--   errors      SQLSTATE 42P07 (duplicate_table) if another role has created tables of these names
create function catalog.ensure_staging() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.is_own_table('staged_products') then
    perform catalog.open_staging();
  end if;
end $$;

-- merge_records(run, token, part, seq_from, records, …) → (counts, seqs, next_seq), as apply_batch. Stages
-- the records and applies them.
create function catalog.merge_records(
  p_run catalog.runs, p_token bigint, p_part integer, p_seq_from integer, p_records text[], p_volatile text[],
  p_price_factor numeric, p_seen_later bytea
) returns table (counts jsonb, seqs bytea, next_seq integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.stage_records(p_records);
  return query
    select to_jsonb(b) - 'seqs' - 'next_seq', b.seqs, b.next_seq
    from catalog.apply_batch(p_run.source_id, p_run.id, p_token, p_run.artifact_run, p_part, p_seq_from,
      p_run.normaliser_version, p_volatile, p_price_factor, p_seen_later, p_run.first_load) b;
end $$;

-- lock_checkpoint(source, run, part, lines_before, lines_done, known, staged) → the part's checkpoint if the
-- batch that ends at `p_lines_done` has been applied before; null if the batch is to be applied now.
--   ordering    the row exists and is locked afterwards, so that calls for one part wait for each other
--   errors      db/busy  the batch belongs to another place in the part
create function catalog.lock_checkpoint(
  p_source integer, p_run bigint, p_part integer, p_lines_before bigint, p_lines_done bigint, p_known bytea,
  p_staged bytea
) returns catalog.checkpoints
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  stored catalog.checkpoints;
begin
  insert into catalog.checkpoints
      (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
    values (p_source, p_run, p_part, 0, 0, false, '{}', p_known, p_staged) on conflict do nothing;
  select * into stored
    from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part for update;
  if stored.lines_done = p_lines_before then
    return null;
  elsif stored.lines_done <> p_lines_done then
    perform catalog.fail('db/busy',
      format('Part %s of run %s is at line %s, not %s', p_part, p_run, stored.lines_done,
        p_lines_before));
  end if;
  return stored;
end $$;

-- merge_accepted(run, …) → (counts, seqs, next_seq) of all records. Halves what Postgres refuses until it has
-- found the records, with about 2 log n attempts for one among n.
--   errors      record/invalid  with {refused: [{record, why}]} as detail, `record` counted from 1; nothing
--               is written
create function catalog.merge_accepted(
  p_run catalog.runs, p_token bigint, p_part integer, p_seq_from integer, p_records text[], p_volatile text[],
  p_price_factor numeric, p_seen_later bytea, out counts jsonb, out seqs bytea, out next_seq integer
) language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  piece record;
  refused jsonb := '[]';
  -- Ranges of records that are still to be merged: their first and last positions.
  lows integer[] := array[1];
  highs integer[] := array[cardinality(p_records)];
  low integer;
  high integer;
  middle integer;
begin
  counts := '{}';
  seqs := '';
  next_seq := p_seq_from;
  perform catalog.ensure_staging();
  while cardinality(lows) > 0 loop
    low := lows[1];
    high := highs[1];
    lows := lows[2:];
    highs := highs[2:];
    begin
      if high - low + 1 < cardinality(p_records) then
        perform catalog.clear_staging();
      end if;
      select * into piece from catalog.merge_records(p_run, p_token, p_part, next_seq, p_records[low:high],
        p_volatile, p_price_factor, p_seen_later);
      counts := catalog.add_counts(counts, piece.counts);
      seqs := seqs || piece.seqs;
      next_seq := piece.next_seq;
    -- RECORD_STATES in src/db/errors.ts.
    exception when string_data_right_truncation or numeric_value_out_of_range or invalid_datetime_format
      or datetime_field_overflow or character_not_in_repertoire or invalid_text_representation
      or untranslatable_character or not_null_violation or unique_violation or check_violation
      or program_limit_exceeded or statement_too_complex then
      if low = high then
        refused := refused || jsonb_build_object('record', low, 'why', sqlerrm);
      else
        middle := (low + high) / 2;
        lows := array[low, middle + 1] || lows;
        highs := array[middle, high] || highs;
      end if;
    end;
  end loop;
  if refused <> '[]' then
    raise exception using errcode = 'SHELF', hint = 'record/invalid',
      detail = jsonb_build_object('refused', refused)::text,
      message = format('Postgres cannot store %s of %s', jsonb_array_length(refused),
        catalog.format_quantity(cardinality(p_records), 'record'));
  end if;
end $$;

-- write_batch(…) → (counts, seqs, next_seq): the checkpoint's counts, the numbers of the products in the
-- batch, and the first number that is still free.
--   atomic      rows, prices, changes, quarantine and the checkpoint, or nothing
--   idempotent  A batch belongs to the place in its part where the checkpoint stood before it
--               (`p_lines_before`). Sent again, it writes nothing and returns the first result
--   p_counts    the part's outcomes before this batch. Null: the records were counted earlier, and the
--               checkpoint stays as it is
--   p_age       see save_checkpoint
--   errors      record/invalid (see merge_accepted: the sender quarantines the records and sends the rest
--               again) · db/busy (see lock_checkpoint: the sender reads the checkpoint again) · see
--               raise_lease_error
create function catalog.write_batch(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_before bigint, p_lines_done bigint,
  p_bytes_done bigint, p_done boolean, p_counts jsonb, p_known bytea, p_staged bytea, p_records text[],
  p_quarantined jsonb, p_seq_from integer, p_volatile text[], p_price_factor numeric, p_seen_later bytea,
  p_age interval default '0'
) returns table (counts jsonb, seqs bytea, next_seq integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  run catalog.runs;
  repeated catalog.checkpoints;
  merged record;
  total jsonb := coalesce(p_counts, '{}');
  named bytea := '';
  free_seq integer := p_seq_from;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  select * into run from catalog.runs where source_id = p_source and id = p_run;
  if p_counts is not null then
    repeated := catalog.lock_checkpoint(p_source, p_run, p_part, p_lines_before, p_lines_done, p_known,
      p_staged);
    if repeated.run_id is not null then
      return query select repeated.counts, repeated.last_staged, p_seq_from + cardinality(p_records);
      return;
    end if;
  end if;
  if cardinality(p_records) > 0 then
    select * into merged from catalog.merge_accepted(run, p_token, p_part, p_seq_from, p_records, p_volatile,
      p_price_factor, p_seen_later);
    total := catalog.add_counts(total, merged.counts);
    named := merged.seqs;
    free_seq := merged.next_seq;
  end if;
  if jsonb_array_length(p_quarantined) > 0 then
    named := named || coalesce((
      select string_agg(int4send(seq), ''::bytea)
      from catalog.quarantine_records(p_source, p_run, p_token, run.artifact_run, p_part,
        p_quarantined) seq), '');
    total := catalog.add_counts(total, (
      select jsonb_build_object('quarantined', count(*),
        'unreadable', count(*) filter (where q ->> 'external_id' is null))
      from jsonb_array_elements(p_quarantined) q));
  end if;
  if p_counts is not null then
    update catalog.checkpoints
      set lines_done = p_lines_done, bytes_done = p_bytes_done, done = p_done, counts = total,
          known = p_known, staged = p_staged, last_staged = named, saved_at = clock_timestamp(),
          began_at = case when p_lines_before = 0 then clock_timestamp() - p_age else began_at end
      where source_id = p_source and run_id = p_run and part_no = p_part;
  end if;
  return query select total, named, free_seq;
end $$;

-- expose_function(name): creates or replaces `pipeline.<name>`, which takes the arguments of `catalog.<name>`
-- and returns its rows as one JSON array. A migration that changes the function repeats the call. PostgREST
-- applies the timeout to the whole request instead of its role's eight seconds:
-- https://docs.postgrest.org/en/stable/references/transactions.html#function-settings
create function catalog.expose_function(p_name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  parameters text;
  arguments text;
  reader text;
begin
  select pg_get_function_arguments(p.oid),
      (select string_agg(format('%1$I => %1$I', a), ', ') from unnest(p.proargnames[1:p.pronargs]) a)
    into strict parameters, arguments
    from pg_catalog.pg_proc p where p.pronamespace = 'catalog'::regnamespace and p.proname = p_name;
  execute format($f$
    create or replace function pipeline.%1$I(%2$s) returns jsonb
    language sql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s'
    as 'select catalog.assert_data_api_role();
      select coalesce(jsonb_agg(f), ''[]'') from catalog.%1$I(%3$s) f'
  $f$, p_name, parameters, arguments);
  execute format('revoke execute on function pipeline.%I from public', p_name);
  -- A Supabase project grants these roles everything that is created, by default.
  for reader in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke execute on function pipeline.%I from %I', p_name, reader);
  end loop;
end $$;

-- allow_data_api(role): admits a role of the Data API to the functions of schema `pipeline`. A migration that
-- exposes another function repeats the call.
create function catalog.allow_data_api(worker text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('grant usage on schema pipeline to %I', worker);
  execute format('grant execute on all functions in schema pipeline to %I', worker);
  insert into catalog.data_api_roles (role) values (worker) on conflict do nothing;
end $$;

-- 20261122000081_storage.sql

-- Generated from supabase/schemas/81_storage.sql until the first release: do not edit.

-- The bucket of the artifacts in a Supabase project: private, and without a file size limit other than that
-- of the project. Nothing happens in a Postgres without Storage, or when the bucket exists. Over the Storage
-- API, Shelfsync creates the bucket that BUCKET names when it is missing, and refuses a public one.
-- https://supabase.com/docs/guides/storage/buckets/creating-buckets
do $$
begin
  if to_regclass('storage.buckets') is not null then
    insert into storage.buckets (id, name, public) values ('medipim-raw', 'medipim-raw', false)
      on conflict do nothing;
  end if;
exception when insufficient_privilege then
  raise notice 'The bucket medipim-raw was not created: %', sqlerrm;
end $$;

-- 20261122000082_rpc.sql

-- Generated from supabase/schemas/82_rpc.sql until the first release: do not edit.

-- The calls of schema `api`: small writes of one product each, for secret keys. docs/data-api.md describes
-- them. They return one row: see apply_call. A role may call them after `allow_calls`.

-- Roles that may write by calls.
create table catalog.call_roles (
  role               name primary key
);

-- assert_call_role(): refuses a caller that `allow_calls` has not admitted.
--   errors      see assert_admitted
create function catalog.assert_call_role() returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.assert_admitted('api', array(select role from catalog.call_roles),
    'write to the catalogue', 'select catalog.allow_calls(%L)')
$$;

-- begin_call(source, arguments) → the source, locked, after the checks that every call needs.
--   errors      see assert_call_role, refuse_call and lock_called_source
create function catalog.begin_call(p_source text, p_arguments jsonb) returns catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_call_role();
  if octet_length(p_arguments::text) > 1048576 then
    perform catalog.refuse_call(format('The arguments have %s bytes: a call takes at most 1 MiB',
      octet_length(p_arguments::text)), 'Leave out p_source_raw, or shorten the lists.');
  end if;
  return catalog.lock_called_source(p_source);
end $$;

-- load_called_draft(source, product) → see load_draft.
--   errors      SQLSTATE PT404
create function catalog.load_called_draft(p_source catalog.sources, p_product text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  draft jsonb := catalog.load_draft(p_source.id, p_product);
begin
  if draft is null then
    raise exception using errcode = 'PT404',
      message = format('%s has no product "%s"', p_source.name, left(p_product, 200)),
      hint = 'Write the product first, or again if its licence has ended: rpc_upsert_product.';
  end if;
  return draft;
end $$;

-- rpc_upsert_product(…): writes a whole product with its variants, prices and images. Members that the call
-- leaves out are unknown afterwards, and a price that it leaves out is withdrawn.
--   p_variants  [{platform_variant_id, title, sku, gtin, options, weight_g, pack_count, availability or
--               in_stock, and the price of the variant: see to_price}]; null: one variant with the id of the
--               product
--   p_prices    [{platform_variant_id (default: the id of the product), and see to_price}], more prices
--   p_images    [{url, alt, sort_order (default: the place in the list)}]
create function api.rpc_upsert_product(
  p_source text, p_platform_product_id text, p_name text, p_description_md text default null,
  p_direct_buy_url text default null, p_status text default 'active', p_brand text default null,
  p_manufacturer text default null, p_identifiers jsonb default '{}', p_attributes jsonb default '{}',
  p_variants jsonb default null, p_prices jsonb default '[]', p_images jsonb default '[]',
  p_successor text default null, p_source_updated_at timestamptz default null,
  p_expires_at timestamptz default null, p_warnings jsonb default null, p_provenance jsonb default null,
  p_source_raw jsonb default null
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_build_object('platform_product_id', p_platform_product_id, 'name', p_name,
    'description_md', p_description_md, 'direct_buy_url', p_direct_buy_url, 'status', p_status,
    'brand', p_brand, 'manufacturer', p_manufacturer, 'identifiers', p_identifiers,
    'attributes', p_attributes, 'variants', p_variants, 'prices', p_prices, 'images', p_images,
    'successor', p_successor, 'source_updated_at', p_source_updated_at, 'expires_at', p_expires_at,
    'warnings', p_warnings, 'provenance', p_provenance, 'source_raw', p_source_raw);
  source catalog.sources := catalog.begin_call(p_source, arguments);
begin
  return query select * from catalog.apply_call(source, 'rpc_upsert_product', arguments,
    catalog.to_draft(arguments, source.settings ->> 'currency'), coalesce(p_source_raw, arguments));
end $$;

-- to_draft(arguments, currency) → the draft that the arguments of rpc_upsert_product state, without `p_`.
--   p_currency  of the source, for prices without a currency
create function catalog.to_draft(p_arguments jsonb, p_currency text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  product text := p_arguments ->> 'platform_product_id';
  variants jsonb := coalesce(nullif(p_arguments -> 'variants', 'null'),
    jsonb_build_array(jsonb_build_object('platform_variant_id', product)));
  prices jsonb := coalesce(nullif(p_arguments -> 'prices', 'null'), '[]');
  images jsonb := coalesce(nullif(p_arguments -> 'images', 'null'), '[]');
begin
  perform catalog.assert_list('p_variants', variants), catalog.assert_list('p_prices', prices),
    catalog.assert_list('p_images', images);
  return jsonb_build_object('external_id', product, 'status', p_arguments -> 'status',
    'title', p_arguments -> 'name', 'description', p_arguments -> 'description_md',
    'brand', p_arguments -> 'brand', 'manufacturer', p_arguments -> 'manufacturer',
    'url', p_arguments -> 'direct_buy_url',
    'identifiers', coalesce(nullif(p_arguments -> 'identifiers', 'null'), '{}'),
    'attributes', coalesce(nullif(p_arguments -> 'attributes', 'null'), '{}'),
    'successor', p_arguments -> 'successor', 'source_updated_at', p_arguments -> 'source_updated_at',
    'expires_at', p_arguments -> 'expires_at', 'warnings', p_arguments -> 'warnings',
    'provenance', p_arguments -> 'provenance', 'disagreements', null,
    'variants', (
      select jsonb_agg(catalog.to_variant(v, place::integer - 1) order by place)
      from jsonb_array_elements(variants) with ordinality e (v, place)),
    'prices', coalesce((
      select jsonb_agg(catalog.to_price(p, variant, p_currency))
      from (
        select v as p, v ->> 'platform_variant_id' as variant from jsonb_array_elements(variants) v
        where v ?| '{price,amount_minor}'
        union all
        select p, coalesce(p ->> 'platform_variant_id', product) from jsonb_array_elements(prices) p
      ) stated), '[]'),
    'images', coalesce((
      select jsonb_agg(jsonb_build_object('url', i -> 'url', 'alt', i -> 'alt',
        'position', coalesce((i ->> 'sort_order')::integer, place::integer - 1)) order by place)
      from jsonb_array_elements(images) with ordinality e (i, place)), '[]'));
end $$;

-- replace_element(list, key, element) → the list with the element in the place of the one with the same
-- value of `p_key`, or at its end.
create function catalog.replace_element(p_list jsonb, p_key text, p_element jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when exists (select from jsonb_array_elements(p_list) e where e -> p_key = p_element -> p_key) then (
      select jsonb_agg(case when e -> p_key = p_element -> p_key then p_element else e end order by place)
      from jsonb_array_elements(p_list) with ordinality l (e, place))
    else p_list || p_element end
$$;

-- replace_price(draft, price) → the draft with this price instead of the one of its variant and type, and
-- without a disagreement about it.
create function catalog.replace_price(p_draft jsonb, p_price jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_draft || jsonb_build_object(
    'prices', (
      select coalesce(jsonb_agg(e), '[]') || p_price
      from jsonb_array_elements(p_draft -> 'prices') e
      where (e ->> 'variant_external_id', e ->> 'price_type')
        <> (p_price ->> 'variant_external_id', p_price ->> 'price_type')),
    'disagreements', (
      select jsonb_agg(d) from jsonb_array_elements(nullif(p_draft -> 'disagreements', 'null')) d
      where (d ->> 'variantId', d ->> 'priceType')
        <> (p_price ->> 'variant_external_id', p_price ->> 'price_type')))
$$;

-- rpc_upsert_variant(…): adds a variant to a product, or changes what the call states of one; null leaves a
-- value as it is.
--   p_price     see to_price; null: the price of the variant stays
create function api.rpc_upsert_variant(
  p_source text, p_platform_product_id text, p_platform_variant_id text, p_title text default null,
  p_sku text default null, p_gtin text default null, p_options jsonb default null,
  p_weight_g numeric default null, p_pack_count integer default null, p_availability text default null,
  p_in_stock boolean default null, p_price numeric default null, p_compare_at_price numeric default null,
  p_currency text default null, p_price_type text default 'list'
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_strip_nulls(jsonb_build_object('platform_product_id', p_platform_product_id,
    'platform_variant_id', p_platform_variant_id, 'title', p_title, 'sku', p_sku, 'gtin', p_gtin,
    'options', p_options, 'weight_g', p_weight_g, 'pack_count', p_pack_count,
    'availability', p_availability, 'in_stock', p_in_stock, 'price', p_price,
    'compare_at_price', p_compare_at_price, 'currency', p_currency, 'price_type', p_price_type));
  source catalog.sources := catalog.begin_call(p_source, arguments);
  draft jsonb := catalog.load_called_draft(source, p_platform_product_id);
  known jsonb := (
    select v from jsonb_array_elements(draft -> 'variants') v
    where v ->> 'external_id' = p_platform_variant_id);
  stated jsonb := catalog.to_variant(arguments, coalesce((known ->> 'position')::integer, (
    select max((v ->> 'position')::integer) + 1 from jsonb_array_elements(draft -> 'variants') v), 0));
begin
  if p_options is null then
    stated := stated - 'options';
  end if;
  if known is null then
    draft := catalog.drop_placeholder(draft);
  end if;
  draft := draft || jsonb_build_object('variants', catalog.replace_element(draft -> 'variants', 'external_id',
    coalesce(known, catalog.to_variant('{}', 0)) || jsonb_strip_nulls(stated)));
  if p_price is not null then
    draft := catalog.replace_price(draft,
      catalog.to_price(arguments, p_platform_variant_id, source.settings ->> 'currency'));
  end if;
  return query select * from catalog.apply_call(source, 'rpc_upsert_variant', arguments, draft, null);
end $$;

-- rpc_insert_price(…): states the price of a variant. It becomes current, or is held by a gate.
--   p_price     in the unit of the currency, 12.50 for EUR 12.50; null: the shop no longer states one
create function api.rpc_insert_price(
  p_source text, p_platform_product_id text, p_platform_variant_id text, p_price numeric,
  p_currency text default null, p_compare_at_price numeric default null, p_price_type text default 'list'
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_build_object('platform_product_id', p_platform_product_id,
    'platform_variant_id', p_platform_variant_id, 'price', p_price, 'currency', p_currency,
    'compare_at_price', p_compare_at_price, 'price_type', p_price_type);
  source catalog.sources := catalog.begin_call(p_source, arguments);
  draft jsonb := catalog.load_called_draft(source, p_platform_product_id);
begin
  return query select * from catalog.apply_call(source, 'rpc_insert_price', arguments,
    catalog.replace_price(draft,
      catalog.to_price(arguments, p_platform_variant_id, source.settings ->> 'currency')), null);
end $$;

-- rpc_upsert_image(…): adds an image to a product, or changes the text and the place of the one with this
-- address.
--   p_sort_order   from 0; the image that is there is replaced. Null: the place that it has, or the next one
create function api.rpc_upsert_image(
  p_source text, p_platform_product_id text, p_url text, p_alt text default null,
  p_sort_order integer default null
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_build_object('platform_product_id', p_platform_product_id, 'url', p_url,
    'alt', p_alt, 'sort_order', p_sort_order);
  source catalog.sources := catalog.begin_call(p_source, arguments);
  draft jsonb := catalog.load_called_draft(source, p_platform_product_id);
  images jsonb := draft -> 'images';
  known jsonb := (select i from jsonb_array_elements(images) i where i ->> 'url' = p_url limit 1);
  place integer := coalesce(p_sort_order, (known ->> 'position')::integer, (
    select max((i ->> 'position')::integer) + 1 from jsonb_array_elements(images) i), 0);
begin
  images := (
    select coalesce(jsonb_agg(i order by (i ->> 'position')::integer), '[]')
    from jsonb_array_elements(images || jsonb_build_object('url', p_url,
      'alt', coalesce(to_jsonb(p_alt), known -> 'alt'), 'position', place)) with ordinality e (i, n)
    where n > jsonb_array_length(images)
      or i ->> 'url' <> p_url and (i ->> 'position')::integer <> place);
  return query select * from catalog.apply_call(source, 'rpc_upsert_image', arguments,
    draft || jsonb_build_object('images', images), null);
end $$;

-- rpc_check_content_hash(source, product, hash) → whether the product is as the call left it that returned
-- this `raw_payload_hash`; no call is needed then.
create function api.rpc_check_content_hash(
  p_source text, p_platform_product_id text, p_raw_payload_hash text
) returns table (is_known boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_call_role();
  return query select exists (
    select from catalog.products p join catalog.sources s on s.id = p.source_id
    where s.name = p_source and p.external_id = p_platform_product_id and p.status <> 'removed'
      and encode(p.record_hash, 'hex') = lower(p_raw_payload_hash));
end $$;

-- list_calls() → the calls of schema api, each as `name(types)`.
create function catalog.list_calls() returns setof text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select oid::regprocedure::text from pg_proc
  where pronamespace = 'api'::regnamespace and starts_with(proname, 'rpc_') order by 1
$$;

-- allow_calls(role): lets a role write to the catalogue by the calls of schema api. A migration that adds a
-- call repeats it.
create function catalog.allow_calls(writer text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  call text;
begin
  perform catalog.assert_role(writer);
  execute format('grant usage on schema api to %I', writer);
  for call in select catalog.list_calls() loop
    execute format('grant execute on function %s to %I', call, writer);
  end loop;
  insert into catalog.call_roles (role) values (writer) on conflict do nothing;
end $$;

-- refuse_calls(role): takes back every right of `allow_calls`; those of `publish` stay.
create function catalog.refuse_calls(writer text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  call text;
begin
  delete from catalog.call_roles where role = writer;
  for call in select catalog.list_calls() loop
    execute format('revoke execute on function %s from %I', call, writer);
  end loop;
  if writer <> all (catalog.list_readers()) then
    execute format('revoke usage on schema api from %I', writer);
  end if;
end $$;

-- 20261122000083_coffee_rpc.sql

-- Generated from supabase/schemas/83_coffee_rpc.sql until the first release: do not edit.

-- The calls for coffee, in the terms of catalogues of coffee. docs/coffee.md lists where their names differ.
-- As in rpc_upsert_variant, null leaves a value as it is, and each call is a separate run.

-- to_roaster_id(source) → the uuid by which `api.roasters` and the calls name the source.
create function catalog.to_roaster_id(p_source integer) returns uuid
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select md5('source ' || p_source::text)::uuid
$$;

-- find_roaster(text) → the name of the source with this name or roaster id; the text itself without one.
create function catalog.find_roaster(p_text text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select name from catalog.sources
    where p_text ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      and catalog.to_roaster_id(id)::text = p_text), p_text)
$$;

-- to_coffee_status(text) → a status of a product, from one of catalogues of coffee.
--   errors      see refuse_call
create function catalog.to_coffee_status(p_status text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  case
    when p_status in ('active', 'seasonal') then return 'active';
    when p_status in ('unavailable', 'discontinued', 'archived') then return 'unavailable';
    when p_status in ('draft', 'hidden', 'coming_soon') then return 'draft';
    else perform catalog.refuse_call(format('p_status is "%s"', p_status),
      'Give active, seasonal, unavailable, discontinued, archived, draft, hidden or coming_soon.');
  end case;
end $$;

-- to_coffee_attributes(arguments) → the attributes of a coffee that the arguments state, without nulls.
--   errors      see refuse_call
create function catalog.to_coffee_attributes(p_arguments jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  level text := p_arguments ->> 'roast_level';
  altitude numeric := (p_arguments ->> 'altitude')::numeric;
begin
  if level not in ('light', 'light_medium', 'medium', 'medium_dark', 'dark') then
    perform catalog.refuse_call(format('p_roast_level is "%s"', level),
      'Give light, light_medium, medium, medium_dark or dark, and null if it is unknown.');
  elsif p_arguments ->> 'process' !~ '^[a-z][a-z0-9_:]*$' then
    perform catalog.refuse_call(format('p_process is "%s"', p_arguments ->> 'process'),
      'Give a lower-case word such as washed or carbonic_maceration, and null if it is unknown.');
  elsif not altitude between 0 and 9000 then
    perform catalog.refuse_call(format('p_altitude is %s', altitude), 'Give metres above sea level.');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('pack', 'coffee', 'handle', p_arguments -> 'slug',
    'is_coffee', p_arguments -> 'is_coffee', 'species', p_arguments -> 'bean_species',
    'process', p_arguments -> 'process', 'roast_level', level, 'altitude_min', altitude,
    'altitude_max', altitude, 'country', p_arguments -> 'country', 'region', p_arguments -> 'region',
    'decaf', p_arguments -> 'decaf', 'flavour_notes', p_arguments -> 'flavors',
    'varieties', p_arguments -> 'varieties', 'clean_tags', p_arguments -> 'tags',
    'acidity', p_arguments -> 'acidity', 'body', p_arguments -> 'body',
    'aftertaste', p_arguments -> 'aftertaste', 'bitterness', p_arguments -> 'bitterness',
    'clarity', p_arguments -> 'clarity', 'sweetness', p_arguments -> 'sweetness',
    'is_limited', p_arguments -> 'is_limited', 'description_md', p_arguments -> 'description_md',
    'description_text', p_arguments -> 'description_cleaned'));
end $$;

-- to_coffee_provenance(arguments) → the words that the arguments quote, by the path of their value.
create function catalog.to_coffee_provenance(p_arguments jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(path, jsonb_build_object('raw', left(raw, 300), 'rule', 'call/quotation',
    'confidence', 1, 'place', 'call')), '{}')
  from (values
    ('attributes.process', p_arguments ->> 'process_raw'),
    ('attributes.roast_level', p_arguments ->> 'roast_level_raw'),
    ('attributes.roast_styles', p_arguments ->> 'roast_style_raw'),
    ('attributes.flavour_notes', p_arguments ->> 'notes_raw')) as quoted (path, raw)
  where raw is not null
$$;

-- to_coffee_draft(source, arguments) → the draft of the product with what the arguments state. A new product
-- has one variant with the id of the product, see rpc_upsert_variant.
create function catalog.to_coffee_draft(p_source catalog.sources, p_arguments jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  product text := p_arguments ->> 'platform_product_id';
  draft jsonb := coalesce(catalog.load_draft(p_source.id, product), catalog.to_draft(
    jsonb_build_object('platform_product_id', product, 'status', 'active'), null));
  first_variant text := draft -> 'variants' -> 0 ->> 'external_id';
  attributes jsonb := (draft -> 'attributes') || catalog.to_coffee_attributes(p_arguments);
  quoted jsonb := catalog.to_coffee_provenance(p_arguments);
  sku jsonb := p_arguments -> 'vendor_sku';
begin
  if p_arguments ->> 'default_grind' is not null then
    attributes := attributes || jsonb_build_object('grinds', coalesce(attributes -> 'grinds', '{}')
      || jsonb_build_object(first_variant, jsonb_build_array(p_arguments -> 'default_grind')));
  end if;
  if jsonb_typeof(sku) = 'string' then
    draft := jsonb_set(draft, '{variants, 0, sku}', sku);
  end if;
  if quoted <> '{}' then
    draft := draft
      || jsonb_build_object('provenance', coalesce(nullif(draft -> 'provenance', 'null'), '{}') || quoted);
  end if;
  return draft || jsonb_build_object('attributes', attributes) || jsonb_strip_nulls(jsonb_build_object(
    'title', coalesce(p_arguments ->> 'title_cleaned', p_arguments ->> 'name'),
    'description', p_arguments -> 'description_md', 'url', p_arguments -> 'direct_buy_url',
    'status', case when p_arguments ->> 'status' is not null
      then catalog.to_coffee_status(p_arguments ->> 'status') end));
end $$;

-- rpc_upsert_coffee(…): writes a coffee, or changes what the call states of one.
--   p_roaster_id   the name of the source, or the roaster_id of rpc_upsert_roaster
--   p_content_hash, p_raw_hash   accepted and not stored: the catalogue computes its own hashes
create function api.rpc_upsert_coffee(
  p_roaster_id text, p_platform_product_id text, p_name text, p_bean_species text default null,
  p_process text default null, p_roast_level text default null, p_slug text default null,
  p_description_md text default null, p_direct_buy_url text default null, p_process_raw text default null,
  p_roast_level_raw text default null, p_roast_style_raw text default null, p_acidity text default null,
  p_altitude numeric default null, p_body text default null, p_content_hash text default null,
  p_country text default null, p_decaf boolean default null, p_default_grind text default null,
  p_description_cleaned text default null, p_flavors text[] default null, p_notes_raw jsonb default null,
  p_raw_hash text default null, p_region text default null, p_source_raw jsonb default null,
  p_status text default null, p_tags text[] default null, p_title_cleaned text default null,
  p_varieties text[] default null, p_aftertaste text default null, p_bitterness text default null,
  p_clarity text default null, p_sweetness text default null, p_is_coffee boolean default null,
  p_is_limited boolean default null, p_vendor_sku text default null
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_strip_nulls(jsonb_build_object('platform_product_id', p_platform_product_id,
      'name', p_name, 'bean_species', p_bean_species, 'process', p_process, 'roast_level', p_roast_level,
      'slug', p_slug, 'description_md', p_description_md, 'direct_buy_url', p_direct_buy_url,
      'process_raw', p_process_raw, 'roast_level_raw', p_roast_level_raw,
      'roast_style_raw', p_roast_style_raw, 'acidity', p_acidity, 'altitude', p_altitude, 'body', p_body,
      'country', p_country, 'decaf', p_decaf, 'default_grind', p_default_grind,
      'description_cleaned', p_description_cleaned, 'flavors', p_flavors, 'notes_raw', p_notes_raw,
      'region', p_region, 'status', p_status, 'tags', p_tags, 'title_cleaned', p_title_cleaned))
    || jsonb_strip_nulls(jsonb_build_object('varieties', p_varieties, 'aftertaste', p_aftertaste,
      'bitterness', p_bitterness, 'clarity', p_clarity, 'sweetness', p_sweetness, 'is_coffee', p_is_coffee,
      'is_limited', p_is_limited, 'vendor_sku', p_vendor_sku, 'source_raw', p_source_raw));
  source catalog.sources := catalog.begin_call(catalog.find_roaster(p_roaster_id), arguments);
  is_new boolean := catalog.load_draft(source.id, p_platform_product_id) is null;
begin
  return query select * from catalog.apply_call(source, 'rpc_upsert_coffee', arguments,
    catalog.to_coffee_draft(source, arguments), case when is_new then coalesce(p_source_raw, arguments) end);
end $$;

-- rpc_upsert_roaster(…) → (roaster_id, source, outcome): states facts about the roaster of a source. Without
-- a source of the name `p_slug`, it adds one that is paused: programs can write to it, and it is synced after
-- `shelfsync sources resume`.
--   p_platform   shopify or woocommerce, to add a source; other platforms need `shelfsync add`
--   p_currency   ISO 4217: a Shopify shop does not state the currency of its prices
--   outcome      created, updated or unchanged
--   errors       see refuse_call
create function api.rpc_upsert_roaster(
  p_name text, p_slug text, p_platform text default null, p_website text default null,
  p_support_email text default null, p_instagram_handle text default null, p_social_json jsonb default null,
  p_currency text default null
) returns table (roaster_id uuid, source text, outcome text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  facts jsonb := jsonb_strip_nulls(jsonb_build_object('name', p_name, 'platform', p_platform,
    'website', p_website, 'support_email', p_support_email, 'instagram_handle', p_instagram_handle,
    'social', p_social_json));
  stored catalog.sources;
  outcome text := 'unchanged';
begin
  perform catalog.assert_call_role();
  if coalesce(p_slug, '') !~ '^[a-z0-9][a-z0-9-]{0,62}$' or octet_length(facts::text) > 65536
     or p_website !~ '^https?://' then
    perform catalog.refuse_call('The roaster cannot be stored',
      'Give p_slug as lower-case words joined by hyphens, p_website as an http address, and at most 64 KiB.');
  end if;
  if not exists (select from catalog.sources s where s.name = p_slug) then
    outcome := catalog.add_roaster_source(p_slug, p_platform, p_website, p_currency);
  end if;
  select * into stored from catalog.sources s where s.name = p_slug for update;
  if coalesce(stored.roaster, '{}') || facts <> coalesce(stored.roaster, '{}') then
    update catalog.sources s set roaster = coalesce(s.roaster, '{}') || facts where s.id = stored.id;
    outcome := case outcome when 'created' then outcome else 'updated' end;
  end if;
  return query select catalog.to_roaster_id(stored.id), p_slug, outcome;
end $$;

-- add_roaster_source(name, platform, website, currency) → created, or unchanged if another call added it.
--   errors      see refuse_call
create function catalog.add_roaster_source(p_name text, p_platform text, p_website text, p_currency text)
returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  origin text := substring(p_website from '^https?://[^/?#]+');
begin
  if coalesce(p_platform, '') not in ('shopify', 'woocommerce') or origin is null
     or p_platform = 'shopify' and coalesce(p_currency, '') !~ '^[A-Z]{3}$' then
    perform catalog.refuse_call(format(
        'The source "%s" does not exist, and the call does not say how to read it', p_name),
      'Give p_platform shopify with p_website and p_currency, or woocommerce with p_website;'
        || ' or add the shop first: shelfsync add');
  end if;
  insert into catalog.sources (name, connector, settings, schedule, options, state)
    values (p_name, p_platform,
      jsonb_build_object('url', origin)
        || case p_platform when 'shopify' then jsonb_build_object('currency', p_currency) else '{}' end,
      '{"cron": "30 2 * * *", "zone": "UTC", "fullOn": "none"}', '{"pack": "coffee"}', 'paused')
    on conflict (name) do nothing;
  return case when found then 'created' else 'unchanged' end;
end $$;

-- 20261122000084_schedule.sql

-- Generated from supabase/schemas/84_schedule.sql until the first release: do not edit.

-- The schedule of the edge function refresh-worker, by pg_cron, pg_net and Vault of Supabase. pg_cron reports
-- a job as succeeded when its request is queued, so the response is read from `net._http_response`, which
-- keeps it for about six hours.

-- A request of the schedule. Kept for 30 days.
create table catalog.refresh_requests (
  id           bigint primary key,        -- of pg_net
  requested_at timestamptz not null,
  responded_at timestamptz,
  status_code  integer,
  error        text                       -- the reason for a missing response
);
create index refresh_requests_newest on catalog.refresh_requests (requested_at desc);

-- list_missing_extensions() → the extensions that the schedule needs and the database lacks.
create function catalog.list_missing_extensions() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select e.name
    from (values ('pg_cron', to_regclass('cron.job')), ('pg_net', to_regclass('net._http_response')),
      ('supabase_vault', to_regclass('vault.decrypted_secrets'))) e (name, mark)
    where e.mark is null)
$$;

-- assert_extensions(): fails if the schedule cannot work in this database.
--   errors      db/unsuitable  names the extensions and the statements that create them
create function catalog.assert_extensions() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  missing text[] := catalog.list_missing_extensions();
begin
  if cardinality(missing) > 0 then
    perform catalog.fail('db/unsuitable', format(
      'The database lacks %s. In a Supabase project, enable %s under Database, Extensions, or execute: %s. '
      'Elsewhere, run `shelfsync serve`, which needs no extension',
      array_to_string(missing, ' and '), case cardinality(missing) when 1 then 'it' else 'them' end,
      array_to_string(array(select format('create extension %I;', m) from unnest(missing) m), ' ')));
  end if;
end $$;

-- save_secret(name, value): creates or replaces a secret in the Vault.
create function catalog.save_secret(p_name text, p_value text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  known uuid := (select id from vault.decrypted_secrets where name = p_name);
begin
  if known is null then
    perform vault.create_secret(p_value, p_name);
  else
    perform vault.update_secret(known, p_value);
  end if;
end $$;

-- load_secret(name) → the secret; null without one.
create function catalog.load_secret(p_name text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select decrypted_secret from vault.decrypted_secrets where name = p_name);
end $$;

-- schedule_refresh(project_url, schedule, products) → (job, schedule, url, token_is_new): calls the function
-- refresh-worker at the times of `p_schedule`, a cron expression in UTC, and reads the responses every ten
-- minutes.
--   p_products    of one call, within the CPU time of a function. More products need more frequent calls
--   token_is_new  the token was generated: give it to the functions as the secret CRON_TOKEN
--   idempotent    a second call replaces the schedule and keeps the token
--   errors        db/unsuitable (see assert_extensions) · usage/invalid  the address or the number is wrong
create function catalog.schedule_refresh(
  p_project_url text, p_schedule text default '7 * * * *', p_products integer default 250
) returns table (job text, schedule text, url text, token_is_new boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  is_new boolean;
begin
  perform catalog.assert_extensions();
  if coalesce(p_project_url, '') !~ '^https?://[^/[:space:]]+$' then
    perform catalog.fail('usage/invalid',
      format('"%s" is not the address of a project, such as https://PROJECT.supabase.co', p_project_url));
  end if;
  if coalesce(p_products, 0) not between 1 and 500 then
    perform catalog.fail('usage/invalid', 'A call refreshes 1 to 500 products');
  end if;
  is_new := catalog.load_secret('shelfsync_cron_token') is null;
  perform catalog.save_secret('shelfsync_project_url', p_project_url);
  if is_new then
    perform catalog.save_secret('shelfsync_cron_token',
      replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));
  end if;
  perform cron.schedule('shelfsync-refresh', p_schedule,
    format('select catalog.request_refresh(%s)', p_products));
  perform cron.schedule('shelfsync-refresh-responses', '*/10 * * * *',
    'select catalog.harvest_refresh_responses()');
  return query
    select 'shelfsync-refresh', p_schedule, p_project_url || '/functions/v1/refresh-worker', is_new;
end $$;

-- unschedule_refresh() → the jobs that were removed. The token stays in the Vault, so that the functions need
-- no new one after the next schedule_refresh.
--   idempotent  without a schedule, it removes nothing
create function catalog.unschedule_refresh() returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  name text;
begin
  if to_regclass('cron.job') is null then
    return;
  end if;
  for name in
    select j.jobname from cron.job j
    where j.jobname in ('shelfsync-refresh', 'shelfsync-refresh-responses') order by 1
  loop
    perform cron.unschedule(name);
    return next name;
  end loop;
end $$;

-- request_refresh(products) → the id of the request, which pg_net sends after the commit. The body is tiny:
-- pg_net hangs on bodies above 64 KB (https://github.com/supabase/pg_net/issues/225).
create function catalog.request_refresh(p_products integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  request bigint;
begin
  perform catalog.assert_extensions();
  perform catalog.harvest_refresh_responses();
  request := net.http_post(
    url => catalog.load_secret('shelfsync_project_url') || '/functions/v1/refresh-worker',
    body => jsonb_build_object('limit', p_products),
    headers => jsonb_build_object('content-type', 'application/json',
      'x-cron-token', catalog.load_secret('shelfsync_cron_token'),
      'x-correlation-id', 'schedule-' || gen_random_uuid()),
    timeout_milliseconds => 150000);
  -- pg_net counts from 1 again after its tables were created again.
  insert into catalog.refresh_requests as r (id, requested_at) values (request, clock_timestamp())
    on conflict (id) do update
      set requested_at = excluded.requested_at, responded_at = null, status_code = null, error = null;
  return request;
end $$;

-- harvest_refresh_responses() → the number of requests whose result was recorded. A request without a
-- response after six hours is recorded as lost: the queue of pg_net does not survive a crash.
create function catalog.harvest_refresh_responses() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  recorded integer := 0;
begin
  delete from catalog.refresh_requests where requested_at < clock_timestamp() - interval '30 days';
  if to_regclass('net._http_response') is null then
    return 0;
  end if;
  update catalog.refresh_requests r
    set responded_at = n.created, status_code = n.status_code,
      error = coalesce(n.error_msg, case when n.timed_out then 'timeout' end,
        case when n.status_code >= 300 then left(n.content::text, 300) end)
    from net._http_response n
    where n.id = r.id and r.responded_at is null and n.created >= r.requested_at - interval '1 minute';
  get diagnostics recorded = row_count;
  update catalog.refresh_requests
    set responded_at = clock_timestamp(), error = 'pg_net has recorded no response within six hours'
    where responded_at is null and requested_at < clock_timestamp() - interval '6 hours';
  return recorded;
end $$;

-- load_refresh_schedule() → (scheduled, requested_at, responded_at, status_code, error): whether there is a
-- schedule, and its newest request that has a result; else the newest one.
create function catalog.load_refresh_schedule() returns table (
  scheduled boolean, requested_at timestamptz, responded_at timestamptz, status_code integer, error text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  is_scheduled boolean := false;
begin
  perform catalog.harvest_refresh_responses();
  if to_regclass('cron.job') is not null then
    is_scheduled := exists (select from cron.job where jobname = 'shelfsync-refresh' and active);
  end if;
  return query
    select is_scheduled, r.requested_at, r.responded_at, r.status_code, r.error
    from (values (1)) one left join lateral (
      select * from catalog.refresh_requests
      order by responded_at is null, requested_at desc limit 1
    ) r on true;
end $$;

-- 20261122000085_sessions.sql

-- Generated from supabase/schemas/85_sessions.sql until the first release: do not edit.

-- Sessions of the dashboard: who has signed in, with which kind of key, and until when.

-- One signed-in browser. The token itself is only in its cookie.
create table catalog.sessions (
  -- SHA-256 of the token.
  token_hash bytea primary key,
  -- The name that the person gave at the sign-in, for the action log.
  name text not null,
  -- True after a sign-in with ADMIN_KEY, false with READ_KEY.
  may_write boolean not null,
  -- HMAC of the token under the key of the sign-in: the session ends when that key is not accepted any more.
  key_proof bytea not null,
  opened_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- open_session(token_hash, name, may_write, key_proof, lifetime): opens a session, and deletes those that
-- have expired.
--   atomic      one row, or nothing
create function catalog.open_session(
  p_token_hash bytea, p_name text, p_may_write boolean, p_key_proof bytea, p_lifetime interval
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from catalog.sessions where expires_at <= now();
  insert into catalog.sessions (token_hash, name, may_write, key_proof, expires_at)
  values (p_token_hash, p_name, p_may_write, p_key_proof, now() + p_lifetime);
end $$;

-- find_session(token_hash) → (name, may_write, key_proof, expires_at), or no row after its end.
create function catalog.find_session(p_token_hash bytea)
returns table (name text, may_write boolean, key_proof bytea, expires_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.may_write, s.key_proof, s.expires_at from catalog.sessions s
  where s.token_hash = p_token_hash and s.expires_at > now()
$$;

-- end_session(token_hash): signs out.
--   idempotent  a session that has ended stays ended
create function catalog.end_session(p_token_hash bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.sessions where token_hash = p_token_hash
$$;

-- measure_people() → {sessions: {write, read}, actions: {action: count}}: how many are signed in by what they
-- may do, and how often each action was recorded. For the metrics.
create function catalog.measure_people() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'sessions', (select jsonb_build_object('write', count(*) filter (where s.may_write),
      'read', count(*) filter (where not s.may_write))
      from catalog.sessions s where s.expires_at > clock_timestamp()),
    'actions', (select coalesce(jsonb_object_agg(action, n), '{}') from (
      select a.action, count(*) as n from catalog.actions a group by a.action) k))
$$;

-- 20261122000086_catalogue_pages.sql

-- Generated from supabase/schemas/86_catalogue_pages.sql until the first release: do not edit.

-- The read model of the whole catalogue, for the read API, its exports and agents: pages of products,
-- variants and prices of one source or of all, in the order of their keys. Expired content is left out.
--
-- Amounts are text, because JSON readers cannot represent integers above 2^53 - 1.

-- find_product_key(id) → the key of the product with this id of api.products; no row for an unknown or an
-- expired one.
create function catalog.find_product_key(p_id uuid) returns table (source_id integer, product text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.source_id, p.external_id from catalog.products p
  where md5(p.source_id::text || ' ' || p.external_id)::uuid = p_id
    and (p.expires_at is null or p.expires_at > now())
$$;

-- describe_products(sources, products) → the products with these keys, in their order, each with its
-- variants, current prices and images. Unknown and expired products have no row.
create function catalog.describe_products(p_sources integer[], p_products text[]) returns table (
  place bigint, id uuid, source text, source_id integer, product text, status text, title text,
  description text, brand text, manufacturer text, url text, identifiers jsonb, attributes jsonb,
  successor text, successor_id uuid, source_updated_at timestamptz, first_seen_at timestamptz,
  changed_at timestamptz, last_available_at timestamptz, expires_at timestamptz, variants jsonb, images jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.place, md5(p.source_id::text || ' ' || p.external_id)::uuid, s.name, p.source_id, p.external_id,
    p.status, p.title, p.description, p.brand, p.manufacturer, p.url, p.identifiers, p.attributes,
    p.successor, md5(coalesce(p.successor_source, p.source_id)::text || ' ' || p.successor)::uuid,
    p.source_updated_at, p.first_seen_at, p.changed_at, p.last_available_at, p.expires_at,
    coalesce((
      select jsonb_agg(jsonb_build_object(
          'id', v.external_id, 'title', v.title, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
          'weightGrams', v.weight_grams, 'packCount', v.pack_count, 'availability', v.availability,
          'prices', coalesce((
            select jsonb_agg(jsonb_build_object(
                'type', c.price_type, 'minor', c.amount_minor::text, 'currency', c.currency,
                'compareAtMinor', c.compare_at_minor::text, 'observedAt', c.observed_at)
              order by c.price_type)
            from catalog.prices c
            where c.source_id = p.source_id and c.product_external_id = p.external_id
              and c.variant_external_id = v.external_id and c.state = 'current'
              and c.amount_minor is not null and (c.expires_at is null or c.expires_at > now())), '[]'))
        order by v.position, v.external_id)
      from catalog.variants v
      where v.source_id = p.source_id and v.product_external_id = p.external_id and v.removed_at is null
      ), '[]'),
    coalesce((
      select jsonb_agg(jsonb_build_object(
          'url', i.url, 'alt', i.alt, 'copyUrl', i.cdn_url, 'type', b.type, 'width', b.width,
          'height', b.height) order by i.position)
      from catalog.images i left join catalog.blobs b on b.sha256 = i.sha256
      where i.source_id = p.source_id and i.product_external_id = p.external_id), '[]')
  from unnest(p_sources, p_products) with ordinality k (source_id, product, place)
  join catalog.products p on p.source_id = k.source_id and p.external_id = k.product
  join catalog.sources s on s.id = p.source_id
  where p.expires_at is null or p.expires_at > now()
  order by k.place
$$;

-- describe_named_products(sources, products) → as describe_products, for the names of the sources.
create function catalog.describe_named_products(p_sources text[], p_products text[])
returns setof jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select to_jsonb(d) from (
    select array_agg(s.id order by k.place) as sources, array_agg(k.product order by k.place) as products
    from unnest(p_sources, p_products) with ordinality k (source, product, place)
    join catalog.sources s on s.name = k.source
  ) keys
  cross join lateral catalog.describe_products(keys.sources, keys.products) d
  order by d.place
$$;

-- page_products(…) → products of one source, or of all with null, by their keys, after the key
-- (p_after_source, p_after_product).
--   p_bytes_max   the page ends before the product with which its documents would exceed this; it has one
--                 product at least
--   has_more      of every row: whether a product follows the page
create function catalog.page_products(
  p_source integer, p_statuses text[], p_after_source integer, p_after_product text, p_limit integer,
  p_bytes_max integer
) returns table (row_of jsonb, has_more boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  sources integer[];
  products text[];
begin
  select array_agg(k.source_id order by k.source_id, k.external_id),
      array_agg(k.external_id order by k.source_id, k.external_id)
    into sources, products
    from (
      select p.source_id, p.external_id from catalog.products p
      where (p_source is null or p.source_id = p_source)
        and (p.source_id, p.external_id)
          > (coalesce(p_after_source, p_source, 0), coalesce(p_after_product, ''))
        and p.status = any (p_statuses) and (p.expires_at is null or p.expires_at > now())
      order by p.source_id, p.external_id limit p_limit + 1
    ) k;
  return query
    with described as (
      select d.place, to_jsonb(d) as document
      from catalog.describe_products(sources[:p_limit], products[:p_limit]) d
    ), sized as (
      select d.*, sum(octet_length(d.document::text)) over (order by d.place) as bytes from described d
    ), page as (
      select z.* from sized z where z.bytes <= p_bytes_max or z.place = (select min(place) from described)
    )
    select p.document - 'place',
      cardinality(sources) > p_limit or (select count(*) from page) < (select count(*) from described)
    from page p order by p.place;
end $$;

-- page_variants(…) → variants by their keys, after the key (p_after_source, p_after_product,
-- p_after_variant). Each filter may be null; a GTIN is found with and without leading zeros.
create function catalog.page_variants(
  p_source integer, p_product text, p_gtin text, p_after_source integer, p_after_product text,
  p_after_variant text, p_limit integer
) returns table (
  source_id integer, source text, product text, product_id uuid, variant text, title text, sku text,
  gtin text, options jsonb, weight_grams numeric, pack_count integer, availability text, "position" integer
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    select v.source_id, s.name, v.product_external_id,
      md5(v.source_id::text || ' ' || v.product_external_id)::uuid, v.external_id, v.title, v.sku, v.gtin,
      v.options, v.weight_grams, v.pack_count, v.availability, v.position
    from catalog.variants v join catalog.sources s on s.id = v.source_id
    where (p_source is null or v.source_id = p_source)
      and (p_product is null or v.product_external_id = p_product)
      and (p_gtin is null or v.gtin = any (catalog.list_gtin_spellings(p_gtin)))
      and (v.source_id, v.product_external_id, v.external_id)
        > (coalesce(p_after_source, p_source, 0), coalesce(p_after_product, p_product, ''),
          coalesce(p_after_variant, ''))
      and v.removed_at is null and not exists (
        select from catalog.products e
        where e.source_id = v.source_id and e.external_id = v.product_external_id and e.expires_at <= now())
    order by v.source_id, v.product_external_id, v.external_id limit p_limit;
end $$;

-- page_prices(…) → published prices by their keys, after the key (p_after_source, p_after_product,
-- p_after_variant, p_after_type, p_after_run). Each filter may be null.
--   p_history   false: only current prices, without withdrawn ones
--   minor       null: the supplier withdrew the price
create function catalog.page_prices(
  p_source integer, p_product text, p_variant text, p_type text, p_history boolean, p_after_source integer,
  p_after_product text, p_after_variant text, p_after_type text, p_after_run bigint, p_limit integer
) returns table (
  source_id integer, source text, product text, product_id uuid, variant text, type text, minor text,
  currency text, compare_at_minor text, observed_at timestamptz, is_current boolean, run bigint
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    select c.source_id, s.name, c.product_external_id,
      md5(c.source_id::text || ' ' || c.product_external_id)::uuid, c.variant_external_id, c.price_type,
      c.amount_minor::text, c.currency, c.compare_at_minor::text, c.observed_at, c.state = 'current', c.run_id
    from catalog.prices c join catalog.sources s on s.id = c.source_id
    where (p_source is null or c.source_id = p_source)
      and (p_product is null or c.product_external_id = p_product)
      and (p_variant is null or c.variant_external_id = p_variant)
      and (p_type is null or c.price_type = p_type)
      and (c.source_id, c.product_external_id, c.variant_external_id, c.price_type, c.run_id)
        > (coalesce(p_after_source, p_source, 0), coalesce(p_after_product, p_product, ''),
          coalesce(p_after_variant, ''), coalesce(p_after_type, ''), coalesce(p_after_run, 0))
      and (c.state = 'current' or c.state = 'past' and p_history)
      and (c.amount_minor is not null or p_history) and (c.expires_at is null or c.expires_at > now())
      and not exists (
        select from catalog.products e
        where e.source_id = c.source_id and e.external_id = c.product_external_id and e.expires_at <= now())
    order by c.source_id, c.product_external_id, c.variant_external_id, c.price_type, c.run_id limit p_limit;
end $$;

-- 20261122000087_feed.sql

-- Generated from supabase/schemas/87_feed.sql until the first release: do not edit.

-- The change feed: published changes of all sources in one order, which consumers read by position.

-- lock_feed() → the last position. Until the transaction ends, no other one gives positions: so positions are
-- committed in their order, and a reader that remembers the highest one it has read skips none, however many
-- writers there are. It is taken last, because other sources wait for it.
create function catalog.lock_feed() returns bigint
language sql set search_path = pg_catalog, pg_temp as $$
  select last_position from catalog.feed for update
$$;

-- advance_feed(last): records the last position that the caller has given, under lock_feed. The commit wakes
-- the readers that listen to the channel `shelfsync_changes`.
create function catalog.advance_feed(p_last bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.feed set last_position = p_last where last_position < p_last;
  if found then
    perform pg_notify('shelfsync_changes', '');
  end if;
end $$;

-- publish_decision(review, kind, detail): publishes the change that a person's decision on a review makes to
-- a product, at once. Its values end with those of the review.
--   ordering    see lock_feed; the caller has locked the review
create function catalog.publish_decision(p_review catalog.reviews, p_kind text, p_detail jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  next_position bigint := catalog.lock_feed() + 1;
begin
  insert into catalog.changes
      (source_id, run_id, product_external_id, review_id, kind, position, detail, expires_at)
    values (p_review.source_id, p_review.run_id, p_review.product_external_id, p_review.id, p_kind,
      next_position, p_detail, p_review.expires_at);
  perform catalog.advance_feed(next_position);
end $$;

-- assert_cursor(after): fails with `feed/cursor-expired` when changes after this position have been removed.
create function catalog.assert_cursor(p_after bigint) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  expired bigint := (select expired_position from catalog.feed);
begin
  if p_after < expired then
    perform catalog.fail('feed/cursor-expired', format(
      'The changes after position %s have been removed by their age: the oldest cursor is %s', p_after,
      expired));
  end if;
end $$;

-- to_feed_change(change) → the change as the feed shows it: without a price that waits for a decision, and
-- without expired content.
--   product_id  uuid of the product in schema api
--   expired     whether values or the title are left out because their licence has ended
--   planned once in a session: planning takes longer than the rest
create function catalog.to_feed_change(p_change catalog.changes) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
begin
  return (select jsonb_build_object(
    'position', p_change.position, 'source', s.name, 'run', p_change.run_id,
    'product', p_change.product_external_id, 'title', catalog.show_title(p),
    'product_id', md5(p.source_id::text || ' ' || p.external_id)::uuid, 'kind', p_change.kind,
    'changed_at', p_change.changed_at,
    'expired', p_change.expires_at <= now() is true or p.expires_at <= now() is true,
    'detail', d.shown, 'currencies', catalog.load_price_currencies(
      p_change.source_id, p_change.product_external_id, p_change.run_id, d.shown))
  from catalog.sources s
  left join catalog.products p
    on p.source_id = p_change.source_id and p.external_id = p_change.product_external_id
  cross join lateral (
    select coalesce(jsonb_object_agg(key, value), '{}') as shown
    from jsonb_each(case when p.expires_at <= now() then catalog.hide_detail(p_change.detail)
      else catalog.show_detail(p_change) end)
    where not (key like 'price:%' and jsonb_array_length(value) > 2) and key <> 'provenance'
  ) d
  where s.id = p_change.source_id);
end $$;

-- read_feed(after, limit, source, kinds, product) → {changes, next, last}: published changes after the
-- position, in their order. Each filter may be null.
--   next        the cursor of the next call. It passes changes that the filters leave out, so that an empty
--               page moves it too; a call looks at 100,000 positions at most
--   last        the last position of the feed: nothing follows when `next` is the same
--   errors      feed/cursor-expired · source/unknown
create function catalog.read_feed(
  p_after bigint, p_limit integer, p_source text, p_kinds text[], p_product text
) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  -- The newest position that every reader can see: positions are committed in their order.
  last bigint := (select last_position from catalog.feed);
  reached bigint := least(last, p_after + 100000);
  of_source integer := (select id from catalog.sources where name = p_source);
  changes jsonb;
begin
  perform catalog.assert_cursor(p_after);
  if p_source is not null and of_source is null then
    perform catalog.fail('source/unknown', format('The source "%s" does not exist', p_source));
  end if;
  select coalesce(jsonb_agg(catalog.to_feed_change(page) order by page.position), '[]') into changes
    from (
      select c.* from catalog.changes c
      where c.position > p_after and c.position <= reached
        and (of_source is null or c.source_id = of_source)
        and (p_kinds is null or c.kind = any (p_kinds))
        and (p_product is null or c.product_external_id = p_product)
      order by c.position limit p_limit
    ) page;
  return jsonb_build_object('changes', changes, 'last', last, 'next',
    case when jsonb_array_length(changes) = p_limit then changes -> -1 -> 'position'
      else to_jsonb(greatest(reached, p_after)) end);
end $$;

-- read_latest_changes(before, limit, source, kind, product) → {changes, next}: published changes before the
-- position, the newest first, as the feed shows them. Each filter may be null.
--   next        `before` of the next call; null at the oldest change. A call looks at 100,000 positions at
--               most, so that a page may be empty before the end
--   errors      source/unknown
create function catalog.read_latest_changes(
  p_before bigint, p_limit integer, p_source text, p_kind text, p_product text
) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  before bigint := least(p_before, (select last_position + 1 from catalog.feed));
  reached bigint := greatest(before - 100000, (select expired_position + 1 from catalog.feed));
  of_source integer := (select id from catalog.sources where name = p_source);
  changes jsonb;
begin
  if p_source is not null and of_source is null then
    perform catalog.fail('source/unknown', format('The source "%s" does not exist', p_source));
  end if;
  select coalesce(jsonb_agg(catalog.to_feed_change(page) order by page.position desc), '[]') into changes
    from (
      select c.* from catalog.changes c
      where c.position < before and c.position >= reached
        and (of_source is null or c.source_id = of_source)
        and (p_kind is null or c.kind = p_kind)
        and (p_product is null or c.product_external_id = p_product)
      order by c.position desc limit p_limit
    ) page;
  return jsonb_build_object('changes', changes, 'next',
    case when jsonb_array_length(changes) = p_limit then changes -> -1 -> 'position'
      when exists (select from catalog.changes c where c.position < reached) then to_jsonb(reached) end);
end $$;

-- find_feed_place(at) → (oldest, last, place): the oldest cursor, the newest, and that of an instant: the
-- changes after `place` were published at or after it. `p_at` null: `place` is the newest.
create function catalog.find_feed_place(p_at timestamptz)
returns table (oldest bigint, last bigint, place bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.expired_position, f.last_position, greatest(f.expired_position, case when p_at is null
    then f.last_position else coalesce((
      select min(c.position) - 1 from catalog.changes c
      where c.position is not null and c.changed_at >= p_at), f.last_position) end)
  from catalog.feed f
$$;

-- remove_old_changes(days, limit) → changes removed: published ones that are older, at most `p_limit` in one
-- call, the oldest first. `loaded` stays, because it states that a first load has been published.
create function catalog.remove_old_changes(p_days integer, p_limit integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  removed bigint;
  reached bigint;
begin
  with old as (
    select position, changed_at from catalog.changes
    where position > (select expired_position from catalog.feed)
    order by position limit p_limit
  )
  select max(position) into reached from old where changed_at < now() - make_interval(days => p_days);
  if reached is null then
    return 0;
  end if;
  perform catalog.lock_feed();
  update catalog.feed set expired_position = reached where expired_position < reached;
  delete from catalog.changes where position <= reached and kind <> 'loaded';
  get diagnostics removed = row_count;
  return removed;
end $$;

-- list_rules() → every rule by name, with the names of its source and its receiver.
create function catalog.list_rules() returns table (
  name text, event text, percent numeric, amount_minor bigint, currency text, source text, product text,
  words text, first_load boolean, webhook text, state text, fired bigint, fired_at timestamptz,
  created_by text, created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.name, r.event, r.percent, r.amount_minor, r.currency, s.name, r.product, r.words, r.first_load,
    w.name, r.state, r.fired, r.fired_at, r.created_by, r.created_at
  from catalog.rules r
  join catalog.webhooks w on w.id = r.webhook_id
  left join catalog.sources s on s.id = r.source_id
  order by r.name
$$;

-- 20261122000088_deliveries.sql

-- Generated from supabase/schemas/88_deliveries.sql until the first release: do not edit.

-- The work on deliveries. queue_deliveries turns changes into messages, a deliverer claims and sends them. In
-- the messages of one receiver, a product has at most one that is due: the next follows when it is over.
-- Advisory lock ('catalog.deliveries', webhook): exclusive while messages are added, shared while one ends,
-- so that none is left without a time. try_rule shows which messages a rule would have had.

-- release_heads(webhook, sources, products): makes the first waiting message of each product due, unless one
-- of the product is due already.
create function catalog.release_heads(p_webhook integer, p_sources integer[], p_products text[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.deliveries d set due_at = clock_timestamp()
    from (select distinct source, product from unnest(p_sources, p_products) k (source, product)) k
    cross join lateral (
      select h.position, h.rule_id, h.due_at from catalog.deliveries h
      where h.webhook_id = p_webhook and h.source_id = k.source and h.product = k.product
        and h.state = 'waiting'
      order by h.position, h.rule_id limit 1
    ) h
    where d.webhook_id = p_webhook and d.position = h.position and d.rule_id = h.rule_id and d.due_at is null
      and d.state = 'waiting' and not exists (
        select from catalog.deliveries o
        where o.webhook_id = p_webhook and o.source_id = k.source and o.product = k.product
          and o.state = 'waiting' and o.due_at is not null)
$$;

-- queue_changes(webhook, until): adds a message for each change in (cursor, until] that the receiver gets.
create function catalog.queue_changes(p_webhook catalog.webhooks, p_until bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  sources integer[];
  products text[];
begin
  with added as (
    insert into catalog.deliveries (webhook_id, position, source_id, product)
      select p_webhook.id, c.position, c.source_id, c.product_external_id from catalog.changes c
      where c.position > p_webhook.cursor and c.position <= p_until
        and (p_webhook.sources is null or c.source_id = any (p_webhook.sources))
        and (p_webhook.kinds is null or c.kind = any (p_webhook.kinds))
      order by c.position
      on conflict do nothing
      returning source_id, product)
  select array_agg(source_id), array_agg(product) into sources, products from added;
  update catalog.webhooks set cursor = p_until where id = p_webhook.id;
  perform catalog.release_heads(p_webhook.id, sources, products);
end $$;

-- queue_firings(webhook, rule, until): adds a message for each change in (cursor, until] that fires the rule;
-- for Slack, one digest of all of them.
create function catalog.queue_firings(p_webhook catalog.webhooks, p_rule catalog.rules, p_until bigint)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  places bigint[];
  sources integer[];
  products text[];
begin
  select array_agg((f.change).position order by (f.change).position),
      array_agg((f.change).source_id order by (f.change).position),
      array_agg((f.change).product_external_id order by (f.change).position)
    into places, sources, products
    from catalog.list_firings(p_rule, p_rule.cursor, p_until, null) f;
  if places is not null and p_webhook.format = 'slack' then
    insert into catalog.deliveries (webhook_id, position, rule_id, source_id, product, digest, digest_count)
      values (p_webhook.id, places[cardinality(places)], p_rule.id, 0, '',
        places[greatest(1, cardinality(places) - 19):], cardinality(places))
      on conflict do nothing;
    perform catalog.release_heads(p_webhook.id, '{0}', '{""}');
  elsif places is not null then
    insert into catalog.deliveries (webhook_id, position, rule_id, source_id, product)
      select p_webhook.id, place, p_rule.id, source, product
      from unnest(places, sources, products) n (place, source, product)
      on conflict do nothing;
    perform catalog.release_heads(p_webhook.id, sources, products);
  end if;
  update catalog.rules
    set cursor = p_until, fired = fired + coalesce(cardinality(places), 0),
        fired_at = case when places is null then fired_at else clock_timestamp() end
    where id = p_rule.id;
end $$;

-- queue_deliveries(limit) → whether changes remain. Adds messages for at most `p_limit` changes to each
-- active receiver. One with 10,000 waiting messages gets none: its changes wait in the feed.
--   atomic      the messages and the cursors
create function catalog.queue_deliveries(p_limit integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  last constant bigint := (select last_position from catalog.feed);
  webhook catalog.webhooks;
  rule catalog.rules;
  behind integer;
  remains boolean := false;
begin
  for behind in
    select w.id from catalog.webhooks w
    where w.state = 'active' and (w.gets_changes and w.cursor < last or exists (
      select from catalog.rules r where r.webhook_id = w.id and r.state = 'on' and r.cursor < last))
    order by w.id
  loop
    perform pg_advisory_xact_lock(hashtext('catalog.deliveries'), behind);
    select * into webhook from catalog.webhooks w where w.id = behind for update;
    continue when webhook.id is null or webhook.state <> 'active' or (
      select count(*) from (
        select from catalog.deliveries d where d.webhook_id = behind and d.state = 'waiting' limit 10000
      ) waiting) = 10000;
    if webhook.gets_changes and webhook.cursor < last then
      perform catalog.queue_changes(webhook, least(last, webhook.cursor + p_limit));
      remains := remains or webhook.cursor + p_limit < last;
    end if;
    for rule in
      select * from catalog.rules r
      where r.webhook_id = behind and r.state = 'on' and r.cursor < last order by r.id for update
    loop
      perform catalog.queue_firings(webhook, rule, least(last, rule.cursor + p_limit));
      remains := remains or rule.cursor + p_limit < last;
    end loop;
  end loop;
  return remains;
end $$;

-- load_message(webhook, delivery) → {id, webhook, format, url, position, rule, event, changes, count} of a
-- delivery; `changes` is empty if they have been removed by their age.
create function catalog.load_message(p_webhook catalog.webhooks, p_delivery catalog.deliveries) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules;
begin
  select * into rule from catalog.rules r where r.id = p_delivery.rule_id;
  return jsonb_build_object('id', p_delivery.id, 'message', format('%s-%s', p_webhook.key,
      concat_ws('-', p_delivery.position, nullif(p_delivery.rule_id, 0))),
    'webhook', p_webhook.name, 'format', p_webhook.format, 'url', p_webhook.url, 'token', p_delivery.token,
    'attempts', p_delivery.attempts, 'position', p_delivery.position, 'rule', rule.name, 'event', rule.event,
    'count', coalesce(p_delivery.digest_count, 1), 'created_at', p_delivery.created_at,
    'changes', coalesce((
      select jsonb_agg(catalog.to_feed_change(c) || jsonb_build_object('event',
        case when rule.id is not null then catalog.find_event(rule, c) end) order by c.position)
      from catalog.changes c
      where c.position = any (coalesce(p_delivery.digest, array[p_delivery.position]))), '[]'));
end $$;

-- claim_deliveries(limit, lease, except) → due messages of one receiver, see load_message, leased to the
-- caller for `p_lease` milliseconds: another process may then send them. A receiver that failed three times
-- in a row gets one message at a time, when its pause is over.
--   p_except    names of receivers that are left out
create function catalog.claim_deliveries(
  p_limit integer, p_lease double precision, p_except text[]
) returns setof jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  lease_end constant timestamptz := present + make_interval(secs => p_lease / 1000);
  webhook catalog.webhooks;
begin
  for webhook in
    select * from catalog.webhooks w
    where w.state = 'active' and coalesce(w.paused_until, present) <= present
      and w.name <> all (p_except) and exists (
        select from catalog.deliveries d where d.webhook_id = w.id and d.due_at <= present)
    order by random()
  loop
    if webhook.failures >= 3 then
      update catalog.webhooks set paused_until = lease_end
        where id = webhook.id and coalesce(paused_until, present) <= present;
      continue when not found;
    end if;
    return query
      with claimed as (
        update catalog.deliveries d set token = d.token + 1, due_at = lease_end
          where d.id = any (array(
            select n.id from catalog.deliveries n
            where n.webhook_id = webhook.id and n.due_at <= present
            order by n.due_at, n.position
            limit case when webhook.failures >= 3 then 1 else p_limit end
            for update skip locked))
          returning d.*)
      select catalog.load_message(webhook, c) from claimed c order by c.position, c.rule_id;
    exit when found;
  end loop;
end $$;

-- next_pause(failures) → the pause of a receiver after so many failed requests in a row: none after the first
-- two, then 5 s, doubled up to 15 minutes.
create function catalog.next_pause(p_failures integer) returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_failures < 3 then interval '0'
    else least(interval '15 minutes', interval '5 seconds' * 2 ^ least(p_failures - 3, 20)) end
$$;

-- finish_delivery(id, token, state, status, error, delay, pause, disable) → false if another process has
-- claimed the message since: nothing is written. Ends an attempt, and makes the next message of the product
-- due once this one is over.
--   state       delivered, dead, or waiting for the next attempt after `p_delay` milliseconds
--   p_pause     milliseconds for which the receiver accepts no requests
--   p_disable   why the receiver gets no more messages; null: it does. One that has only failed for three
--               days is disabled too
create function catalog.finish_delivery(
  p_id bigint, p_token bigint, p_state text, p_status integer, p_error text, p_delay double precision,
  p_pause double precision, p_disable text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  ended catalog.deliveries;
begin
  perform pg_advisory_xact_lock_shared(hashtext('catalog.deliveries'), webhook_id)
    from catalog.deliveries where id = p_id;
  update catalog.deliveries d
    set state = p_state, attempts = d.attempts + 1, status = p_status, error = p_error,
        due_at = case when p_state = 'waiting' then present + make_interval(secs => p_delay / 1000) end,
        finished_at = case when p_state <> 'waiting' then present end
    where d.id = p_id and d.token = p_token and d.state = 'waiting' returning * into ended;
  if ended.id is null then
    return false;
  end if;
  if p_state <> 'waiting' then
    perform catalog.release_heads(ended.webhook_id, array[ended.source_id], array[ended.product]);
  end if;
  if p_state = 'delivered' then
    update catalog.webhooks w
      set failures = 0, failing_since = null, paused_until = null, last_error = null, delivered_at = present
      -- Most successes leave the row as it is: the workers of a receiver would wait for each other.
      where w.id = ended.webhook_id
        and (w.failures > 0 or w.delivered_at is null or w.delivered_at < present - interval '10 seconds');
  else
    update catalog.webhooks w
      set failures = w.failures + 1, failing_since = coalesce(w.failing_since, present), last_error = p_error,
          paused_until = present + greatest(catalog.next_pause(w.failures + 1),
            make_interval(secs => p_pause / 1000)),
          state = case when w.state = 'active' and (p_disable is not null
            or w.failing_since < present - interval '3 days') then 'disabled' else w.state end,
          reason = case when w.state <> 'active' then w.reason when p_disable is not null then p_disable
            when w.failing_since < present - interval '3 days'
              then 'every request has failed for three days: ' || p_error end
      where w.id = ended.webhook_id;
  end if;
  return true;
end $$;

-- remove_old_deliveries(limit) → messages removed: delivered ones after 7 days, dead ones after 30.
create function catalog.remove_old_deliveries(p_limit integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  removed bigint;
begin
  delete from catalog.deliveries d where d.id = any (array(
    select o.id from catalog.deliveries o
    where o.state <> 'waiting' and o.finished_at < now() - interval '7 days'
      and (o.state = 'delivered' or o.finished_at < now() - interval '30 days') limit p_limit));
  get diagnostics removed = row_count;
  return removed;
end $$;

-- try_rule(rule, name, days, limit) → {times, firings, since}: the changes of the last days that would have
-- fired it, the newest `p_limit` of them as {change, event}.
--   p_rule      see read_rule; null: the stored rule `p_name`
--   errors      see read_rule · rule/unknown
create function catalog.try_rule(p_rule jsonb, p_name text, p_days integer, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  rule catalog.rules;
  since timestamptz := now() - make_interval(days => p_days);
begin
  if p_rule is null then
    rule := catalog.load_rule(p_name);
  else
    rule := catalog.read_rule(p_rule);
  end if;
  return (
    with found as materialized (
      select (l.change).position as place, l.change, l.event
      from catalog.list_firings(rule, (select place from catalog.find_feed_place(since)),
        catalog.max_id(), null) l
    )
    select jsonb_build_object('times', (select count(*) from found), 'since', since, 'firings', coalesce((
      select jsonb_agg(jsonb_build_object('change', catalog.to_feed_change(f.change), 'event', f.event)
        order by f.place desc)
      from (select * from found order by place desc limit p_limit) f), '[]')));
end $$;

-- 20261122000089_alerts.sql

-- Generated from supabase/schemas/89_alerts.sql until the first release: do not edit.

-- Alerts: what is wrong, who knows, and which messages were sent. Every process beats; one of them has the
-- lease, judges the state of the system and sends. src/alerts has the rules.

-- A cause and its time. While it is not closed, a cause has one row.
create table catalog.alerts (
  id              bigint generated always as identity primary key,
  kind            text not null,
  subject         text not null,               -- a source, a supplier's host, or `all`
  source          text,                        -- name of the source; null if it belongs to none
  run             bigint,
  -- pending: not for long enough yet; closed: the cause has ended.
  state           text not null check (state in ('pending', 'open', 'closed')),
  reason          text not null,
  since           timestamptz not null,
  opened_at       timestamptz,
  absent_since    timestamptz,                 -- the cause is absent, but not for long enough to close
  closed_at       timestamptz,
  acknowledged_by text,
  acknowledged_at timestamptz,
  muted_until     timestamptz,
  muted_by        text,
  check ((state = 'closed') = (closed_at is not null))
);
create unique index alerts_current on catalog.alerts (kind, subject) where state <> 'closed';
create index alerts_newest on catalog.alerts (id desc) where state = 'closed' and opened_at is not null;
create index alerts_subject on catalog.alerts (kind, subject, id);

-- Messages that were sent about an alert.
create table catalog.alert_notices (
  alert_id        bigint not null references catalog.alerts (id) on delete cascade,
  channel         text not null,
  event           text not null check (event in ('opened', 'recovered')),
  sent_at         timestamptz not null default clock_timestamp(),
  primary key (alert_id, channel, event)
);

-- Slack and Sentry, as the processes use them.
create table catalog.alert_channels (
  channel         text primary key,
  last_sent_at    timestamptz,
  messages        bigint not null default 0,   -- that were accepted
  failures        integer not null default 0,  -- in a row
  error           text,                        -- of the last attempt
  retry_at        timestamptz,
  -- Of the last weekly note, or when a process first had the channel.
  weekly_at       timestamptz not null default clock_timestamp(),
  run_end         bigint not null              -- number of the last reported end of a run
);

-- Processes, each with its signals: {waits: {reason: seconds}, wrong_keys} of the last fifteen minutes.
create table catalog.alert_processes (
  process         text primary key,
  channels        text[] not null,
  signals         jsonb not null,
  beat_at         timestamptz not null
);

-- The process that judges and sends.
create table catalog.alert_lease (
  single          boolean primary key default true check (single),
  process         text not null,
  channels        text[] not null,
  token           bigint not null,
  expires_at      timestamptz not null
);

-- beat_alerts(process, channels, signals, seconds) → the fencing token of the lease if this process has it,
-- else null. The lease is free when it has expired. A process with more channels takes it over at once,
-- because its predecessor cannot send everything.
create function catalog.beat_alerts(
  p_process text, p_channels text[], p_signals jsonb, p_seconds double precision
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
begin
  insert into catalog.alert_processes as p (process, channels, signals, beat_at)
    values (p_process, p_channels, p_signals, present)
    on conflict (process) do update
      set channels = excluded.channels, signals = excluded.signals, beat_at = excluded.beat_at;
  delete from catalog.alert_processes where beat_at < present - interval '1 hour';
  -- Runs that ended before the channel was set up are not reported.
  insert into catalog.alert_channels (channel, run_end)
    select c, coalesce((select max(no) from catalog.run_ends), 0) from unnest(p_channels) c
    on conflict do nothing;
  insert into catalog.alert_lease as l (process, channels, token, expires_at)
    values (p_process, p_channels, nextval('catalog.tokens'), present + p_seconds * interval '1 second')
    on conflict (single) do update
      set process = excluded.process, channels = excluded.channels, expires_at = excluded.expires_at,
        token = case when l.process = excluded.process then l.token else excluded.token end
      where l.process = excluded.process or l.expires_at <= present
        or cardinality(excluded.channels) > cardinality(l.channels);
  return (
    select l.token from catalog.alert_lease l
    where l.process = p_process and l.expires_at > clock_timestamp());
end $$;

-- leave_alerts(process): the process stops, and another one may take the lease at once.
create function catalog.leave_alerts(p_process text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.alert_processes where process = p_process;
  update catalog.alert_lease set expires_at = clock_timestamp() where process = p_process;
$$;

-- holds_alerts(token) → whether no other process has taken the lease; none does until the transaction
-- ends. An expired lease counts, so that a message which took long is not sent twice.
create function catalog.holds_alerts(p_token bigint) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from catalog.alert_lease where token = p_token for share;
  return found;
end $$;

-- load_alert_facts() → {now, sources, breakers, waits, wrong_keys}: the state that alerts are judged by.
--   sources     active ones: {source, schedule, due_since, late_products, held_runs, failures,
--               failure_class, failed_run, week_runs, week_failures}, see measure_sources
--   waits       seconds of back-pressure by reason in the last fifteen minutes, of the process that waited
--               longest; `wrong_keys` the sum of all processes
create function catalog.load_alert_facts() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('now', clock_timestamp(),
    'sources', (
      select coalesce(jsonb_agg(jsonb_build_object('source', m.source, 'schedule', m.schedule,
        'due_since', m.due_since, 'late_products', m.late_products, 'longest_seconds', m.longest_seconds,
        'paused', m.age_seconds is null,
        'held_runs', (select coalesce(jsonb_agg(r.id order by r.id), '[]') from catalog.runs r
          where r.source_id = m.id and r.state = 'held'),
        'failures', m.failures, 'failure_class', m.failure_class,
        'failed_run', (select r.id from catalog.runs r where r.source_id = m.id and r.state = 'failed'
          and r.reason is not null order by r.id desc limit 1),
        'week_runs', m.week_runs, 'week_failures', m.week_failures) order by m.source), '[]')
      from catalog.measure_sources() m),
    'breakers', (select coalesce(jsonb_agg(b), '[]') from catalog.list_breakers() b),
    'waits', (
      select coalesce(jsonb_object_agg(reason, seconds), '{}') from (
        select w.key as reason, max(w.value::double precision) as seconds
        from catalog.alert_processes p cross join jsonb_each_text(p.signals -> 'waits') w
        where p.beat_at > clock_timestamp() - interval '2 minutes' group by w.key) k),
    'wrong_keys', (
      select coalesce(sum((p.signals ->> 'wrong_keys')::integer), 0) from catalog.alert_processes p
      where p.beat_at > clock_timestamp() - interval '15 minutes'))
$$;

-- list_alerts(closed) → alerts that are not closed, the newest first, then the newest `p_closed` closed ones
-- and those whose recovery may still have to be sent.
--   sent        channels and events of the sent messages, as `slack opened`
create function catalog.list_alerts(p_closed integer) returns table (
  id bigint, kind text, subject text, source text, run bigint, state text, reason text, since timestamptz,
  opened_at timestamptz, absent_since timestamptz, closed_at timestamptz, acknowledged_by text,
  acknowledged_at timestamptz, muted_until timestamptz, muted_by text, sent text[]
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with listed as (
    select * from catalog.alerts a where a.state <> 'closed'
    union all
    select * from (
      select * from catalog.alerts a
      where a.state = 'closed' and a.opened_at is not null order by a.id desc limit p_closed) c
    union
    select * from catalog.alerts a
    where a.state = 'closed' and a.closed_at > clock_timestamp() - interval '1 day' and exists (
      select from catalog.alert_notices n
      where n.alert_id = a.id and n.event = 'opened' and not exists (
        select from catalog.alert_notices r
        where r.alert_id = a.id and r.channel = n.channel and r.event = 'recovered'))
  )
  select l.id, l.kind, l.subject, l.source, l.run, l.state, l.reason, l.since, l.opened_at, l.absent_since,
    l.closed_at, l.acknowledged_by, l.acknowledged_at, l.muted_until, l.muted_by,
    array(
      select n.channel || ' ' || n.event from catalog.alert_notices n where n.alert_id = l.id order by 1)
  from listed l order by l.state = 'closed', l.id desc
$$;

-- list_alert_channels() → the channels with the results of their messages.
create function catalog.list_alert_channels() returns setof catalog.alert_channels
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.alert_channels order by channel
$$;

-- measure_alerts() → {open: {kind: count}, channels: {channel: {messages, failures}}}, with the accepted
-- messages and the failed attempts in a row.
create function catalog.measure_alerts() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'open', (select coalesce(jsonb_object_agg(kind, n), '{}') from (
      select a.kind, count(*) as n from catalog.alerts a where a.state = 'open' group by a.kind) k),
    'channels', (select coalesce(jsonb_object_agg(channel,
      jsonb_build_object('messages', messages, 'failures', failures)), '{}') from catalog.alert_channels))
$$;

-- save_alerts(token, changes) → whether no other process has the lease. Adds the rows without an id and
-- replaces what is judged in the others. A mute that has not ended continues for the next alert of the same
-- cause.
create function catalog.save_alerts(p_token bigint, p_changes jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.holds_alerts(p_token) then return false; end if;
  insert into catalog.alerts
      (kind, subject, source, run, state, reason, since, opened_at, muted_until, muted_by)
    select c.kind, c.subject, c.source, c.run, c.state, c.reason, c.since, c.opened_at,
      earlier.muted_until, earlier.muted_by
    from jsonb_to_recordset(p_changes) c (id bigint, kind text, subject text, source text, run bigint,
      state text, reason text, since timestamptz, opened_at timestamptz)
    left join lateral (
      select a.muted_until, a.muted_by from catalog.alerts a
      where a.kind = c.kind and a.subject = c.subject and a.muted_until > clock_timestamp()
      order by a.id desc limit 1
    ) earlier on true
    where c.id is null
    on conflict do nothing;
  update catalog.alerts a
    set state = c.state, reason = c.reason, run = c.run, opened_at = c.opened_at,
      absent_since = c.absent_since, closed_at = c.closed_at
    from jsonb_to_recordset(p_changes) c (id bigint, state text, reason text, run bigint,
      opened_at timestamptz, absent_since timestamptz, closed_at timestamptz)
    where a.id = c.id and a.state <> 'closed';
  -- Alerts of a year; those that were never open are of no interest.
  delete from catalog.alerts a
    where a.state = 'closed' and (a.opened_at is null or a.closed_at < clock_timestamp() - interval '1 year');
  return true;
end $$;

-- record_notices(token, channel, result) → whether no other process has the lease. `p_result`:
--   notices     messages that were sent: [{alert, event}]; weekly: true after a weekly note
--   run_end     last reported end of a run
--   error       of a failed attempt; the next one is due after `retry_seconds`
create function catalog.record_notices(p_token bigint, p_channel text, p_result jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  failure constant text := p_result ->> 'error';
begin
  if not catalog.holds_alerts(p_token) then return false; end if;
  insert into catalog.alert_notices (alert_id, channel, event)
    select n.alert, p_channel, n.event
    from jsonb_to_recordset(p_result -> 'notices') n (alert bigint, event text)
    join catalog.alerts a on a.id = n.alert
    on conflict do nothing;
  update catalog.alert_channels
    set last_sent_at = case
        when failure is null and (p_result ? 'weekly' or p_result -> 'notices' <> '[]')
          then clock_timestamp() else last_sent_at end,
      messages = messages + (failure is null)::integer,
      failures = case when failure is null then 0 else failures + 1 end,
      error = failure,
      retry_at = clock_timestamp() + (p_result ->> 'retry_seconds')::double precision * interval '1 second',
      weekly_at = case when p_result ? 'weekly' then clock_timestamp() else weekly_at end,
      run_end = coalesce((p_result ->> 'run_end')::bigint, run_end)
    where channel = p_channel;
  return true;
end $$;

-- decide_alert(id, decision, by, until, reason) → the alert: `acknowledge`, `mute` until an instant, or
-- `unmute`. The decision is in the log of actions, in the same transaction.
--   errors      alert/unknown
create function catalog.decide_alert(
  p_id bigint, p_decision text, p_by text, p_until timestamptz, p_reason text
) returns setof catalog.alerts
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  decided catalog.alerts;
begin
  update catalog.alerts a
    set acknowledged_by = case p_decision when 'acknowledge' then p_by else a.acknowledged_by end,
      acknowledged_at = case p_decision when 'acknowledge' then clock_timestamp() else a.acknowledged_at end,
      muted_by = case p_decision when 'mute' then p_by when 'unmute' then null else a.muted_by end,
      muted_until = case p_decision when 'mute' then p_until when 'unmute' then null else a.muted_until end
    where a.id = p_id and a.state <> 'closed' returning a.* into decided;
  if not found then
    perform catalog.fail('alert/unknown', format('No open alert has the number %s', p_id));
  end if;
  perform catalog.record_action(p_by, 'alert.' || p_decision, decided.source, decided.run, 'alert ' || p_id,
    jsonb_strip_nulls(jsonb_build_object('kind', decided.kind, 'of', decided.subject, 'until', p_until)),
    p_reason);
  return next decided;
end $$;

-- list_reported_ends(after) → ends of runs after the number `p_after`, the oldest first, at most 50. For
-- Sentry.
create function catalog.list_reported_ends(p_after bigint) returns table (
  no bigint, source text, run bigint, kind text, state text, error_code text, reason text,
  correlation_id text, seconds double precision, schedule jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.no, s.name, r.id, r.kind, e.state, r.error_code, catalog.show_reason(r), r.correlation_id,
    e.seconds, s.schedule
  from catalog.run_ends e
  join catalog.runs r on r.source_id = e.source_id and r.id = e.run_id
  join catalog.sources s on s.id = e.source_id
  where e.no > p_after order by e.no limit 50
$$;

-- 20261122000090_security.sql

-- Generated from supabase/schemas/90_security.sql until the first release: do not edit.

-- Rights. By default there are none: row security without policies, and no grants. Workers execute functions;
-- readers get the views by `publish`.

-- assert_role(role): fails with `usage/invalid` if the role does not exist.
create function catalog.assert_role(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = reader) then
    perform catalog.fail('usage/invalid', format('The role %s does not exist', reader));
  end if;
end $$;

-- list_relations() → the functions of schema api that belong to its views, each as `name(types)`. The others
-- are calls: see list_calls.
create function catalog.list_relations() returns setof text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select oid::regprocedure::text from pg_proc
  where pronamespace = 'api'::regnamespace and not starts_with(proname, 'rpc_') order by 1
$$;

-- publish(role): lets a role read the views. Columns are granted one by one, and `raw` never is: a supplier's
-- licence may not allow us to show it. The names of people in `price_decisions` are not granted either.
--   idempotent  a second call changes nothing; after a migration that adds columns it grants those too
--   errors      usage/invalid  the role does not exist
create function catalog.publish(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  r record;
begin
  perform catalog.assert_role(reader);
  execute format('grant usage on schema api to %I', reader);
  -- The relations by which the Data API embeds one view into another.
  for r in select catalog.list_relations() as relation loop
    execute format('grant execute on function %s to %I', r.relation, reader);
  end loop;
  for r in
    select c.table_schema, c.table_name, string_agg(quote_ident(c.column_name), ', ') as columns
    from information_schema.columns c
    where c.column_name not in ('raw', 'accepted_by', 'stated') and (
      c.table_schema = 'api' and c.table_name not in ('medipim_products_raw', 'price_decisions')
      or c.table_schema = 'catalog' and c.table_name in (
        'products', 'variants', 'prices', 'images', 'brands', 'organizations', 'categories', 'changes',
        'enrichments', 'marketplaces', 'refresh_jobs')
      or c.table_schema = 'catalog' and c.table_name = 'sources'
        and c.column_name in ('id', 'name', 'connector', 'marketplace', 'roaster')
      or c.table_schema = 'catalog' and c.table_name = 'blobs'
        and c.column_name in ('sha256', 'type', 'width', 'height'))
    group by c.table_schema, c.table_name
  loop
    execute format('grant select (%s) on %I.%I to %I', r.columns, r.table_schema, r.table_name, reader);
    if r.table_schema = 'catalog' then
      execute format('drop policy if exists %I on catalog.%I', 'published to ' || reader, r.table_name);
      execute format('create policy %I on catalog.%I for select to %I using (true)',
        'published to ' || reader, r.table_name, reader);
    end if;
  end loop;
end $$;

-- unpublish(role): takes back every right of `publish`; those of `allow_calls` stay.
--   errors      usage/invalid  the role does not exist
create function catalog.unpublish(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  p record;
begin
  perform catalog.assert_role(reader);
  for p in
    select tablename from pg_catalog.pg_policies
    where schemaname = 'catalog' and policyname = 'published to ' || reader
  loop
    execute format('drop policy %I on catalog.%I', 'published to ' || reader, p.tablename);
  end loop;
  execute format('revoke all on all tables in schema api from %I', reader);
  execute format('revoke all on all tables in schema catalog from %I', reader);
  for p in select catalog.list_relations() as relation loop
    execute format('revoke execute on function %s from %I', p.relation, reader);
  end loop;
  if not exists (select from catalog.call_roles c where c.role = reader) then
    execute format('revoke usage on schema api from %I', reader);
  end if;
end $$;

-- list_applied_versions() → versions of the migrations in this database, applied by `shelfsync migrate`,
-- init.sql or `supabase db push`.
create function catalog.list_applied_versions() returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  if to_regclass('catalog.migrations') is not null then
    return query execute 'select version from catalog.migrations';
  end if;
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    return query execute 'select version from supabase_migrations.schema_migrations';
  end if;
end $$;

-- list_worker_roles() → the roles for processes.
create function catalog.list_worker_roles() returns name[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array[
    'shelfsync_fetcher', 'shelfsync_maintainer', 'shelfsync_orchestrator', 'shelfsync_web',
    'shelfsync_images', 'shelfsync_deliver']::name[]
$$;

-- list_unexpected_grants() → (grantee, allows, undo): rights on catalog and pipeline that no function or
-- migration here has granted, and the statement that revokes them.
create function catalog.list_unexpected_grants() returns table (grantee text, allows text, undo text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with rights as (
    select n.nspname as schema, 'routines' as kind, 'call functions' as what, a.grantee, p.proowner as owner,
      true as unexpected
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where n.nspname = 'pipeline' or n.nspname = 'catalog' and p.prosecdef
    union all
    select n.nspname, 'tables',
      case a.privilege_type when 'SELECT' then 'read whole tables' else 'write tables' end, a.grantee,
      c.relowner,
      a.privilege_type <> 'SELECT' or a.grantee = 0
        or pg_get_userbyid(a.grantee) in ('anon', 'authenticated')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) a
    where n.nspname = 'catalog' and c.relkind in ('r', 'p')
  ), found as (
    select distinct r.schema, r.kind, r.what,
      case r.grantee when 0 then 'public' else pg_get_userbyid(r.grantee) end as role
    from rights r
    where r.unexpected and r.grantee <> r.owner
      and not (r.schema = 'catalog' and r.kind = 'routines'
        and pg_get_userbyid(r.grantee) = any (catalog.list_worker_roles()))
      and not (r.schema = 'pipeline' and exists (
        select from catalog.data_api_roles c where c.role = pg_get_userbyid(r.grantee)))
  )
  select role, format('%s of schema %s', what, schema),
    format('revoke all on all %s in schema %I from %s;', kind, schema,
        case role when 'public' then role else quote_ident(role) end)
      -- The revocation takes away what was published with it.
      || case when kind = 'tables' and exists (
          select from pg_policies where schemaname = 'catalog' and policyname = 'published to ' || role)
        then format(' select catalog.publish(%L);', role) else '' end
  from found order by 1, 2
$$;

do $$
declare
  t text;
begin
  for t in select tablename from pg_tables where schemaname = 'catalog' loop
    execute format('alter table catalog.%I enable row level security', t);
  end loop;
end $$;
revoke all on schema catalog from public;
revoke all on schema api from public;
revoke all on schema pipeline from public;

-- A later migration repeats this for its own functions: Postgres has no such default for one schema.
revoke execute on all functions in schema catalog from public;
revoke execute on all functions in schema api from public;

-- Roles for processes, without login: an operator grants them to login roles. Each may execute the functions
-- that its work needs, and reads no table.
--   fetcher       archives; it cannot write products
--   maintainer    applies and settles; it cannot archive, and needs no supplier's credentials
--   orchestrator  accepts requests, keeps the schedules and reports the state; it neither archives nor
--                 applies
--   web           serves the dashboard: 91_web_rights.sql
--   images        stores images; it sees no product besides their addresses, and takes no part in a run
--   deliver       sends the changes to webhooks; it sees nothing but the feed, and takes no part in a run
do $$
declare
  worker text;
begin
  foreach worker in array catalog.list_worker_roles() loop
    if not exists (select from pg_roles where rolname = worker) then
      execute format('create role %I nologin', worker);
    end if;
  end loop;
end $$;
grant usage on schema catalog
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator, shelfsync_web, shelfsync_images,
  shelfsync_deliver;

-- Any process may judge alerts and send their messages.
grant execute on function
  catalog.beat_alerts, catalog.leave_alerts, catalog.load_alert_facts, catalog.list_alerts,
  catalog.list_alert_channels, catalog.save_alerts, catalog.record_notices, catalog.list_reported_ends
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator, shelfsync_web, shelfsync_images,
  shelfsync_deliver;

-- Each role takes requests, so each starts runs and puts them into the queue.
grant execute on function
  catalog.find_source, catalog.list_sources, catalog.find_active_run, catalog.find_artifact,
  catalog.list_product_seqs,
  catalog.list_parts, catalog.start_run, catalog.extend_run, catalog.load_run, catalog.list_queued_runs,
  catalog.find_newest_full_artifact, catalog.summarize_runs, catalog.summarize_sources,
  catalog.record_action,
  catalog.survey_sources, catalog.source_healths, catalog.load_status,
  catalog.list_applied_versions, catalog.list_unexpected_grants
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function
  catalog.claim_task, catalog.find_lease_owner, catalog.renew_lease, catalog.release_task, catalog.end_run,
  catalog.list_checkpoints, catalog.load_work_done, catalog.record_copy
  to shelfsync_fetcher, shelfsync_maintainer;
grant execute on function catalog.find_newest_artifact to shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function catalog.add_part, catalog.update_artifact, catalog.record_quota,
  catalog.record_retries to shelfsync_fetcher;
grant execute on function
  catalog.admit_request, catalog.hold_limit, catalog.leave_limit, catalog.delay_limit, catalog.load_breaker,
  catalog.save_breaker
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_images, shelfsync_deliver;
grant execute on function
  catalog.list_new_images, catalog.link_images, catalog.claim_images, catalog.renew_images,
  catalog.release_images, catalog.find_blob, catalog.store_image, catalog.fail_image,
  catalog.mark_unused_images, catalog.begin_blob_removal, catalog.end_blob_removal
  to shelfsync_images;
grant execute on function catalog.list_applied_versions to shelfsync_images, shelfsync_deliver;
grant execute on function catalog.queue_deliveries, catalog.claim_deliveries, catalog.finish_delivery,
  catalog.remove_old_deliveries to shelfsync_deliver;
grant execute on function catalog.list_webhooks to shelfsync_deliver, shelfsync_orchestrator;
grant execute on function catalog.measure_images to shelfsync_orchestrator, shelfsync_images;
grant execute on function
  catalog.measure_part,
  catalog.save_checkpoint, catalog.find_checkpoint, catalog.list_known_records, catalog.list_newer_seen,
  catalog.list_product_ids, catalog.list_overwritten_products, catalog.reserve_seqs, catalog.open_staging,
  catalog.clear_staging, catalog.apply_batch, catalog.quarantine_records, catalog.upsert_terms,
  catalog.settle_run, catalog.open_plan, catalog.plan_batch, catalog.plan_run, catalog.list_missing,
  catalog.list_retained_artifacts, catalog.begin_purge, catalog.mark_purged, catalog.purge_expired,
  catalog.remove_old_changes, catalog.queue_enrichments, catalog.claim_enrichment,
  catalog.finish_enrichment, catalog.has_enrichments,
  catalog.find_model_response, catalog.save_model_response, catalog.propose_value,
  catalog.withdraw_proposals
  to shelfsync_maintainer;
grant execute on function
  catalog.list_due_sources, catalog.save_due_times, catalog.list_due_refreshes, catalog.list_refresh_keys,
  catalog.list_due_products, catalog.plan_refresh,
  catalog.cancel_run, catalog.reopen_run, catalog.interrupt_run,
  catalog.list_obsolete_runs, catalog.list_runs, catalog.describe_run, catalog.list_artifacts,
  catalog.list_changes, catalog.list_reviews, catalog.list_quarantine, catalog.measure_sources,
  catalog.list_run_ends, catalog.measure_work, catalog.measure_alerts, catalog.measure_people,
  catalog.measure_storage, catalog.list_breakers, catalog.list_limits, catalog.load_breaker
  to shelfsync_orchestrator;

-- Supabase's secret keys work as `service_role`, which may read what readers may. Without that role, no role
-- may call the functions of schema `pipeline`.
do $$
begin
  perform catalog.expose_function(name) from unnest(array[
    'find_source', 'find_successions', 'list_sources', 'add_source', 'list_runs', 'summarize_sources',
    'survey_sources', 'source_healths', 'count_products',
    'summarize_runs', 'describe_run', 'list_changes', 'summarize_run_diff', 'list_run_diff', 'list_reviews',
    'count_listed',
    'decide_run', 'decide_review', 'record_action', 'list_actions',
    'list_queue', 'count_queue', 'edit_review', 'list_review_rules', 'add_review_rule', 'remove_review_rule',
    'list_applied_versions', 'list_unexpected_grants',
    'admit_request', 'hold_limit', 'leave_limit', 'delay_limit', 'load_breaker', 'save_breaker',
    'list_breakers', 'list_limits', 'measure_images', 'count_images',
    'list_due_products', 'load_refresh_schedule', 'plan_refresh', 'record_quota', 'record_retries',
    'measure_freshness',
    'find_active_run', 'start_run', 'renew_lease', 'end_run', 'settle_run',
    'find_artifact', 'find_newest_full_artifact', 'update_artifact', 'add_part', 'list_parts', 'record_copy',
    'list_retained_artifacts', 'begin_purge', 'mark_purged', 'purge_expired',
    'load_work_done', 'find_checkpoint', 'list_checkpoints', 'list_known_records_page', 'list_newer_seen',
    'list_product_ids', 'list_product_seqs', 'list_overwritten_products', 'reserve_seqs', 'upsert_terms',
    'write_batch', 'list_imported_products'
  ]) name;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    perform catalog.allow_data_api('service_role');
    perform catalog.allow_calls('service_role');
    perform catalog.publish('service_role');
  end if;
end $$;

-- 20261122000091_web_rights.sql

-- Generated from supabase/schemas/91_web_rights.sql until the first release: do not edit.

-- The rights of the role for the dashboard. It reads by functions, starts and cancels runs as any other role
-- that takes requests, and neither archives nor applies.

grant execute on function
  catalog.open_session, catalog.find_session, catalog.end_session
  to shelfsync_web;
-- Requests for runs.
grant execute on function
  catalog.find_source, catalog.list_sources, catalog.find_active_run, catalog.find_artifact,
  catalog.find_newest_artifact, catalog.find_newest_full_artifact, catalog.list_product_seqs,
  catalog.list_parts, catalog.start_run, catalog.extend_run, catalog.load_run, catalog.list_queued_runs,
  catalog.cancel_run
  to shelfsync_web;
-- The pages.
grant execute on function
  catalog.summarize_runs, catalog.summarize_sources, catalog.survey_sources, catalog.load_status,
  catalog.list_applied_versions, catalog.list_runs, catalog.describe_run, catalog.list_artifacts,
  catalog.list_changes, catalog.list_reviews, catalog.list_quarantine, catalog.measure_sources,
  catalog.source_healths, catalog.list_limits, catalog.list_source_runs, catalog.count_products,
  catalog.set_source_state,
  catalog.list_run_ends, catalog.list_breakers, catalog.load_breaker, catalog.measure_images
  to shelfsync_web;
-- Runs, their decisions, and the work of the service.
grant execute on function
  catalog.load_run_times, catalog.list_run_parts, catalog.list_run_events, catalog.list_run_leases,
  catalog.list_run_quarantine, catalog.summarize_run_diff, catalog.list_run_diff, catalog.decide_run,
  catalog.reopen_run, catalog.list_limits, catalog.reset_limit, catalog.list_workers, catalog.list_quotas,
  catalog.list_storage, catalog.list_failing_hosts, catalog.list_source_events, catalog.change_source,
  catalog.change_hot
  to shelfsync_web;
-- Decisions on alerts.
grant execute on function catalog.decide_alert to shelfsync_web;
-- The read API, its exports and the tools for agents.
grant execute on function
  catalog.find_product_key, catalog.describe_products, catalog.describe_named_products,
  catalog.page_products, catalog.page_variants, catalog.page_prices, catalog.list_price_types,
  catalog.search_products
  to shelfsync_web;
-- The change feed.
grant execute on function catalog.read_feed, catalog.find_feed_place, catalog.read_latest_changes
  to shelfsync_web;
-- The page of a product, with the supplier's record.
grant execute on function catalog.explain_product, catalog.load_record
  to shelfsync_web;
-- Webhooks and rules.
grant execute on function
  catalog.list_webhooks, catalog.list_deliveries, catalog.add_webhook, catalog.pause_webhook,
  catalog.resume_webhook, catalog.remove_webhook, catalog.queue_test, catalog.replay_deliveries,
  catalog.list_rules, catalog.add_rule, catalog.switch_rule, catalog.remove_rule, catalog.try_rule
  to shelfsync_web;
-- The log of actions.
grant execute on function catalog.record_action, catalog.list_actions to shelfsync_web;
-- The queue of reviews, its rules, and the decisions.
grant execute on function
  catalog.list_queue, catalog.count_queue, catalog.list_decidable, catalog.load_evidence,
  catalog.decide_review, catalog.edit_review, catalog.list_review_rules, catalog.add_review_rule,
  catalog.remove_review_rule
  to shelfsync_web;

insert into catalog.migrations (version, name, checksum) values
  ('20261122000010', 'run_tables', '60f1e348e062130ed3af75a074cc573a7d7f6d28e4ee57e93d84bd48622b61f0'),
  ('20261122000011', 'catalogue_tables', '3277bcd2be74f1d42650beb816104c4894a7ee35b00b31ef568ca5b208b7f199'),
  ('20261122000012', 'review_tables', 'ce8e4d9569bcd146379b7e64a29030df1acd5f610641ab7f730e7774f58bfc32'),
  ('20261122000013', 'constants', '87142f8272171dcda275be9178abdfa262cb7e31be1c8fc546a43b2f67ec142e'),
  ('20261122000014', 'documents', 'ac7e50d05e87db85eeb3cc9652e0f73ccf85a8af9e31c59d1c91d8375a1d3677'),
  ('20261122000015', 'quantities', 'd072bf1230bf49f062a132a83186c1f5022eb0f447bfb573cbdb0de736e986f7'),
  ('20261122000016', 'image_tables', '55d8da70dfb18a667e3cb02d1135ccc870a18722f06e7d200ef9b0448bbc3a47'),
  ('20261122000017', 'marketplaces', 'b5382c8c0e9dc815a0f1f327a24ed4534033b0eb837b48eea1ddf82eadc430ef'),
  ('20261122000018', 'callers', '0751a0516b14738489409602b90631e829f10c82880faa7cb2ed3707541830ff'),
  ('20261122000019', 'failures', '81b9148f1fab018c6401b7bb0e3a7c4b89f8a1876946b5996e1d21c18ccb3874'),
  ('20261122000020', 'leases', '97b786c4578e39e458d280f53be339334ab3f0163814bcb449c883ef0699db5a'),
  ('20261122000021', 'runs', 'e9ffc535b2d9f0e598c561de2e2e62ee90fd9c01174581ca966c96b2c255f973'),
  ('20261122000022', 'queue', '9b2246b4ec74ec36f766719a49682ee2f73cc74d3a77f7c2fa3f62d4b2d16a51'),
  ('20261122000023', 'sources', '862559bbf0d3a1e6b4d2b7a5631e55f5c7e461226f546fe74d5a2bac7e8d3b30'),
  ('20261122000024', 'artifacts', '8b754a95352f1bff5e75d36fff2320d8ca66fdac1224cb0358a6fbb0b55011a0'),
  ('20261122000025', 'keyed_runs', '1be7f1870b09db7770f09627ed9dbaee865bf1568a3834dfed4d2e1afb4972dc'),
  ('20261122000026', 'requests', 'fc954dc3246dc2b3b7e3918e02e3ab350898f638e2f8ed9a7a3c5f7dd91ac0a4'),
  ('20261122000027', 'breakers', '77f14dcd435ddc8cb9fc2e0cc178e7d62f9014353b10df241636b6c6585ff464'),
  ('20261122000028', 'image_work', 'ebe4f94d0e91b61170d98d51f696fe2aa503ffe48aa5dc7facdc924be4fa1351'),
  ('20261122000029', 'image_upkeep', '56bc2d26cd3390df680d3dffce506932a66c1be9002229d93966302b1f3fe691'),
  ('20261122000030', 'records', 'e8e2fa4b8b2e19d0d593657e2354403003356faec91f22413b160061ebd31058'),
  ('20261122000031', 'staging', '3079f8a5aa6e9b03e3cf4fc0d0e317c0aa436ca52ea21998c2a01a986270fbc9'),
  ('20261122000032', 'judge', '8b0fa5f45bb8b451662ad08434e320eeca5d571af7a7e3584a8a2b71b3da8141'),
  ('20261122000033', 'apply', '60055e7dbff9d31b9833e4cce5bcfcadaf8d3d4150e1d5b00e19ba77690ad6aa'),
  ('20261122000034', 'first_load', 'afcbb506c8ce5b7cb053f529b90bb47ab364f842e23500a6cc01d2df32828af4'),
  ('20261122000035', 'disagreements', '86887ba7a3abde59239d726f800336efb6421b999589aca1b25dd527bb760778'),
  ('20261122000036', 'enrichments', '341e7a34d702fe5c6a3c7940e39f0bf88f10a805851a14df70d9a7b10d796308'),
  ('20261122000037', 'enrichment_work', '966bae9fce71a6b5153abf57b6d7203c5af9c1835355a27aa98ddac3b70737ea'),
  ('20261122000038', 'refreshes', '2db5917e9c0ed5c2ab7dc9232a9951fb6abf428aaf3c294ae83b9c12f9c031da'),
  ('20261122000039', 'variant_changes', '3dd526e0edc48212bc4136f821f9f6474ba825ccb1dddd67ac3fb443881fdc51'),
  ('20261122000040', 'gate', '7d4f37235ae2e12ac255350d139945807bb099fca761a53df2887e52adce5307'),
  ('20261122000041', 'settle', '18ce59a872c02b7d692f607065e97984c692035c38662aa62827f4b7b17ce315'),
  ('20261122000042', 'reviews', 'e12126f5c4b014a881039bd2bf7b64feaa5fde70c54bfa5af908ec3438fad3d3'),
  ('20261122000043', 'run_diffs', '84cb15a9eb8e7f89d825b61464a0eaa5d0b4263dd563c08d8e41a68b359db2ec'),
  ('20261122000044', 'decisions', '1de515cf020d5574d5adf2bc28ed81730124d5f8633390a103f2d320f12d9ac4'),
  ('20261122000045', 'record_reviews', 'a6fc1e560410e55807144245910bc65fd6a43bf9d297bcc4e9be10138bd50d6c'),
  ('20261122000046', 'successions', '4a1c0d0f9d1a709d9a270d311108d34bcbc786e0dbfac507e994767543a298b0'),
  ('20261122000047', 'call_drafts', '11156fb48f9f8e4139df81efa18b9b03271514379114dae32a4749ba64de1420'),
  ('20261122000048', 'calls', '7087dfeba8c1bdd3e1a1185575543ecb6592524a7b42fc44f809f057292ffc7c'),
  ('20261122000049', 'refresh_jobs', '443e36c6e072d2b9747dd87cf3579d05be452bb894f2d4088fb60e20d52c5ec9'),
  ('20261122000050', 'plan', '14ef2cc2aa2e46bfb6a2a69857454cd3dc11833f61a63a2427f59915aa3b63f8'),
  ('20261122000051', 'source_times', '2d49db26d98449610d75f3bb3c2cb7063251fc5561dc5bb77f4cd819e2d775b3'),
  ('20261122000052', 'imports', 'fde43f5ed9efe1fec321e6f37bce426bfb95592e69a6fdedb709448199f8ca35'),
  ('20261122000053', 'licences', '034f35ab913964a13211fd50b73578b659522d7ac9bd9893ad35c9ad0cfb9eb3'),
  ('20261122000054', 'actions', 'ca85bf44368cbd79b184edf547c0f8923baa16228e8ab510cd65a04a4a676de7'),
  ('20261122000055', 'review_queue', '3f55bba3870eddfe224f4f39ff4b00ad5b4f3f9f8c5aa6b06643ed7b06bea1b3'),
  ('20261122000056', 'review_edits', '874eec157cbff7342e15cf346220fe840b90d10e8e15c8b6dbea6e532bf23e1a'),
  ('20261122000057', 'review_rules', 'af43bb4aaa8feb7fcd61dd049051c9d93b654579f9c6574386bc6605548bc120'),
  ('20261122000058', 'webhooks', '4fb4bb54a635ecdbbe0a54d5f6ec644a178e020f22bc74a27ddc3c40278d06d2'),
  ('20261122000059', 'rules', 'd3ca58754a2c39109c4902d628a5f028be30d2dcc936a81fc1b297115fd6ebf2'),
  ('20261122000060', 'views', 'cfec15605190b96cec7b5471e463ebf8031ee235652c35c359a8a6a7d31026cb'),
  ('20261122000061', 'embeds', '795ad2f68fda74ceaae772dea718b86c0d2d26013b1c2ef62b74f75e9d96ed9c'),
  ('20261122000062', 'coffees', '8631e5ee2a9debe292773adb63335b2b594030ec8d9483946b3f53005b1e7160'),
  ('20261122000063', 'prior_prices', '25873bbe972dba53a6fcf12d612b568132f3a0fe5509d9609a30f525159a2db0'),
  ('20261122000064', 'amazon', '69094ad31abe4e1304aa63bc74f3d6f5de97b094012a4d4050468eba045c2671'),
  ('20261122000065', 'refresh_jobs', 'fb481d5744ec75b5ac8e2e39e200a27498ca4c46f93753cd3ff7ae76f64bd203'),
  ('20261122000066', 'search_entries', 'c6637775abe2f0c45e4abcb5152bca67e7a2c559dc4a3c27f6289cc558fb8918'),
  ('20261122000067', 'search', 'be838e01c1e6de797616b96709f57ef7caa476038914492b7af4358d1574fa33'),
  ('20261122000068', 'found_products', '2198acc436d724307a9d5baf3a0bb1b0ae935d54506b5365fe89bd5ff5bbbbb7'),
  ('20261122000069', 'daily_summaries', '95f8b8adacfbb149f8601d2f8b516c9e4ec63addca1296cf4ee965d38be13eae'),
  ('20261122000070', 'summaries', '96e4ba9493ca299289c5a9055bfeac65d6f86e239bfb465a39cc73240c6f2c5f'),
  ('20261122000071', 'lists', 'e436eb48e65ee65e56371ed5f7bbb20ab6480d291ff262a5c3e52cd76bd7b4fc'),
  ('20261122000072', 'metrics', '88817e1c5da077dbdf7bf016034d9c53f7ce0dd732f4cdbc263c8824c01e2b33'),
  ('20261122000073', 'explain', '91e3af9a15cb5e970dbb859f410c688df88259eef2f14d1b8e88ef6213e66513'),
  ('20261122000074', 'products', 'a51fcd4576ec9c4d04660b4d4713c95489d1af629a0db414ff5838d190fbc691'),
  ('20261122000075', 'source_survey', '077a5d40258f134b3fd8346f2a43b1f120633cf454821c209f90f6a079d3d7c9'),
  ('20261122000076', 'freshness', '4d1c75ddc245f6d5f863731d0ba17d81150b301ade0137a7c4c3f8f9e223125c'),
  ('20261122000077', 'source_healths', '03d5ea69d1537bf1bd4e19693f5cf1fadc59f6d1b7389d58a42ad08ec14ac8d6'),
  ('20261122000078', 'operation', '312399960447c336d15fb7cda2935d17c2a763841def0982e0ba69a35f4feea7'),
  ('20261122000079', 'purge_expired', '8ef0877ed4cce6370108145bcab5f10f482752e0d8c636c62383519aa9f5a4a2'),
  ('20261122000080', 'data_api', 'd77c50ca2ed106be987db3d0ecba341955e53e9c68d788fdf4247e26ed7b9daa'),
  ('20261122000081', 'storage', '850bbdbadadef8591a8e4b814fb4dacfaa75565a0d759f0299b068525489731d'),
  ('20261122000082', 'rpc', 'cde074b0ac9aff426f9f44d93a1984a32000a0dd31ba1c882fd7769daa9a86f0'),
  ('20261122000083', 'coffee_rpc', 'dc3d105776c207e72653255d7050687614470edb92f21991f1859a52aa1d0712'),
  ('20261122000084', 'schedule', 'b0d3f36a707413c15fee6371fc855aa64ebfab0340d03f691dd208c69cbae77f'),
  ('20261122000085', 'sessions', '87b1d02ec9078a3cdd6ac79d257b155354a938c00c948179f0ae849ccbb7be6b'),
  ('20261122000086', 'catalogue_pages', '902ba434b1a815f1cdd41272f06aff1a879b084ddc232a6068beb2ef9164104f'),
  ('20261122000087', 'feed', 'f487f260e8c0523223a12c46d25e6ae9efcf1199205bf92ec548020a08b30ecc'),
  ('20261122000088', 'deliveries', '21cb301827de50bdb4875fd1e5148050b99cbb8d40e2a0b276e53b5efa342562'),
  ('20261122000089', 'alerts', '387eeca10f6151642aa71ad49aaf62a84075103a05cb85e793ba6e5debccfbeb'),
  ('20261122000090', 'security', 'abb065fdcd0724c0403440bf297374f735dd6f87a6531ec839eacd7a23ef6ad1'),
  ('20261122000091', 'web_rights', '79ce7349f5e87d1700ad7b80e655131117880f767892aca8bcc024e18169ec8e');

commit;
