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
