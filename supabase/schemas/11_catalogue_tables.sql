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
