-- Generated from supabase/schemas/40_gate.sql until the first release: do not edit.

-- The gate of a run: the facts about it, and the reasons why it may not be trusted. Settle and plan share them.

-- sum_run_counts(…): the run's outcomes, added up over its checkpoints.
create function catalog.sum_run_counts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, total), '{}')
  from (select key, sum(value::bigint) as total from catalog.checkpoints, jsonb_each_text(counts)
        where source_id = p_source and run_id = p_run group by key) t
$$;

-- load_run_facts(…): what is known of a run that has applied everything. `warning`: the last one of an artifact that is not complete says what ended it.
create function catalog.load_run_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('run', r.id, 'kind', r.kind, 'complete', a.complete, 'expected', a.expected, 'warning', a.warnings ->> -1,
    'fetched', (select coalesce(sum(line_count), 0) from catalog.parts where source_id = p_source and run_id = r.artifact_run),
    'counts', catalog.sum_run_counts(p_source, p_run))
  from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.source_id = p_source and r.id = p_run
$$;

-- load_price_facts(…), of the prices that the run would publish: how many prices would move and by which factor half of them do at least; how many failed a gate; how many changed prices of
-- how many products wait for the run to settle; how many products would have no price left.
create function catalog.load_price_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with others as (select catalog.list_unpublished_by_others(p_source, p_run) as runs)
  select jsonb_build_object('moved', count(*), 'ratio', percentile_cont(0.5) within group (order by n.amount_minor::numeric / c.amount_minor),
    'gated', (select count(*) from catalog.reviews r
      where r.source_id = p_source and r.run_id = p_run and r.state = 'open' and r.kind = 'price' and r.detail ->> 'from' is not null))
    || (select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct w.product_external_id))
      from catalog.prices w, others
      where w.source_id = p_source and w.state = 'pending' and w.run_id <> all (others.runs))
    || (select jsonb_build_object('withdrawn', count(distinct w.product_external_id))
      from catalog.prices w, others
      where w.source_id = p_source and w.state = 'pending' and w.run_id <> all (others.runs)
        and w.amount_minor is null and not exists (
        select from catalog.prices left_over
        where left_over.source_id = p_source and left_over.product_external_id = w.product_external_id and left_over.amount_minor is not null
          and (left_over.state = 'pending' or left_over.state = 'current' and not exists (
            select from catalog.prices gone
            where gone.source_id = p_source and gone.product_external_id = left_over.product_external_id
              and gone.variant_external_id = left_over.variant_external_id and gone.price_type = left_over.price_type and gone.state = 'pending'))))
  from catalog.prices n
  join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
  cross join others
  where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (others.runs) and c.state = 'current' and c.amount_minor > 0 and n.amount_minor > 0
    and n.currency = c.currency
$$;

-- proves_missing(facts): whether the run can tell what is missing: complete, full, and every line of it named its product.
create function catalog.proves_missing(p_facts jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_facts ->> 'kind' = 'full' and (p_facts ->> 'complete')::boolean and coalesce((p_facts #>> '{counts,unreadable}')::bigint, 0) = 0
$$;

-- explain_removals_off(facts): why a full run calls no product missing and removes none. Null: it can tell, or was never meant to.
create function catalog.explain_removals_off(p_facts jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_facts ->> 'kind' <> 'full' or catalog.proves_missing(p_facts) then null
    when not (p_facts ->> 'complete')::boolean then 'nothing proves that all records arrived'
    else format('%s of %s records have no id that could be read, and each may be a product that seems to be missing',
      p_facts #>> '{counts,unreadable}', p_facts ->> 'fetched')
  end
$$;

-- list_hold_reasons(…): every reason why a run, done or planned, may not be trusted as it is. Empty: it may.
--   p_facts   load_run_facts and load_price_facts; of a plan also how many products and current prices it would add to those that are there
create function catalog.list_hold_reasons(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb) returns text[]
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
  keyed boolean := p_facts ->> 'kind' in ('refresh', 'import');
  run bigint := p_facts ->> 'run';
  beside bigint[] := catalog.list_keyed_runs_beside(p_source, (p_facts ->> 'run')::bigint);
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
  if fetched = 0 and keyed and not (p_policy ->> 'allowEmpty')::boolean then
    reasons := reasons || 'the supplier sent none of the requested products'::text;
  end if;
  -- One record always may be.
  if quarantined > greatest(1, floor(fetched * (p_policy ->> 'quarantineShare')::numeric)) then
    reasons := reasons || format('%s of %s records are in quarantine (more than %s %%)', quarantined, fetched, round(100 * (p_policy ->> 'quarantineShare')::numeric, 2));
  end if;

  if catalog.proves_missing(p_facts) then
    select count(*) + coalesce((p_facts ->> 'newProducts')::bigint, 0), count(*) filter (where case when seq < 8 * length(p_seen) then get_bit(p_seen, seq) = 0 else true end
        and (run is null or run_id <= run) and run_id <> all (beside))
      into products, missing
      from catalog.products where source_id = p_source and status <> 'removed';
    if missing > greatest(1, floor(products * (p_policy ->> 'removalShare')::numeric)) then
      reasons := reasons || format('%s of %s products are missing (more than %s %%)', missing, products, round(100 * (p_policy ->> 'removalShare')::numeric, 2));
    end if;
  end if;

  if moved + gated >= 5 then
    select count(*) + coalesce((p_facts ->> 'newPrices')::bigint, 0) into priced from catalog.prices c
      where c.source_id = p_source and c.state = 'current' and (not keyed or exists (
        select from catalog.products p
        where p.source_id = p_source and p.external_id = c.product_external_id
          and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end));
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
      from catalog.prices c
      where c.source_id = p_source and c.state = 'current' and c.amount_minor is not null
        and (not keyed or exists (
          select from catalog.products p
          where p.source_id = p_source and p.external_id = c.product_external_id
            and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end));
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
