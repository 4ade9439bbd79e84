-- settle: closes a run. It proves completeness, balances the ledger, judges the source as a whole and, when all is well,
-- decides on disappearances, makes pending prices current, moves the watermark and publishes the changes. Only this may remove a product.
--
-- `p_seen` is a bitmap over products.seq of what the run saw; a number beyond it was not there yet. It is read by an expression, written out:
-- a function that looks for names along a path of its own is never inlined, and calling one costs 5 µs a product in place of 0.3. A `case`
-- keeps the planner from reading beyond the bitmap first.

-- run_counts(…): the run's outcomes, added up over its checkpoints.
create function catalog.run_counts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, total), '{}')
  from (select key, sum(value::bigint) as total from catalog.checkpoints, jsonb_each_text(counts)
        where source_id = p_source and run_id = p_run group by key) t
$$;

-- run_facts(…): what is known of a run that has applied everything. `warning`: the last one of an artifact that is not complete says what ended it.
create function catalog.run_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('kind', r.kind, 'complete', a.complete, 'expected', a.expected, 'warning', a.warnings ->> -1,
    'fetched', (select coalesce(sum(line_count), 0) from catalog.parts where source_id = p_source and run_id = r.artifact_run),
    'counts', catalog.run_counts(p_source, p_run))
  from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.source_id = p_source and r.id = p_run
$$;

-- price_facts(…): how many prices would move and by which factor half of them do at least; how many failed a gate; how many changed prices of
-- how many products wait for the run to settle; how many products would have no price left.
create function catalog.price_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('moved', count(*), 'ratio', percentile_cont(0.5) within group (order by n.amount_minor::numeric / c.amount_minor),
    'gated', (select count(*) from catalog.reviews r
      where r.source_id = p_source and r.run_id = p_run and r.state = 'open' and r.kind = 'price' and r.detail ->> 'from' is not null))
    || (select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct w.product_external_id))
      from catalog.prices w where w.source_id = p_source and w.state = 'pending')
    || (select jsonb_build_object('withdrawn', count(distinct w.product_external_id))
      from catalog.prices w
      where w.source_id = p_source and w.state = 'pending' and w.amount_minor is null and not exists (
        select from catalog.prices left_over
        where left_over.source_id = p_source and left_over.product_external_id = w.product_external_id and left_over.amount_minor is not null
          and (left_over.state = 'pending' or left_over.state = 'current' and not exists (
            select from catalog.prices gone
            where gone.source_id = p_source and gone.product_external_id = left_over.product_external_id
              and gone.variant_external_id = left_over.variant_external_id and gone.price_type = left_over.price_type and gone.state = 'pending'))))
  from catalog.prices n
  join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
  where n.source_id = p_source and n.state = 'pending' and c.state = 'current' and c.amount_minor > 0 and n.amount_minor > 0
    and n.currency = c.currency
$$;

-- is_whole(facts): whether the run can tell what is missing: complete, full, and every line of it named its product.
create function catalog.is_whole(p_facts jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_facts ->> 'kind' = 'full' and (p_facts ->> 'complete')::boolean and coalesce((p_facts #>> '{counts,unreadable}')::bigint, 0) = 0
$$;

-- removals_off(facts): why a full run calls no product missing and removes none. Null: it can tell, or was never meant to.
create function catalog.removals_off(p_facts jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_facts ->> 'kind' <> 'full' or catalog.is_whole(p_facts) then null
    when not (p_facts ->> 'complete')::boolean then 'nothing proves that all records arrived'
    else format('%s of %s records have no id that could be read, and each may be a product that seems to be missing',
      p_facts #>> '{counts,unreadable}', p_facts ->> 'fetched')
  end
$$;

-- hold_reasons(…): every reason why a run, done or planned, may not be trusted as it is. Empty: it may.
--   p_facts   run_facts and price_facts; of a plan also how many products and current prices it would add to those that are there
create function catalog.hold_reasons(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  counts jsonb := p_facts -> 'counts';
  fetched bigint := p_facts ->> 'fetched';
  quarantined bigint := coalesce((counts ->> 'quarantined')::bigint, 0);
  moved bigint := p_facts ->> 'moved';
  ratio numeric := p_facts ->> 'ratio';
  gated bigint := p_facts ->> 'gated';
  withdrawn bigint := coalesce((p_facts ->> 'withdrawn')::bigint, 0);
  reasons text[] := '{}';
  outcomes bigint;
  products bigint;
  missing bigint;
  priced bigint;
begin
  select coalesce(sum(value::bigint), 0) into outcomes from jsonb_each_text(counts) where key <> 'unreadable';

  if not (p_facts ->> 'complete')::boolean then
    reasons := reasons || format('incomplete: %s of %s records arrived, and nothing proves that this is all%s',
      fetched, coalesce(p_facts ->> 'expected', 'an unknown number of'), ': ' || (p_facts ->> 'warning'));
  end if;
  if fetched <> outcomes then
    reasons := reasons || format('the ledger does not balance: %s records archived, %s accounted for', fetched, outcomes);
  end if;
  if fetched = 0 and p_facts ->> 'kind' = 'full' and not (p_policy ->> 'allowEmpty')::boolean then
    reasons := reasons || 'the supplier sent nothing at all (policy allowEmpty declares that this can be right)'::text;
  end if;
  -- One record always may be.
  if quarantined > greatest(1, floor(fetched * (p_policy ->> 'quarantineShare')::numeric)) then
    reasons := reasons || format('%s of %s records are in quarantine (more than %s %%)', quarantined, fetched, round(100 * (p_policy ->> 'quarantineShare')::numeric, 2));
  end if;

  if catalog.is_whole(p_facts) then
    select count(*) + coalesce((p_facts ->> 'newProducts')::bigint, 0), count(*) filter (where case when seq < 8 * length(p_seen) then get_bit(p_seen, seq) = 0 else true end)
      into products, missing
      from catalog.products where source_id = p_source and status <> 'removed';
    if missing > greatest(1, floor(products * (p_policy ->> 'removalShare')::numeric)) then
      reasons := reasons || format('%s of %s products are missing (more than %s %%)', missing, products, round(100 * (p_policy ->> 'removalShare')::numeric, 2));
    end if;
  end if;

  if moved + gated >= 5 then
    select count(*) + coalesce((p_facts ->> 'newPrices')::bigint, 0) into priced from catalog.prices where source_id = p_source and state = 'current';
    if gated > priced * (p_policy ->> 'priceShiftShare')::numeric then
      reasons := reasons || format('%s of %s prices failed a gate', gated, priced);
    end if;
    if moved > priced * (p_policy ->> 'priceShiftShare')::numeric
       and (ratio >= (p_policy ->> 'priceShiftFactor')::numeric or ratio * (p_policy ->> 'priceShiftFactor')::numeric <= 1) then
      reasons := reasons || format('%s of %s prices moved together (median ×%s)', moved, priced, round(ratio, 2));
    end if;
  end if;
  if withdrawn >= 5 then
    select count(distinct product_external_id) + coalesce((p_facts ->> 'newProducts')::bigint, 0) into priced
      from catalog.prices where source_id = p_source and state = 'current' and amount_minor is not null;
    if withdrawn > priced * (p_policy ->> 'priceShiftShare')::numeric then
      reasons := reasons || format('%s of %s products with a price would have none any more', withdrawn, priced);
    end if;
  end if;
  if cardinality(reasons) > 0 and (p_facts ->> 'waiting')::bigint > 0 then
    reasons := reasons || format('%s changed prices of %s products wait for this decision or for the next good run',
      p_facts ->> 'waiting', p_facts ->> 'waitingProducts');
  end if;
  return reasons;
end $$;

-- supersede_held(…): only the youngest held run waits for a person. What an older one waited for is in its hands now.
create function catalog.supersede_held(p_source integer, p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.runs set state = 'superseded' where source_id = p_source and state = 'held' and id < p_run;
  update catalog.reviews set state = 'superseded', decided_at = now()
    where source_id = p_source and kind = 'run' and state = 'open' and run_id < p_run;
$$;

-- publish_run(…) → products removed. Does what a run waits to do.
--   p_at_once   a person approved: what is missing is removed without waiting for a second complete run
create function catalog.publish_run(p_source integer, p_run bigint, p_seen bytea, p_at_once boolean) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  artifact catalog.artifacts;
  removed integer := 0;
  base bigint;
begin
  select * into run from catalog.runs r where r.source_id = p_source and r.id = p_run;
  select * into artifact from catalog.artifacts a where a.source_id = p_source and a.run_id = run.artifact_run;

  delete from catalog.misses m using catalog.products p
    where m.source_id = p_source and p.source_id = p_source and p.external_id = m.external_id
      and (p.status = 'removed' or case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end);
  if catalog.is_whole(catalog.run_facts(p_source, p_run)) then
    with gone as (
      update catalog.products p
        set status = 'removed', changed_at = now(), run_id = p_run, last_available_at = case p.status when 'active' then now() else p.last_available_at end
        where p.source_id = p_source and p.status <> 'removed' and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
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
      on conflict do nothing;
  end if;

  update catalog.prices c set state = 'past'
    from catalog.prices n
    where n.source_id = p_source and n.state = 'pending' and c.source_id = p_source and c.state = 'current'
      and (c.product_external_id, c.variant_external_id, c.price_type) = (n.product_external_id, n.variant_external_id, n.price_type);
  update catalog.prices set state = 'current' where source_id = p_source and state = 'pending';

  -- The first run to publish speaks for every product that a first load wrote silently, its own or one that was never published.
  if not exists (select from catalog.changes where source_id = p_source and position is not null)
     and exists (select from catalog.products where source_id = p_source) then
    insert into catalog.changes (source_id, run_id, product_external_id, kind, detail)
      select p_source, p_run, '', 'loaded', jsonb_build_object('products', (select count(*) from catalog.products where source_id = p_source));
  end if;
  perform pg_advisory_xact_lock(hashtext('catalog.changes'));
  select coalesce(max(position), 0) into base from catalog.changes;
  update catalog.changes c set position = base + o.n
    from (select run_id, product_external_id, row_number() over (order by kind <> 'loaded', run_id, changed_at, product_external_id) as n
          from catalog.changes where source_id = p_source and position is null) o
    where c.source_id = p_source and c.run_id = o.run_id and c.product_external_id = o.product_external_id;

  perform catalog.supersede_held(p_source, p_run);
  if run.kind <> 'replay' then
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

-- close_quarantine(…): takes out of quarantine what a settling run has taken in.
--   replayed     the very line was applied anew, and not put back
--   superseded   a younger artifact has the product, and it is in quarantine again; of a record that named none, the same bytes
--   resolved     a younger artifact had the product in good order; a record that named none, when a whole green run had no such line
create function catalog.close_quarantine(p_source integer, p_run bigint, p_seen bytea, p_green boolean) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with verdicts as (
    select q.id, case
        when q.artifact_run = r.artifact_run then 'replayed'
        when q.external_id is null and (q.byte_length, md5(q.raw)) in (
            select again.byte_length, md5(again.raw) from catalog.quarantine again
            where again.source_id = p_source and again.run_id = p_run and again.external_id is null)
          then 'superseded'
        when q.external_id is null then case when p_green and (select catalog.is_whole(catalog.run_facts(p_source, p_run))) then 'resolved' end
        -- A quarantined record counts as seen too.
        -- As a list, which is read once.
        when q.external_id in (select again.external_id from catalog.quarantine again where again.source_id = p_source and again.run_id = p_run)
          then 'superseded'
        when exists (select from catalog.products p where p.source_id = p_source and p.external_id = q.external_id and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end)
          then 'resolved'
      end as state
    from catalog.quarantine q
    join catalog.runs r on r.source_id = p_source and r.id = p_run
    where q.source_id = p_source and q.state = 'open' and q.run_id <> p_run and q.artifact_run <= r.artifact_run
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
    || catalog.run_counts(p_source, p_run);
  counts := counts || jsonb_build_object('unchanged', (counts ->> 'unchanged')::bigint - p_repeats, 'duplicate', (counts ->> 'duplicate')::bigint + p_repeats);
  reasons := catalog.hold_reasons(p_source, catalog.run_facts(p_source, p_run) || catalog.price_facts(p_source, p_run), p_seen, p_policy);
  if cardinality(reasons) = 0 then
    removed := catalog.publish_run(p_source, p_run, p_seen, false);
  else
    -- An older held run may not be decided any more: what it would remove, this one may have seen.
    perform catalog.supersede_held(p_source, p_run);
    insert into catalog.reviews (source_id, kind, run_id, reason) values (p_source, 'run', p_run, array_to_string(reasons, '; '));
  end if;
  perform catalog.close_quarantine(p_source, p_run, p_seen, cardinality(reasons) = 0);
  select jsonb_build_object('expected', a.expected,
      'fetched', (select coalesce(sum(line_count), 0) from catalog.parts where source_id = p_source and run_id = a.run_id))
      || counts || jsonb_build_object('removed', removed,
      'missing', (select count(*) from catalog.misses m where m.source_id = p_source and m.run_id = p_run))
    into balance
    from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
    where r.source_id = p_source and r.id = p_run;
  return query update catalog.runs r
    set state = case when cardinality(reasons) = 0 then 'succeeded' else 'held' end, reason = nullif(array_to_string(reasons, '; '), ''),
        ledger = balance, removals_off = catalog.removals_off(catalog.run_facts(p_source, p_run)), seen = p_seen, finished_at = clock_timestamp(),
        watermark = (select a.watermark from catalog.artifacts a where a.source_id = p_source and a.run_id = r.artifact_run)
    where r.source_id = p_source and r.id = p_run
    returning r.state, r.reason, r.ledger, r.removals_off;
end $$;

-- decide_run(…) → products removed. Approving does what the held run waits to do; rejecting drops it. The rows that passed their gates stay.
create function catalog.decide_run(p_run bigint, p_approve boolean, p_by text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  removed integer := 0;
begin
  select * into run from catalog.runs r where r.id = p_run for update;
  if run.id is null then
    perform catalog.fail('run/unknown', format('There is no run %s', p_run));
  elsif run.state <> 'held' then
    perform catalog.fail('run/not-held', format('Run %s is %s, not held', p_run, run.state));
  elsif p_approve and exists (select from catalog.runs r where r.source_id = run.source_id and r.id > p_run and (r.seen is not null or r.state in ('running', 'interrupted', 'fetched'))) then
    perform catalog.fail('run/not-held', format('A newer run of this source has looked at the catalogue since run %s: decide on the newest one', p_run));
  end if;
  if p_approve then
    removed := catalog.publish_run(run.source_id, p_run, run.seen, true);
  else
    update catalog.prices set state = 'rejected' where source_id = run.source_id and run_id <= p_run and state = 'pending';
    delete from catalog.changes where source_id = run.source_id and run_id <= p_run and position is null;
  end if;
  update catalog.runs r set state = case when p_approve then 'succeeded' else 'rejected' end,
      ledger = r.ledger || jsonb_build_object('removed', removed)
    where r.source_id = run.source_id and r.id = p_run;
  update catalog.reviews set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(), decided_by = p_by
    where source_id = run.source_id and kind = 'run' and run_id = p_run and state = 'open';
  return removed;
end $$;

-- decide_price(…): a held price becomes the current one, or is dropped; the supplier stating it again changes nothing then.
create function catalog.decide_price(p_review bigint, p_approve boolean, p_by text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
begin
  select * into review from catalog.reviews r where r.id = p_review and r.kind = 'price' and r.state = 'open' for update;
  if review.id is null then
    perform catalog.fail('review/unknown', format('There is no open price review %s', p_review));
  end if;
  if p_approve then
    update catalog.prices set state = 'past'
      where source_id = review.source_id and product_external_id = review.product_external_id
        and variant_external_id = review.variant_external_id and price_type = review.price_type and state = 'current';
  end if;
  update catalog.prices set state = case when p_approve then 'current' else 'rejected' end
    where source_id = review.source_id and product_external_id = review.product_external_id and variant_external_id = review.variant_external_id
      and price_type = review.price_type and run_id = review.run_id and state = 'held';
  update catalog.reviews set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(), decided_by = p_by
    where source_id = review.source_id and id = p_review;
end $$;
