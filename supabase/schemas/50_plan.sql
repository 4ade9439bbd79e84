-- plan: what apply and settle would do, decided by the same functions. A plan's transactions are read-only, so the server
-- itself refuses writes to anything but the session's temporary tables.

-- open_plan(): what the batches planned so far in this session would have written, for those that follow. `planned_variants` and
-- `planned_images` are there for their constraints only: what the tables would refuse of a sync, they refuse of a plan.
create function catalog.open_plan() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table planned_products (
    external_id text collate "C" primary key, appears boolean not null, source_updated_at timestamptz not null, record_hash bytea not null,
    content_hash bytea not null
  );
  create temporary table planned_variants (like catalog.variants including constraints including indexes) on commit delete rows;
  create temporary table planned_prices (like catalog.prices including constraints including indexes, last_good bigint);
  create temporary table planned_images (like catalog.images including defaults including constraints including indexes) on commit delete rows;
end $$;

-- plan_batch(…): what apply_batch would do with the staged lines, after the batches planned before.
--   p_artifact_run   of a replay that is planned, and p_seen_later as there; null: as the newest artifact
create function catalog.plan_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[], p_price_factor numeric
) returns table (seq integer, external_id text, verdict text, held boolean, kind text, detail jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  perform catalog.assert_own_table('planned_products');
  perform catalog.judge_batch(p_source, coalesce(p_artifact_run, 9223372036854775807), p_part, p_seen_later, p_volatile, p_price_factor);

  -- A product that an earlier batch would have written is judged against that.
  update pg_temp.verdicts j
    set verdict = case
        when coalesce(s.source_updated_at, '-infinity') < w.source_updated_at then 'duplicate'
        when (s.content_hash, s.record_hash) <> (w.content_hash, w.record_hash) then 'updated'
        else 'unchanged'
      end
    from pg_temp.staged_products s, pg_temp.planned_products w
    where s.line_no = j.line_no and w.external_id = j.external_id and j.verdict <> 'duplicate';
  update pg_temp.verdicts set held = false where verdict not in ('created', 'updated');
  delete from pg_temp.price_verdicts q using pg_temp.verdicts j where j.line_no = q.line_no and j.verdict not in ('created', 'updated');

  insert into pg_temp.planned_products as w (external_id, appears, source_updated_at, record_hash, content_hash)
    select j.external_id,
      not exists (select from catalog.products p where p.source_id = p_source and p.external_id = j.external_id and p.status <> 'removed'),
      coalesce(s.source_updated_at, '-infinity'), s.record_hash, s.content_hash
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    on conflict (external_id) do update
      set source_updated_at = excluded.source_updated_at, record_hash = excluded.record_hash, content_hash = excluded.content_hash;

  -- Emptied by the commit, and here for the next piece of a batch that was refused.
  delete from pg_temp.planned_variants where true;
  insert into pg_temp.planned_variants (source_id, product_external_id, external_id, position, options, weight_grams, pack_count, availability)
    select p_source, j.external_id, v.external_id, v.position, v.options, v.weight_grams::numeric, v.pack_count, v.availability
    from pg_temp.verdicts j join pg_temp.staged_variants v on v.line_no = j.line_no where j.verdict in ('created', 'updated');
  delete from pg_temp.planned_images where true;
  insert into pg_temp.planned_images (source_id, product_external_id, position, url)
    select p_source, j.external_id, i.position, i.url
    from pg_temp.verdicts j join pg_temp.staged_images i on i.line_no = j.line_no where j.verdict in ('created', 'updated');
  delete from pg_temp.planned_prices w using pg_temp.verdicts j where j.external_id = w.product_external_id and j.verdict in ('created', 'updated');
  insert into pg_temp.planned_prices (
      source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, state, observed_at, last_good)
    select p_source, q.external_id, q.variant_external_id, q.price_type, 0, q.amount_minor, q.currency,
      case q.state when 'kept' then 'superseded' else q.state end, now(),
      case when q.state = 'held' or q.last_good_currency = q.currency then q.last_good end
    from pg_temp.price_verdicts q;
  insert into pg_temp.planned_prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, state, observed_at)
    select p_source, j.external_id, n.variant_external_id, n.price_type, 0, n.amount_minor, n.currency, 'current', now()
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.seq is null and j.verdict in ('created', 'updated') and n.amount_minor <> 0
    on conflict do nothing;

  return query
    select j.seq, j.external_id, j.verdict, j.held, c.kind, c.detail
    from pg_temp.verdicts j left join catalog.list_staged_changes(p_source) c on c.line_no = j.line_no
    order by j.line_no;
end $$;

-- plan_run(…) → why the run that was planned in this session would be held, whether it could tell what is missing, and if not, why.
--   p_facts   what load_run_facts says of a run
create function catalog.plan_run(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb) returns table (reasons text[], whole boolean, removals_off text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_own_table('planned_products');
  return query select catalog.list_hold_reasons(p_source, p_facts || products || prices || moves || withdrawals, p_seen, p_policy), catalog.proves_missing(p_facts), catalog.explain_removals_off(p_facts)
  from (
    select jsonb_build_object('newProducts', count(*)) as products from pg_temp.planned_products where appears
  ) products, (
    select jsonb_build_object('newPrices', count(*) filter (where state = 'current'),
      'gated', count(*) filter (where state = 'held' and last_good is not null)) as prices
    from pg_temp.planned_prices
  ) prices, (
    select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct product_external_id), 'moved', count(*) filter (where moves),
      'ratio', percentile_cont(0.5) within group (order by amount_minor::numeric / last_good) filter (where moves)) as moves
    from (
      select product_external_id, amount_minor, last_good, amount_minor > 0 and last_good > 0 as moves from pg_temp.planned_prices where state = 'pending'
      union all
      -- What an earlier run left pending, and this one does not replace, moves with it.
      select product_external_id, n.amount_minor, c.amount_minor, n.amount_minor > 0 and c.amount_minor > 0
      from catalog.prices n join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
      where n.source_id = p_source and n.state = 'pending' and c.state = 'current' and n.currency = c.currency and not exists (
        select from pg_temp.planned_prices w
        where (w.product_external_id, w.variant_external_id, w.price_type) = (n.product_external_id, n.variant_external_id, n.price_type))
    ) waiting
  ) moves, (
    select jsonb_build_object('withdrawn', count(*)) as withdrawals
    from (
      select product_external_id from pg_temp.planned_prices where state = 'pending' and amount_minor is null
      union
      select product_external_id from catalog.prices n where n.source_id = p_source and n.state = 'pending' and n.amount_minor is null
    ) losing
    where not exists (
      select from pg_temp.planned_prices w
      where w.product_external_id = losing.product_external_id and w.amount_minor is not null and w.state in ('pending', 'current')
    ) and not exists (
      select from catalog.prices c
      where c.source_id = p_source and c.product_external_id = losing.product_external_id and c.amount_minor is not null
        and c.state in ('current', 'pending') and not exists (
          select from pg_temp.planned_prices w
          where (w.product_external_id, w.variant_external_id, w.price_type) = (c.product_external_id, c.variant_external_id, c.price_type)
            and (w.state = 'pending' or w.state = 'superseded' and c.state = 'pending'))
        and not (c.state = 'current' and exists (
          select from catalog.prices n
          where n.source_id = p_source and n.product_external_id = c.product_external_id and n.variant_external_id = c.variant_external_id
            and n.price_type = c.price_type and n.state = 'pending' and not exists (
              select from pg_temp.planned_prices w
              where (w.product_external_id, w.variant_external_id, w.price_type) = (n.product_external_id, n.variant_external_id, n.price_type))))
    )
  ) withdrawals;
end $$;

-- list_missing(…): what a complete run that saw `p_seen` would miss; `missed_before` ones it would remove.
create function catalog.list_missing(p_source integer, p_seen bytea) returns table (external_id text, title text, missed_before boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.external_id, p.title, exists (select from catalog.misses m where m.source_id = p_source and m.external_id = p.external_id)
  from catalog.products p
  where p.source_id = p_source and p.status <> 'removed' and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
  order by p.external_id
$$;
