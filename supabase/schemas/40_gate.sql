-- The gate of a run: the facts about it, and the reasons to hold it. Settle and plan share it.
--
-- `p_seen` is a bitmap over products.seq of the products that the run saw; a number beyond its end did not
-- exist then. It is read by an expression that is written out each time, because a function with a search
-- path is never inlined, and a call costs 5 µs a product instead of 0.3. A `case` keeps the planner from
-- reading beyond the bitmap first.

-- sum_run_counts(source, run) → the run's outcomes, added up over its checkpoints.
create function catalog.sum_run_counts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, total), '{}')
  from (
    select key, sum(value::bigint) as total from catalog.checkpoints, jsonb_each_text(counts)
    where source_id = p_source and run_id = p_run group by key
  ) t
$$;

-- load_run_facts(source, run) → {run, kind, complete, expected, warning, fetched, counts} of a run that has
-- applied everything.
--   warning     the artifact's last one; of an incomplete artifact it says why the fetch ended
create function catalog.load_run_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('run', r.id, 'kind', r.kind, 'complete', a.complete, 'expected', a.expected,
    'warning', a.warnings ->> -1,
    'fetched', (
      select coalesce(sum(line_count), 0) from catalog.parts
      where source_id = p_source and run_id = r.artifact_run),
    'counts', catalog.sum_run_counts(p_source, p_run))
  from catalog.runs r join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.source_id = p_source and r.id = p_run
$$;

-- load_price_facts(source, run) → {moved, ratio, gated, waiting, waitingProducts, withdrawn}, of the prices
-- that the run would publish
--   moved       pending prices that differ from the current one
--   ratio       median of new price / current price over those
--   gated       open reviews of prices that this run changed and that failed a gate or are in disagreement
--   waiting     pending prices, of `waitingProducts` products
--   withdrawn   products that would have no price left
create function catalog.load_price_facts(p_source integer, p_run bigint) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with others as (select catalog.list_unpublished_by_others(p_source, p_run) as runs)
  select jsonb_build_object(
      'moved', count(*),
      'ratio', percentile_cont(0.5) within group (order by n.amount_minor::numeric / c.amount_minor),
      'gated', (
        select count(*) from catalog.reviews r
        where r.source_id = p_source and r.run_id = p_run and r.state = 'open'
          and r.kind in ('price', 'disagreement') and r.detail ->> 'from' is not null))
    || (
      select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct w.product_external_id))
      from catalog.prices w, others
      where w.source_id = p_source and w.state = 'pending' and w.run_id <> all (others.runs))
    || (
      select jsonb_build_object('withdrawn', count(distinct w.product_external_id))
      from catalog.prices w, others
      where w.source_id = p_source and w.state = 'pending' and w.run_id <> all (others.runs)
        and w.amount_minor is null and not exists (
        select from catalog.prices remaining
        where remaining.source_id = p_source and remaining.product_external_id = w.product_external_id
          and remaining.amount_minor is not null
          and (remaining.state = 'pending' or remaining.state = 'current' and not exists (
            select from catalog.prices next
            where next.source_id = p_source and next.product_external_id = remaining.product_external_id
              and next.variant_external_id = remaining.variant_external_id
              and next.price_type = remaining.price_type and next.state = 'pending'))))
  from catalog.prices n
  join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
  cross join others
  where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (others.runs)
    and c.state = 'current' and c.amount_minor > 0 and n.amount_minor > 0 and n.currency = c.currency
$$;

-- proves_missing(facts) → whether a product that the run did not see is missing: the run is full and
-- complete, and every line of it named its product.
create function catalog.proves_missing(p_facts jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_facts ->> 'kind' = 'full' and (p_facts ->> 'complete')::boolean
    and coalesce((p_facts #>> '{counts,unreadable}')::bigint, 0) = 0
$$;

-- explain_removals_off(facts) → why a full run counts no product as missing; null if it does, and for other
-- runs.
create function catalog.explain_removals_off(p_facts jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_facts ->> 'kind' <> 'full' or catalog.proves_missing(p_facts) then null
    when not (p_facts ->> 'complete')::boolean then 'nothing proves that all records arrived'
    else format(
      '%s no id that could be read, and each may be a product that seems to be missing',
      catalog.format_part((p_facts #>> '{counts,unreadable}')::bigint, (p_facts ->> 'fetched')::bigint,
        'record', 'has', 'have'))
  end
$$;

-- explain_lost_removals(source, kind, before) → that a run of this kind supersedes a held run older than
-- `p_before` without removing what that run found missing; null if nothing is missing, and for a full run,
-- which looks for missing products itself, and a keyed one, which supersedes none.
create function catalog.explain_lost_removals(p_source integer, p_kind text, p_before bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select format('held run %s found %s missing; this run supersedes it and removes nothing,'
      || ' so what is missing waits for the next full run', id,
    catalog.format_quantity((ledger ->> 'missing')::bigint, 'product'))
  from catalog.runs
  where p_kind in ('incremental', 'replay') and source_id = p_source and state = 'held' and id < p_before
    and (ledger ->> 'missing')::bigint > 0
  order by id desc limit 1
$$;

-- is_keyed(facts) → whether the run covers only named products: a refresh or an import.
create function catalog.is_keyed(p_facts jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_facts ->> 'kind' in ('refresh', 'import')
$$;

-- is_over_share(n, total, share) → whether `n` of `total` is more than the share allows. One is always
-- allowed.
create function catalog.is_over_share(n bigint, total bigint, share numeric) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select n > greatest(1, floor(total * share))
$$;

-- list_record_reasons(facts, policy) → reasons to hold the run because of its records: incomplete,
-- unbalanced, empty, or too many in quarantine.
create function catalog.list_record_reasons(p_facts jsonb, p_policy jsonb) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  counts jsonb := p_facts -> 'counts';
  fetched bigint := p_facts ->> 'fetched';
  quarantined bigint := coalesce((counts ->> 'quarantined')::bigint, 0);
  share numeric := p_policy ->> 'quarantineShare';
  outcomes bigint;
  reasons text[] := '{}';
begin
  -- Unreadable records are counted among the quarantined ones too.
  select coalesce(sum(value::bigint), 0) into outcomes from jsonb_each_text(counts) where key <> 'unreadable';
  if not (p_facts ->> 'complete')::boolean then
    reasons := reasons || format(
      'incomplete: %s, and nothing proves that this is all%s',
      coalesce(
        catalog.format_part(fetched, (p_facts ->> 'expected')::bigint, 'record', 'arrived', 'arrived'),
        catalog.format_quantity(fetched, 'record') || ' arrived of an unknown number'),
      ': ' || (p_facts ->> 'warning'));
  end if;
  if fetched <> outcomes then
    reasons := reasons || format('the ledger does not balance: %s archived, %s accounted for',
      catalog.format_quantity(fetched, 'record'), to_char(outcomes, 'FM999,999,999,999,990'));
  end if;
  if fetched = 0 and p_facts ->> 'kind' = 'full' and not (p_policy ->> 'allowEmpty')::boolean then
    reasons := reasons
      || ('the supplier sent nothing at all (if that is expected: '
        'shelfsync sources set NAME --policy allowEmpty=true)')::text;
  end if;
  if fetched = 0 and catalog.is_keyed(p_facts) and not (p_policy ->> 'allowEmpty')::boolean then
    reasons := reasons || 'the supplier sent no requested product'::text;
  end if;
  if catalog.is_over_share(quarantined, fetched, share) then
    reasons := reasons || format('%s (more than %s)',
      catalog.format_part(quarantined, fetched, 'record', 'is in quarantine', 'are in quarantine'),
      catalog.format_share(share));
  end if;
  return reasons;
end $$;

-- count_missing(source, facts, seen) → {products, missing}: the products that are not removed, and those of
-- them that the run proves missing. Products that a keyed run beside this one has written are not missing.
-- `missing` alone, and 0, if the run proves nothing.
create function catalog.count_missing(p_source integer, p_facts jsonb, p_seen bytea) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  run bigint := p_facts ->> 'run';
  beside bigint[] := catalog.list_keyed_runs_beside(p_source, (p_facts ->> 'run')::bigint);
begin
  if not catalog.proves_missing(p_facts) then
    return '{"missing": 0}';
  end if;
  return (
    select jsonb_build_object(
      'products', count(*) + coalesce((p_facts ->> 'newProducts')::bigint, 0),
      'missing', count(*) filter (
        where case when seq < 8 * length(p_seen) then get_bit(p_seen, seq) = 0 else true end
          and (run is null or run_id <= run) and run_id <> all (beside)))
    from catalog.products where source_id = p_source and status <> 'removed');
end $$;

-- list_missing_reasons(facts, policy) → the reason to hold the run because too many products are missing.
create function catalog.list_missing_reasons(p_facts jsonb, p_policy jsonb) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  share numeric := p_policy ->> 'removalShare';
  missing bigint := p_facts ->> 'missing';
  products bigint := coalesce((p_facts ->> 'products')::bigint, 0);
begin
  if not catalog.is_over_share(missing, products, share) then
    return '{}';
  end if;
  return array[format('%s (more than %s)',
    catalog.format_part(missing, products, 'product', 'is missing', 'are missing'),
    catalog.format_share(share))];
end $$;

-- list_price_reasons(source, facts, seen, policy) → reasons to hold the run because of its prices: too many
-- failed a gate, moved together, or were withdrawn. Shares are of all current prices; of a keyed run, of
-- those of the products that it saw.
create function catalog.list_price_reasons(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb)
returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  moved bigint := p_facts ->> 'moved';
  ratio numeric := p_facts ->> 'ratio';
  gated bigint := p_facts ->> 'gated';
  withdrawn bigint := coalesce((p_facts ->> 'withdrawn')::bigint, 0);
  share numeric := p_policy ->> 'priceShiftShare';
  factor numeric := p_policy ->> 'priceShiftFactor';
  keyed boolean := catalog.is_keyed(p_facts);
  prices bigint;
  products bigint;
  reasons text[] := '{}';
begin
  if moved + gated < catalog.shifted_prices_min() and withdrawn < catalog.shifted_prices_min() then
    return reasons;
  end if;
  select count(*) + coalesce((p_facts ->> 'newPrices')::bigint, 0),
      count(distinct c.product_external_id) filter (where c.amount_minor is not null)
        + coalesce((p_facts ->> 'newProducts')::bigint, 0)
    into prices, products
    from catalog.prices c
    where c.source_id = p_source and c.state = 'current' and (not keyed or exists (
      select from catalog.products p
      where p.source_id = p_source and p.external_id = c.product_external_id
        and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 1 else false end));
  if moved + gated >= catalog.shifted_prices_min() then
    if gated > prices * share then
      reasons := reasons
        || catalog.format_part(gated, prices, 'price', 'failed a gate', 'failed a gate');
    end if;
    if moved > prices * share and (ratio >= factor or ratio * factor <= 1) then
      reasons := reasons
        || format('%s (median ×%s)',
          catalog.format_part(moved, prices, 'price', 'moved together', 'moved together'),
          trim_scale(round(ratio, 2)));
    end if;
  end if;
  if withdrawn >= catalog.shifted_prices_min() and withdrawn > products * share then
    reasons := reasons
      || catalog.format_part(withdrawn, products, 'product', 'with a price would lose every price',
        'with a price would lose every price');
  end if;
  return reasons;
end $$;

-- list_minor_causes(facts, reasons) → causes that stayed within their limits, of a run that is held for other
-- reasons: a decision on the run covers them too.
create function catalog.list_minor_causes(p_facts jsonb, p_reasons text[]) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select cause from (values
      ('(is|are) missing', (p_facts ->> 'missing')::bigint,
        catalog.format_part((p_facts ->> 'missing')::bigint, (p_facts ->> 'products')::bigint, 'product',
          'is missing', 'are missing')),
      ('failed a gate', (p_facts ->> 'gated')::bigint,
        catalog.format_quantity((p_facts ->> 'gated')::bigint, 'price') || ' failed a gate'),
      ('(is|are) in quarantine', (p_facts #>> '{counts,quarantined}')::bigint,
        catalog.format_part((p_facts #>> '{counts,quarantined}')::bigint, (p_facts ->> 'fetched')::bigint,
          'record', 'is in quarantine', 'are in quarantine'))
    ) minor (words, n, cause)
    where n > 0 and array_to_string(p_reasons, ';') !~ words)
$$;

-- list_hold_reasons(source, facts, seen, policy) → every reason to hold a run, real or planned, then the
-- causes within their limits; empty without a reason.
--   p_facts     load_run_facts, load_price_facts and count_missing; of a plan also newProducts and newPrices,
--               which it would add
--   p_policy    {removalShare, quarantineShare, priceShiftShare, priceShiftFactor, allowEmpty}
create function catalog.list_hold_reasons(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb)
returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  reasons text[] := catalog.list_record_reasons(p_facts, p_policy)
    || catalog.list_missing_reasons(p_facts, p_policy)
    || catalog.list_price_reasons(p_source, p_facts, p_seen, p_policy);
begin
  if cardinality(reasons) = 0 then
    return reasons;
  end if;
  reasons := reasons || catalog.list_minor_causes(p_facts, reasons);
  if (p_facts ->> 'waiting')::bigint > 0 then
    reasons := reasons || format('%s of %s %s for this decision or for the next good run',
      catalog.format_quantity((p_facts ->> 'waiting')::bigint, 'changed price'),
      catalog.format_quantity((p_facts ->> 'waitingProducts')::bigint, 'product'),
      case when (p_facts ->> 'waiting')::bigint = 1 then 'waits' else 'wait' end);
  end if;
  return reasons;
end $$;
