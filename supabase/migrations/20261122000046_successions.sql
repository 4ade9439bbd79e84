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
