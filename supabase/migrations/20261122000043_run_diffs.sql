-- Generated from supabase/schemas/43_run_diffs.sql until the first release: do not edit.

-- The read model of held runs: everything that approving one would change.

-- summarize_run_diff(run) → what approving the held run would change.
--   version          names this state of the diff, see format_diff_version
--   prices           pending prices that would become current, of `price_products` products
--   held_prices      prices of this run that failed a gate, of `held_products` products: approving the run
--                    leaves them to their own reviews
--   changes          unpublished changes that readers would see
--   watermark        of the source afterwards
--   errors           run/unknown · run/not-held
create function catalog.summarize_run_diff(p_run bigint) returns table (
  version text, removals bigint, prices bigint, price_products bigint, held_prices bigint,
  held_products bigint, changes bigint, watermark timestamptz, watermark_before timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  perform catalog.assert_held(p_run);
  return query select catalog.format_diff_version(r.source_id, r.id), n.removals, n.prices, n.price_products,
    h.prices, h.products, (
      select count(*) from catalog.changes c
      where c.source_id = r.source_id and c.position is null and c.run_id in (
        select w.run_id from catalog.list_waiting_runs(r.source_id, r.id) w)),
    catalog.next_watermark(r.kind, r.since, s.watermark, a.watermark, r.started_at), s.watermark
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  cross join lateral catalog.count_diff(r, '{}',
    catalog.list_unpublished_by_others(r.source_id, r.id)) n
  cross join lateral (
    select count(*) as prices, count(distinct v.product_external_id) as products
    from catalog.reviews v
    where v.source_id = r.source_id and v.run_id = r.id and v.state = 'open'
      and v.kind in ('price', 'disagreement')
  ) h
  where r.id = p_run;
end $$;

-- list_run_removals(run, version, after, limit) → missing products that approving the held run would remove,
-- by id, each with its first current price.
create function catalog.list_run_removals(p_run catalog.runs, p_version text, p_after text, p_limit integer)
returns table (
  product text, title text, variant text, price_type text, amount_before bigint, currency_before text
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  beside bigint[] := catalog.list_keyed_runs_beside(p_run.source_id, p_run.id);
  kept text[] := catalog.list_changed_products(p_run.source_id,
    catalog.list_unseen_runs(p_run.source_id, p_run.id,
      catalog.list_covered_runs(p_run.source_id, p_run.id, p_version)));
begin
  if not catalog.proves_missing(catalog.load_run_facts(p_run.source_id, p_run.id)) then
    return;
  end if;
  return query
    select p.external_id::text, catalog.show_title(p), c.variant_external_id::text, c.price_type,
      c.amount_minor, c.currency
    from catalog.products p
    left join lateral (
      select * from catalog.prices c
      where c.source_id = p.source_id and c.product_external_id = p.external_id and c.state = 'current'
        and (c.expires_at is null or c.expires_at > now()) and (p.expires_at is null or p.expires_at > now())
      order by c.variant_external_id, c.price_type limit 1
    ) c on true
    where p.source_id = p_run.source_id and p.external_id > coalesce(p_after, '') and p.status <> 'removed'
      and case when p.seq < 8 * length(p_run.seen) then get_bit(p_run.seen, p.seq) = 0 else true end
      and p.run_id <= p_run.id and p.run_id <> all (beside) and p.external_id <> all (kept)
    order by p.external_id limit p_limit;
end $$;

-- list_run_prices(run, state, version, after, limit) → prices that wait, with the current ones, by product,
-- variant, price type and run.
--   p_state     pending: those that approving the held run would make current. held: those of this run that
--               failed a gate, each with its review
--   p_after     [product, variant, price type, run] of the last price that the caller has seen, or null
create function catalog.list_run_prices(
  p_run catalog.runs, p_state text, p_version text, p_after jsonb, p_limit integer
) returns table (
  product text, title text, variant text, price_type text, amount_before bigint, currency_before text,
  amount bigint, currency text, run bigint, review bigint, reason text
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  others bigint[] := case p_state
    when 'pending' then catalog.list_unpublished_by_others(p_run.source_id, p_run.id)
      || catalog.list_unseen_runs(p_run.source_id, p_run.id,
        catalog.list_covered_runs(p_run.source_id, p_run.id, p_version))
    else '{}' end;
begin
  return query
    -- Materialized: few prices of a source wait, and their index does not sort them.
    with waiting as materialized (
      select w.* from (
        select p.source_id, p.product_external_id, p.variant_external_id, p.price_type, p.run_id,
          p.amount_minor, p.currency
        from catalog.prices p
        where p.source_id = p_run.source_id and p.state in ('pending', 'held') and p.state = p_state
        union all
        select d.source_id, d.product_external_id, d.variant_external_id, d.price_type, d.run_id, null,
          d.detail ->> 'currency'
        from catalog.reviews d
        where p_state = 'held' and d.source_id = p_run.source_id and d.run_id = p_run.id
          and d.state = 'open' and d.kind = 'disagreement'
      ) w
      where w.run_id <> all (others) and (p_state = 'pending' or w.run_id = p_run.id)
        and (p_after is null or (w.product_external_id, w.variant_external_id, w.price_type, w.run_id)
          > (p_after ->> 0, p_after ->> 1, p_after ->> 2, (p_after ->> 3)::bigint))
    ), page as (
      select * from waiting w
      order by w.product_external_id, w.variant_external_id, w.price_type, w.run_id limit p_limit
    )
    select n.product_external_id::text, catalog.show_title(p), n.variant_external_id::text, n.price_type,
      c.amount_minor, c.currency, case when p.expires_at <= now() then null else n.amount_minor end,
      n.currency, n.run_id, v.id, v.reason
    from page n
    join catalog.products p on p.source_id = n.source_id and p.external_id = n.product_external_id
    left join catalog.prices c on c.source_id = n.source_id and c.product_external_id = n.product_external_id
      and c.variant_external_id = n.variant_external_id and c.price_type = n.price_type
      and c.state = 'current'
      and (c.expires_at is null or c.expires_at > now()) and (p.expires_at is null or p.expires_at > now())
    left join catalog.reviews v on v.source_id = n.source_id and v.run_id = n.run_id and v.state = 'open'
      and v.kind in ('price', 'disagreement') and v.product_external_id = n.product_external_id
      and v.variant_external_id = n.variant_external_id and v.price_type = n.price_type
    order by n.product_external_id, n.variant_external_id, n.price_type, n.run_id;
end $$;

-- list_run_diff(…) → everything that approving the held run would change, after the row `p_after`: removals,
-- then changed prices, then prices that stay held.
--   p_version   lists only what was there in this version of the diff; null lists everything
--   p_after     the `key` of the last row that the caller has seen, or null
--   errors      run/unknown · run/not-held · usage/invalid, see list_covered_runs
create function catalog.list_run_diff(p_run bigint, p_version text, p_after jsonb, p_limit integer)
returns table (
  kind text, product text, title text, variant text, price_type text, amount_before bigint,
  currency_before text, amount bigint, currency text, run bigint, review bigint, reason text, key jsonb
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  held catalog.runs := catalog.assert_held(p_run);
  reached integer := coalesce((p_after ->> 0)::integer, 0);
begin
  return query select * from (
    select 'removed' as kind, d.product, d.title, d.variant, d.price_type, d.amount_before, d.currency_before,
      null::bigint as amount, null::text as currency, p_run as run, null::bigint as review,
      null::text as reason, jsonb_build_array(0, d.product) as key
    from catalog.list_run_removals(held, p_version, p_after ->> 1, p_limit) d
    where reached = 0
    union all
    select case s.state when 'pending' then 'price' else 'held price' end, d.product, d.title, d.variant,
      d.price_type, d.amount_before, d.currency_before, d.amount, d.currency, d.run, d.review, d.reason,
      jsonb_build_array(s.place, d.product, d.variant, d.price_type, d.run)
    from (values (1, 'pending'), (2, 'held')) s (place, state)
    cross join lateral catalog.list_run_prices(held, s.state, p_version,
      case when reached = s.place then p_after - 0 end, p_limit) d
    where s.place >= reached
  ) d
  order by d.key -> 0, d.product collate "C", d.variant collate "C", d.price_type, d.run limit p_limit;
end $$;
