-- The catalogue's tables. Schema `catalog` is private: not exposed to the Data API, row security on everywhere, no policies.
-- Every primary key begins with the source, so that the catalogue can be split by source without a rewrite.

create schema if not exists catalog;
create schema if not exists api;

comment on schema catalog is 'Shelfsync: all tables. Private; readers use schema api.';
comment on schema api is 'Shelfsync: what readers and the Data API may use.';

-- One configured catalogue: a connector, its settings, its schedule and its policy.
create table catalog.sources (
  id                 integer generated always as identity primary key,
  name               text not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  connector          text not null,
  settings           jsonb not null default '{}',
  schedule           jsonb not null default '{}',
  schedule_set_at    timestamptz not null default now(), -- since when its times are what they are: none before is due
  policy             jsonb not null default '{}',
  state              text not null default 'active' check (state in ('active', 'paused')),
  normaliser_version integer,                        -- what the last full run normalised with; null before it, 0 since the settings changed
  next_seq           integer not null default 0,     -- products are numbered from 0 in the order they appeared
  watermark          timestamptz,                    -- newest source time of the last settled run
  latest_run         bigint,                         -- the newest run with a complete artifact, full or incremental: what `replay` takes
  last_full_at       timestamptz,                    -- start of the last settled full run
  copied_run         bigint,                         -- whose artifact `latest.ndjson` holds; null when there is no such copy
  copy_failures      integer not null default 0,     -- how often that copy could not be written, ever
  copy_error         text,                           -- why not, the last time; null when it was written since
  created_at         timestamptz not null default now()
);

-- One attempt to bring a source up to date. The row is the truth about it; queues and processes come and go.
create table catalog.runs (
  source_id          integer not null references catalog.sources (id),
  id                 bigint generated always as identity,
  kind               text not null check (kind in ('full', 'incremental', 'refresh', 'import', 'replay')),
  state              text not null default 'running'
                     check (state in ('running', 'interrupted', 'fetched', 'succeeded', 'held', 'failed', 'rejected', 'superseded', 'cancelled', 'partial')),
  reason             text,
  error_code         text,
  correlation_id     text not null,
  artifact_run       bigint not null,                -- whose artifact it applies: its own, or an older one in a replay
  since              timestamptz,                    -- incremental: asked for what changed from here on
  normaliser_version integer not null,
  first_load         boolean not null,               -- the source had no product when it began
  queued             boolean not null default false, -- its tasks are done by whoever takes them from the queue, not by one process
  options            jsonb not null default '{}',    -- what a hand-made run asks for: stages, chunkSize, offset, limit, debug
  started_at         timestamptz not null default clock_timestamp(),
  begun_at           timestamptz not null default clock_timestamp(), -- when it was started or resumed last
  finished_at        timestamptz,
  ledger             jsonb,
  removals_off       text,                           -- full runs: why it could not tell what is missing, so that nothing was removed
  watermark          timestamptz,
  seen               bytea,                          -- bitmap over products.seq of what the run saw
  primary key (source_id, id)
);
create index runs_id on catalog.runs (id);
create unique index runs_one_active on catalog.runs (source_id) where state in ('running', 'interrupted', 'fetched');

-- Fencing tokens: whoever takes a lease gets a number that was never given before, and proves it in every transaction.
create sequence catalog.tokens;

-- Who works on which task of a run, and until when its silence is borne: `run` for a process that does all of it, `fetch`, `part N`
-- and `settle` for workers of the queue. Rows of their own, because batches keep the run's row share-locked: a renewal must never wait.
create table catalog.leases (
  source_id          integer not null,
  run_id             bigint not null,
  task               text not null check (task ~ '^(run|fetch|part [0-9]+|settle)$'),
  token              bigint not null,
  owner              text not null,
  until              timestamptz not null,
  primary key (source_id, run_id, task),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

-- What a fetch brought, in immutable parts. `complete` is the connector's proof that nothing is missing.
create table catalog.artifacts (
  source_id          integer not null,
  run_id             bigint not null,
  state              text not null default 'open' check (state in ('open', 'closed', 'purged')),
  complete           boolean not null default false,
  expected            bigint,
  watermark          timestamptz,
  warnings           jsonb not null default '[]',
  purge_began_at     timestamptz,                    -- from here on its bytes may be gone, all of them when it is `purged`
  primary key (source_id, run_id),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

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
  cursor_after       jsonb,
  created_at         timestamptz not null default clock_timestamp(),
  primary key (source_id, run_id, no),
  foreign key (source_id, run_id) references catalog.artifacts (source_id, run_id)
);

-- How runs ended by themselves, in the order in which they did; one that failed and was tried again is here twice. Rows are never changed, so
-- that whoever counts them reads each once.
create table catalog.run_ends (
  no                 bigint generated always as identity primary key,
  source_id          integer not null,
  run_id             bigint not null,
  state              text not null,
  seconds            double precision not null,      -- since the run was started, interruptions included
  bytes              bigint not null,                -- of raw lines that were archived since its end before this one
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);
create index run_ends_run on catalog.run_ends (source_id, run_id);

-- How far a run has applied a part, with what it saw there: committed together with the rows of the batch.
create table catalog.checkpoints (
  source_id          integer not null,
  run_id             bigint not null,
  part_no            integer not null,
  lines_done         bigint not null,
  bytes_done         bigint not null,
  done               boolean not null,
  counts             jsonb not null,
  known              bytea not null,                 -- deflated bitmap: products whose hash was already known
  staged             bytea not null,                 -- deflated bitmap: products that went through staging
  primary key (source_id, run_id, part_no),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);

create table catalog.products (

  source_id          integer not null,
  external_id        text collate "C" not null,
  seq                integer not null,
  status             text not null check (status in ('draft', 'active', 'unavailable', 'removed')),
  title              text,
  description        text,
  brand              text,
  manufacturer       text,
  url                text,
  identifiers        jsonb not null default '{}',
  attributes         jsonb not null default '{}',
  successor          text,
  source_updated_at  timestamptz,
  first_seen_at      timestamptz not null,
  changed_at         timestamptz not null,
  last_available_at  timestamptz,                    -- when it stopped being active; null while it is
  expires_at         timestamptz,
  run_id             bigint not null,                -- whose artifact wrote it last, with the place in it:
  part_no            integer not null,               --   within one artifact the highest
  line_no            integer not null,               --   (source time, part, line) of a key wins
  normaliser_version integer not null,
  record_hash        bytea not null,                 -- of the record's bytes without its volatile members
  content_hash       bytea not null,                 -- of what the normaliser made of it
  warnings           jsonb,
  raw                jsonb,
  primary key (source_id, external_id)
);

-- The uuid by which `api.products` knows a product is derived from its key, so it needs no column.
create index products_id on catalog.products ((md5(source_id::text || ' ' || external_id)::uuid));
create index products_expiring on catalog.products (source_id, external_id) include (expires_at) where expires_at is not null;

-- lz4 compresses a load's documents in a fraction of the time of pglz; some servers are built without it.
do $$
begin
  alter table catalog.products alter raw set compression lz4, alter description set compression lz4;
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

-- Appended on change. A changed price is `pending` until its run settles, `held` when it failed a gate; `superseded` when another
-- price came before it was decided. `current` and `past` are the history of what was right.
create table catalog.prices (
  source_id           integer not null,
  product_external_id text collate "C" not null,
  variant_external_id text collate "C" not null,
  price_type          text not null,
  run_id              bigint not null,
  amount_minor        bigint,                        -- null: the supplier withdrew it
  currency            text not null check (currency ~ '^[A-Z]{3}$'),
  compare_at_minor    bigint,
  state               text not null check (state in ('current', 'pending', 'held', 'past', 'rejected', 'superseded')),
  observed_at         timestamptz not null,
  primary key (source_id, product_external_id, variant_external_id, price_type, run_id)
);
create index prices_waiting on catalog.prices (source_id, run_id) where state in ('pending', 'held');

create table catalog.images (
  source_id           integer not null,
  product_external_id text collate "C" not null,
  position            integer not null,
  url                 text not null,
  alt                 text,
  sha256              bytea,
  cdn_url             text,
  state               text not null default 'new' check (state in ('new', 'stored', 'failed')),
  primary key (source_id, product_external_id, position)
);

create table catalog.brands (
  source_id           integer not null references catalog.sources (id),
  external_id         text collate "C" not null,
  name                text not null,
  attributes          jsonb not null default '{}',
  changed_at          timestamptz not null,
  primary key (source_id, external_id)
);

create table catalog.organizations (like catalog.brands including all);
alter table catalog.organizations add foreign key (source_id) references catalog.sources (id);

create table catalog.categories (like catalog.brands including all);
alter table catalog.categories add foreign key (source_id) references catalog.sources (id);
alter table catalog.categories add parent_external_id text collate "C";

-- Products that the last complete run did not see. Seen again: the row goes. Missed again: the product is removed.
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
  run_id              bigint not null,               -- the run that put it here last: a replay has another one's artifact
  artifact_run        bigint not null,
  part_no             integer not null,
  line_no             integer not null,
  byte_offset         bigint not null,
  byte_length         bigint not null,
  external_id         text collate "C",
  rule                text not null,
  message             text not null,
  raw                 bytea not null,                -- at most 64 KiB; the artifact has all of it
  state               text not null default 'open' check (state in ('open', 'replayed', 'superseded', 'resolved')),
  created_at          timestamptz not null default clock_timestamp(),
  primary key (source_id, id),
  unique (source_id, artifact_run, part_no, line_no)
);
-- Open records are counted at every scrape, and listed by run; those of a settling run are looked up by that run.
create index quarantine_open on catalog.quarantine (source_id, artifact_run) where state = 'open';
create index quarantine_run on catalog.quarantine (source_id, run_id);

-- What waits for a person: a price that failed a gate, or a whole run.
create table catalog.reviews (
  source_id           integer not null references catalog.sources (id),
  id                  bigint generated always as identity,
  kind                text not null check (kind in ('price', 'run')),
  run_id              bigint not null,
  product_external_id text collate "C",
  variant_external_id text collate "C",
  price_type          text,
  reason              text not null,
  detail              jsonb not null default '{}',
  state               text not null default 'open' check (state in ('open', 'approved', 'rejected', 'superseded')),
  opened_at           timestamptz not null default clock_timestamp(),
  decided_at          timestamptz,
  decided_by          text,
  primary key (source_id, id)
);
create index reviews_open on catalog.reviews (source_id, run_id) where state = 'open';

-- What runs did to products. `position` is given by settle under a lock, so a reader that follows it skips nothing;
-- null: not published yet.
create table catalog.changes (
  source_id           integer not null references catalog.sources (id),
  run_id              bigint not null,
  product_external_id text collate "C" not null,                 -- empty for `loaded`, which stands for a whole first load
  kind                text not null check (kind in ('loaded', 'created', 'updated', 'repriced', 'unavailable', 'removed', 'returned')),
  position            bigint,
  detail              jsonb not null default '{}',
  changed_at          timestamptz not null default clock_timestamp(),
  primary key (source_id, run_id, product_external_id)
);
create unique index changes_position on catalog.changes (position) where position is not null;
create index changes_product on catalog.changes (source_id, product_external_id);
create index changes_unpublished on catalog.changes (source_id) where position is null;
