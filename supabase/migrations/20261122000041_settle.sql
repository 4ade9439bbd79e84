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
