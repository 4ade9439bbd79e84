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
