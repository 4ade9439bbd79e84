-- Staging: temporary tables of a session, from which a batch is merged into the catalogue.

-- open_staging(): this session's staging tables. They are temporary, so a batch costs no WAL, and owned by this function's owner,
-- so a worker can fill them but not replace them by something that would run as the owner.
create function catalog.open_staging() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table staged_products (
    line_no integer not null, external_id text collate "C" not null, status text not null, title text, description text, brand text,
    manufacturer text, url text, identifiers jsonb not null, attributes jsonb not null, successor text, source_updated_at timestamptz,
    expires_at timestamptz, record_hash bytea not null, content_hash bytea not null, warnings jsonb, raw jsonb not null
  ) with (toast_tuple_target = 8160) on commit delete rows;
  alter table pg_temp.staged_products alter raw set storage external, alter description set storage external;  -- compressing twice is the cost
  create temporary table staged_variants (
    line_no integer not null, external_id text collate "C" not null, position integer not null, title text, sku text, gtin text,
    options jsonb not null, weight_grams double precision, pack_count integer, availability text
  ) on commit delete rows;
  create temporary table staged_prices (
    line_no integer not null, variant_external_id text collate "C" not null, price_type text not null, amount_minor bigint,
    currency text not null, compare_at_minor bigint
  ) on commit delete rows;
  create temporary table staged_images (
    line_no integer not null, position integer not null, url text not null, alt text
  ) on commit delete rows;
  create temporary table judged (
    line_no integer primary key, external_id text collate "C" not null, seq integer, verdict text not null,
    reprices boolean not null default false, held boolean not null default false
  ) on commit delete rows;
  create temporary table judged_prices (
    line_no integer not null, external_id text collate "C" not null, variant_external_id text collate "C" not null, price_type text not null,
    amount_minor bigint, currency text not null, compare_at_minor bigint, last_good bigint, last_good_currency text, state text not null, reason text
  ) on commit delete rows;
  grant insert on pg_temp.staged_products, pg_temp.staged_variants, pg_temp.staged_prices, pg_temp.staged_images to public;
end $$;

-- is_own_table(table): whether this session's temporary table is the caller's own. Each set of ours is made at once, so one of it answers for all.
create function catalog.is_own_table(p_table text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid = c.relowner
    where c.relnamespace = pg_my_temp_schema() and c.relname = p_table and r.rolname = current_user)
$$;

-- assert_own_table(table): refuses tables that a worker has made itself: what it has attached to them would run as the owner of our functions.
create function catalog.assert_own_table(p_table text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.is_own_table(p_table) then
    perform catalog.fail('db/unsuitable', format('The temporary table %s of this session was not made by Shelfsync', p_table));
  end if;
end $$;

-- clear_staging(): empties the staging tables within a transaction, to stage a smaller piece of a batch that was refused.
create function catalog.clear_staging() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_own_table('staged_products');
  -- A plan may not truncate: its transaction is read-only. `where true`: Supabase's Data API refuses a delete or an update without a condition.
  delete from pg_temp.judged where true;
  delete from pg_temp.judged_prices where true;
  delete from pg_temp.staged_products where true;
  delete from pg_temp.staged_variants where true;
  delete from pg_temp.staged_prices where true;
  delete from pg_temp.staged_images where true;
end $$;
