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
