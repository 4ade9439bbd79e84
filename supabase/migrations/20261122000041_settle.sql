-- Generated from supabase/schemas/41_settle.sql until the first release: do not edit.

-- settle_run closes a run. It proves completeness, balances the ledger, judges the source as a whole and, when the run can
-- be trusted, decides on disappearances, makes pending prices current, moves the watermark and publishes the changes. Only
-- these functions remove a product.
--
-- `p_seen` is a bitmap over products.seq of the products that the run saw; a number beyond its end did not exist then. It is
-- read by an expression that is written out, because a function with a search path is never inlined, and a call costs 5 µs a
-- product instead of 0.3. A `case` keeps the planner from reading beyond the bitmap first.

-- supersede_held_runs(…): only the youngest held run waits for a person. What an older one waited for is in its hands now.
-- A keyed run supersedes none.
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
    where v.source_id = p_source and v.kind = 'run' and v.state = 'open' and v.run_id = s.id;
$$;

-- publish_run(…) → products removed. Does what a run waits to do.
--   p_at_once   a person approved: what is missing is removed without waiting for a second complete run
create function catalog.publish_run(p_source integer, p_run bigint, p_seen bytea, p_at_once boolean) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  artifact catalog.artifacts;
  beside bigint[] := catalog.list_keyed_runs_beside(p_source, p_run);
  others bigint[] := catalog.list_unpublished_by_others(p_source, p_run);
  removed integer := 0;
  base bigint;
begin
  select * into run from catalog.runs r where r.source_id = p_source and r.id = p_run;
  select * into artifact from catalog.artifacts a where a.source_id = p_source and a.run_id = run.artifact_run;

  delete from catalog.misses m using catalog.products p
    where m.source_id = p_source and p.source_id = p_source and p.external_id = m.external_id
      and (p.status = 'removed' or case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end);
  if catalog.proves_missing(catalog.load_run_facts(p_source, p_run)) then
    with gone as (
      update catalog.products p
        set status = 'removed', changed_at = now(), run_id = p_run, last_available_at = case p.status when 'active' then now() else p.last_available_at end
        where p.source_id = p_source and p.status <> 'removed' and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
          -- A keyed run beside this one has seen it.
          and p.run_id <= p_run and p.run_id <> all (beside)
          and (p_at_once or exists (select from catalog.misses m where m.source_id = p_source and m.external_id = p.external_id and m.run_id <> p_run))
        returning p.external_id
    ), noted as (
      insert into catalog.changes (source_id, run_id, product_external_id, kind)
        select p_source, p_run, external_id, 'removed' from gone
        on conflict (source_id, run_id, product_external_id) do update set kind = 'removed'
    ), forgotten as (
      delete from catalog.misses m using gone where m.source_id = p_source and m.external_id = gone.external_id
    )
    select count(*) into removed from gone;
    insert into catalog.misses (source_id, external_id, run_id, missed_at)
      select p_source, external_id, p_run, now() from catalog.products p
      where p.source_id = p_source and p.status <> 'removed' and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
        and p.run_id <= p_run and p.run_id <> all (beside)
      on conflict do nothing;
  end if;

  update catalog.prices c set state = 'past'
    from catalog.prices n
    where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (others) and c.source_id = p_source and c.state = 'current'
      and (c.product_external_id, c.variant_external_id, c.price_type) = (n.product_external_id, n.variant_external_id, n.price_type);
  update catalog.prices set state = 'current'
    where source_id = p_source and state = 'pending' and run_id <> all (others);

  -- A first load writes products without changes. The first run that publishes after it speaks for all of them.
  if run.keys is null
     and exists (select from catalog.runs r where r.source_id = p_source and r.first_load)
     and exists (select from catalog.products where source_id = p_source)
     and not exists (
       select from catalog.changes where source_id = p_source and product_external_id = '' and kind = 'loaded')
  then
    insert into catalog.changes (source_id, run_id, product_external_id, kind, detail)
      select p_source, p_run, '', 'loaded', jsonb_build_object('products', (select count(*) from catalog.products where source_id = p_source));
  end if;
  perform pg_advisory_xact_lock(hashtext('catalog.changes'));
  select coalesce(max(position), 0) into base from catalog.changes;
  update catalog.changes c set position = base + o.n
    from (select run_id, product_external_id, row_number() over (order by kind <> 'loaded', run_id, changed_at, product_external_id) as n
          from catalog.changes
          where source_id = p_source and position is null and run_id <> all (others)) o
    where c.source_id = p_source and c.run_id = o.run_id and c.product_external_id = o.product_external_id;

  perform catalog.supersede_held_runs(p_source, p_run);
  if run.kind in ('full', 'incremental') then
    update catalog.sources s
      set watermark = case when run.kind = 'incremental' and run.since > s.watermark then s.watermark
                           when artifact.watermark is null then s.watermark
                           else greatest(s.watermark, least(artifact.watermark, run.started_at)) end,
          latest_run = case when artifact.complete then greatest(s.latest_run, p_run) else s.latest_run end,
          last_full_at = case when run.kind = 'full' and artifact.complete then run.started_at else s.last_full_at end,
          normaliser_version = case when run.kind = 'full' then run.normaliser_version else s.normaliser_version end
      where s.id = p_source;
  end if;
  return removed;
end $$;

-- resolve_quarantine(…): takes out of quarantine what a settling run has taken in.
--   replayed     the very line was applied anew, and not put back
--   superseded   a younger artifact has the product, and it is in quarantine again; of a record that named none, the same bytes
--   resolved     a younger artifact had the product in good order; a record that named none, when a whole green run had no such line
create function catalog.resolve_quarantine(p_source integer, p_run bigint, p_seen bytea, p_green boolean) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with verdicts as (
    select q.id, case
        when q.artifact_run = r.artifact_run then 'replayed'
        when q.external_id is null and (q.byte_length, md5(q.raw)) in (
            select again.byte_length, md5(again.raw) from catalog.quarantine again
            where again.source_id = p_source and again.run_id = p_run and again.external_id is null)
          then 'superseded'
        when q.external_id is null then case when p_green and (select catalog.proves_missing(catalog.load_run_facts(p_source, p_run))) then 'resolved' end
        -- A quarantined record counts as seen too.
        -- As a list, which is read once.
        when q.external_id in (select again.external_id from catalog.quarantine again where again.source_id = p_source and again.run_id = p_run)
          then 'superseded'
        when exists (select from catalog.products p where p.source_id = p_source and p.external_id = q.external_id and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end)
          then 'resolved'
      end as state
    from catalog.quarantine q
    join catalog.runs r on r.source_id = p_source and r.id = p_run
    where q.source_id = p_source and q.state = 'open' and q.run_id <> p_run and q.artifact_run in (
      select o.artifact_run
      from (select distinct artifact_run from catalog.quarantine where source_id = p_source and state = 'open') o
      where o.artifact_run = r.artifact_run
        or catalog.is_newer_artifact(p_source, r.artifact_run, o.artifact_run))
  )
  update catalog.quarantine q set state = v.state from verdicts v where q.source_id = p_source and q.id = v.id and v.state is not null
$$;

-- settle_run(…) → (state, reason, ledger, removals_off). A settled run is nobody's any more: a second call fails with run/over.
--   p_seen      bitmap over products.seq of everything the run saw
--   p_repeats   records counted as unchanged that came in two parts: each part alone cannot tell
--   p_policy    {removalShare, quarantineShare, priceShiftShare, priceShiftFactor, allowEmpty}
create function catalog.settle_run(p_source integer, p_run bigint, p_token bigint, p_seen bytea, p_repeats bigint, p_policy jsonb)
returns table (state text, reason text, ledger jsonb, removals_off text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  reasons text[];
  removed integer := 0;
  balance jsonb;
  counts jsonb;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  counts := '{"created": 0, "updated": 0, "unchanged": 0, "older": 0, "duplicate": 0, "blank": 0, "quarantined": 0, "held": 0}'
    || catalog.sum_run_counts(p_source, p_run);
  counts := counts || jsonb_build_object('unchanged', (counts ->> 'unchanged')::bigint - p_repeats, 'duplicate', (counts ->> 'duplicate')::bigint + p_repeats);
  reasons := catalog.list_hold_reasons(p_source, catalog.load_run_facts(p_source, p_run) || catalog.load_price_facts(p_source, p_run), p_seen, p_policy);
  if cardinality(reasons) = 0 then
    removed := catalog.publish_run(p_source, p_run, p_seen, false);
  else
    -- An older held run may not be decided any more: what it would remove, this one may have seen.
    perform catalog.supersede_held_runs(p_source, p_run);
    insert into catalog.reviews (source_id, kind, run_id, reason) values (p_source, 'run', p_run, array_to_string(reasons, '; '));
  end if;
  perform catalog.resolve_quarantine(p_source, p_run, p_seen, cardinality(reasons) = 0);
  select jsonb_build_object('expected', a.expected,
      'fetched', (select coalesce(sum(line_count), 0) from catalog.parts where source_id = p_source and run_id = a.run_id))
      || counts || jsonb_build_object('removed', removed,
      'missing', (select count(*) from catalog.misses m where m.source_id = p_source and m.run_id = p_run))
    into balance
    from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
    where r.source_id = p_source and r.id = p_run;
  return query update catalog.runs r
    set state = case when cardinality(reasons) = 0 then 'succeeded' else 'held' end, reason = nullif(array_to_string(reasons, '; '), ''),
        ledger = balance, removals_off = catalog.explain_removals_off(catalog.load_run_facts(p_source, p_run)), seen = p_seen, finished_at = clock_timestamp(),
        watermark = (select a.watermark from catalog.artifacts a where a.source_id = p_source and a.run_id = r.artifact_run)
    where r.source_id = p_source and r.id = p_run
    returning r.state, r.reason, r.ledger, r.removals_off;
end $$;
