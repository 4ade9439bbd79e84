-- Generated from supabase/schemas/10_run_tables.sql until the first release: do not edit.

-- Sources, their runs and what a run works on. Schema `catalog` is private: it is not exposed to the Data API, and row
-- security is on everywhere without a policy. Every primary key begins with the source, so that the catalogue can be
-- split by source without a rewrite.

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
  last_started_at           timestamptz not null default clock_timestamp(), -- when it was started or resumed last
  finished_at        timestamptz,
  ledger             jsonb,
  removals_off       text,                           -- full runs: why it could not tell what is missing, so that nothing was removed
  watermark          timestamptz,
  seen               bytea,                          -- bitmap over products.seq of what the run saw
  primary key (source_id, id)
);
create index runs_id on catalog.runs (id);
create unique index runs_one_active on catalog.runs (source_id) where state in ('running', 'interrupted', 'fetched');
create index runs_held on catalog.runs (source_id) where state = 'held';

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
  expires_at         timestamptz not null,
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
  -- Numbers of the products that the last batch staged, as big-endian int4, which are not yet in `staged`: only the worker can
  -- unpack that. A worker that copies its batches knows them in time and leaves this empty.
  last_staged        bytea not null default '',
  primary key (source_id, run_id, part_no),
  foreign key (source_id, run_id) references catalog.runs (source_id, id)
);
