-- Verdicts: the effect that each staged line would have on the catalogue. Apply and plan share these
-- functions, which write only to temporary tables.
--
-- `lateral … offset 0` with `enable_seqscan = off` keeps the planner at one index look-up a line, regardless
-- of its estimates of the tables' sizes.

-- correct_source_times(source, artifact_run, part): applies the rule of `trustedTime` in
-- src/core/source-time.ts to the staged times.
--   unknown     a time at or before 1970, which stands for a missing value, and a time that is ahead of the
--               part's arrival by more than the clock tolerance
--   arrival     a time that is ahead by less, so that the record of the next run is not older
--   A plan of a sync has no part: its records arrive now.
create function catalog.correct_source_times(p_source integer, p_artifact_run bigint, p_part integer)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  arrived timestamptz := coalesce((
    select created_at from catalog.parts
    where source_id = p_source and run_id = p_artifact_run and no = p_part
  ), now());
  latest timestamptz := arrived + catalog.clock_tolerance();
begin
  update pg_temp.staged_products
    set source_updated_at =
      case when source_updated_at > arrived and source_updated_at <= latest then arrived end
    where source_updated_at > arrived or source_updated_at <= 'epoch';
end $$;

-- judge_products(source, artifact_run, part, seen_later, volatile): one verdict for each staged line without
-- one.
--   verdicts    created, updated, unchanged; older: a newer record has been applied; duplicate: the artifact
--               has a better record of the same product. A refusal of a named product without a row counts
--               as unchanged
--   order       Within one artifact the highest (source time, part, line) of a key wins; any time is higher
--               than an unknown one. Artifacts are ordered by when they were requested, see
--               load_requested_at. An artifact older than the one that wrote the row, or than a settled run
--               that saw the product (`p_seen_later`), may only normalise again the record that the row
--               already holds. Of two artifacts the newer wins, unless both times are known and its own is
--               lower
--   p_volatile  paths of members that change without meaning
create function catalog.judge_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[]
) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  -- Without a keyed run, artifacts are requested in the order of the runs' ids.
  keyed boolean := exists (
    select from catalog.runs where source_id = p_source and kind in ('refresh', 'import'));
  names_products boolean := exists (
    select from catalog.runs where source_id = p_source and id = p_artifact_run and keys is not null);
  requested timestamptz :=
    coalesce(catalog.load_requested_at(p_source, p_artifact_run, p_part), 'infinity');
begin
  insert into pg_temp.verdicts (line_no, external_id, seq, is_older, verdict)
  select s.line_no, s.external_id, p.seq, coalesce(p.is_newer, false),
    case
      when s.rank > 1 then 'duplicate'
      when p.seq is null and s.is_refusal then 'unchanged'
      when p.seq is null then 'created'
      when p.run_id = p_artifact_run
        and (coalesce(s.source_updated_at, '-infinity'), p_part, s.line_no)
          < (coalesce(p.source_updated_at, '-infinity'), p.part_no, p.line_no)
        then 'duplicate'
      when p.record_hash <> s.record_hash
        and (p.is_newer
          or p_seen_later is not null and p.seq < 8 * length(p_seen_later)
            and get_bit(p_seen_later, p.seq) = 1)
        then 'older'
      when p.run_id <> p_artifact_run and not p.is_newer and s.source_updated_at < p.source_updated_at
        then 'older'
      when p.status = 'removed' and not p.is_newer then 'updated'
      when p.content_hash <> s.content_hash then 'updated'
      when p.record_hash <> s.record_hash
        and catalog.remove_members(p.raw::jsonb, p_volatile) <> catalog.remove_members(
          (select w.raw::jsonb from pg_temp.staged_products w where w.ctid = s.place), p_volatile)
        then 'updated'
      else 'unchanged'
    end
  from (
    select line_no, external_id, source_updated_at, record_hash, content_hash, ctid as place,
      names_products and catalog.is_refusal(status, title, brand, url) as is_refusal,
      row_number() over (
        partition by external_id order by source_updated_at desc nulls last, line_no desc) as rank
    from pg_temp.staged_products
    where not exists (select from pg_temp.verdicts j where j.line_no = staged_products.line_no)
  ) s
  left join lateral (
    select w.*, case
        when w.run_id = p_artifact_run then false
        when not keyed then w.run_id > p_artifact_run
        else (catalog.load_requested_at(p_source, w.run_id, w.part_no), w.run_id)
          > (requested, p_artifact_run)
      end as is_newer
    from catalog.products w where w.source_id = p_source and w.external_id = s.external_id offset 0
  ) p on true;
end $$;

-- lock_judged_products(source) → whether products with a verdict exist already. Their rows are locked, in the
-- order of their ids so that lanes cannot deadlock, and their verdicts deleted: judged again, they stay as
-- they are.
create function catalog.lock_judged_products(p_source integer) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  perform from pg_temp.verdicts j
    join catalog.products p on p.source_id = p_source and p.external_id = j.external_id
    where j.seq is not null and j.verdict <> 'created' order by j.external_id for update of p;
  if not found then
    return false;
  end if;
  delete from pg_temp.verdicts j where j.seq is not null and j.verdict <> 'created';
  return true;
end $$;

-- gate_price(…) → the reason why a person has to decide on this price; null if it may become current.
--   last_good   the current price; null without one
--   declared    the currency in the settings of the source: a change to it was made by a person
--   factor      a price that rises or falls by this factor or more is held
create function catalog.gate_price(
  amount_minor bigint, currency text, last_good bigint, last_good_currency text, declared text, factor numeric
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when amount_minor = 0 and last_good is distinct from 0 then 'the price is zero'
    -- Amounts of two currencies cannot be compared.
    when last_good_currency <> currency and currency = declared then null
    when last_good_currency <> currency
      then format('the currency changed from %s to %s', last_good_currency, currency)
    when last_good > 0 and amount_minor >= last_good * factor
      then format('the price rose ×%s', trim_scale(round(amount_minor::numeric / last_good, 1)))
    when last_good > 0 and amount_minor * factor <= last_good
      then format('the price fell ÷%s', trim_scale(round(last_good::numeric / amount_minor, 1)))
  end
$$;

-- judge_prices(source, artifact_run, factor): fills price_verdicts for products that exist already. A stated
-- price is compared with the current one, or with the one that a person replaced by it, and with the newest
-- one that waits for a decision or was rejected; only a difference gets a verdict.
--   states      current: first price of its type; pending: it waits for settle; held: it failed a gate; kept:
--               it equals the current price again, so that a waiting price is superseded; disputed: see
--               judge_disagreements
--   amount null the supplier no longer states the price
create function catalog.judge_prices(p_source integer, p_artifact_run bigint, p_price_factor numeric)
returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  declared text := (select settings ->> 'currency' from catalog.sources where id = p_source);
  -- A keyed run publishes only its own prices, so it writes a price again that another run left pending.
  keyed boolean := exists (
    select from catalog.runs
    where source_id = p_source and id = p_artifact_run and kind in ('refresh', 'import'));
begin
  -- Apply calls this again when another lane created a product first. Products of this batch are left out.
  delete from pg_temp.price_verdicts where true;
  insert into pg_temp.price_verdicts
  with stated as (
    select j.external_id, n.*
    from pg_temp.staged_prices n join pg_temp.verdicts j using (line_no)
    where j.seq is not null and j.verdict in ('updated', 'unchanged') and n.amount_minor is not null
  ), current_prices as (
    select j.line_no, j.external_id, c.*
    from pg_temp.verdicts j
    cross join lateral (
      select variant_external_id, price_type, amount_minor, currency, compare_at_minor, observed_at, stated
      from catalog.prices
      where source_id = p_source and product_external_id = j.external_id and state = 'current' offset 0
    ) c
    where j.seq is not null and j.verdict in ('updated', 'unchanged')
  ), pairs as (
    select line_no, coalesce(n.external_id, c.external_id) as external_id, variant_external_id, price_type,
      n.amount_minor, coalesce(n.currency, c.currency) as currency, n.compare_at_minor,
      c.amount_minor as last_good, c.currency as last_good_currency, c.observed_at as last_at,
      c.line_no is null as is_first,
      (n.amount_minor, coalesce(n.currency, c.currency), n.compare_at_minor)
        is not distinct from (c.amount_minor, c.currency, c.compare_at_minor)
      or (c.stated = catalog.to_stated(n.amount_minor, n.currency, n.compare_at_minor)) is true as is_current
    from stated n full join current_prices c using (line_no, variant_external_id, price_type)
  )
  select line_no, external_id, variant_external_id, price_type, amount_minor, currency, compare_at_minor,
    last_good, last_good_currency, case when is_current then 'kept' when reason is not null then 'held'
      when is_first then 'current' else 'pending' end, reason
  from pairs
  left join lateral (
    select state, (amount_minor, currency, compare_at_minor)
        is distinct from (pairs.amount_minor, pairs.currency, pairs.compare_at_minor) as differs
    from catalog.prices
    where source_id = p_source and product_external_id = pairs.external_id
      and variant_external_id = pairs.variant_external_id and price_type = pairs.price_type
      and state in ('pending', 'held', 'rejected') and observed_at > coalesce(pairs.last_at, '-infinity')
      and not (keyed and state = 'pending' and run_id <> p_artifact_run)
    order by observed_at desc, run_id desc limit 1
  ) waiting on true
  cross join lateral (
    select catalog.gate_price(amount_minor, currency, last_good, last_good_currency, declared, p_price_factor)
      as reason offset 0
  ) gate
  where case
    when waiting.state is null then not is_current
    when waiting.state = 'rejected' and is_current then false
    else waiting.differs
  end;
end $$;

-- judge_first_prices(): holds prices of zero of created products, which get the verdict held. Their other
-- prices become current without a verdict.
create function catalog.judge_first_prices() returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into pg_temp.price_verdicts
    select j.line_no, j.external_id, n.variant_external_id, n.price_type, n.amount_minor, n.currency,
      n.compare_at_minor, null, null, 'held', 'the price is zero'
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor = 0;
  if not found then
    return;
  end if;
  update pg_temp.verdicts j set held = true
    where j.verdict = 'created'
      and j.line_no in (select q.line_no from pg_temp.price_verdicts q where q.state = 'held');
end $$;

-- judge_batch(source, artifact_run, part, seen_later, volatile, factor): judges every staged line that has no
-- verdict yet, then the prices. A product whose prices differ is updated; one with a held price is held.
--   locks       existing products are locked and then judged a second time, because they may have changed
--               before. A plan, whose transaction is read-only, judges once
--   errors      db/unsuitable, see assert_own_table
create function catalog.judge_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[],
  p_price_factor numeric
) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  perform catalog.assert_own_table('staged_products');
  perform catalog.correct_source_times(p_source, p_artifact_run, p_part);
  perform catalog.limit_licences(p_source, p_artifact_run, p_part);
  perform catalog.judge_products(p_source, p_artifact_run, p_part, p_seen_later, p_volatile);
  if not current_setting('transaction_read_only')::boolean and catalog.lock_judged_products(p_source) then
    perform catalog.judge_products(p_source, p_artifact_run, p_part, p_seen_later, p_volatile);
  end if;

  perform catalog.judge_prices(p_source, p_artifact_run, p_price_factor);
  perform catalog.judge_disagreements(p_source);
  perform catalog.forget_expired_prices(p_source);
  update pg_temp.verdicts j
    set verdict = 'updated', reprices = true, held = p.held
    from (
      select line_no, bool_or(state in ('held', 'disputed')) as held
      from pg_temp.price_verdicts group by line_no
    ) p
    where j.line_no = p.line_no and j.verdict <> 'created';
  perform catalog.judge_first_prices();
end $$;

-- list_staged_changes(source) → (line_no, external_id, kind, detail, expires_at): the change that each line
-- with the verdict created or updated makes.
--   detail      {member: [before, after]}; prices as `price:<variant>:<type>`, a held one with its reason;
--               `provenance` with the paths that differ; see list_smaller_packages and
--               list_availability_changes. The values before are null once their licence has ended.
--               Empty members for a new product, whose row exists already in apply
--   expires_at  the earliest end of a licence of these values; null for a new product
create function catalog.list_staged_changes(p_source integer)
returns table (line_no integer, external_id text, kind text, detail jsonb, expires_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  return query select j.line_no, j.external_id,
    case when j.verdict = 'created' then 'created'
      when p.status = 'removed' then 'returned'
      when p.status = 'active' and s.status = 'unavailable' then 'unavailable'
      when j.reprices and p.content_hash = s.content_hash or w.detail is not null then 'repriced'
      else 'updated'
    end,
    case when j.verdict = 'created' then '{}' else
      catalog.diff_members(
        case when p.expires_at <= now()
          then catalog.product_members(p.status, null, null, null, null, null, p.successor, '{}', '{}')
          else catalog.product_members(p.status, p.title, p.description, p.brand, p.manufacturer, p.url,
            p.successor, p.identifiers, p.attributes) end,
        catalog.product_members(s.status, s.title, s.description, s.brand, s.manufacturer, s.url, s.successor,
          s.identifiers, s.attributes))
      || catalog.diff_provenance(
        case when p.expires_at <= now() then null else p.provenance end, s.provenance)
    end
    || coalesce((
      select jsonb_object_agg(format('price:%s:%s', q.variant_external_id, q.price_type),
        jsonb_build_array(q.last_good, q.amount_minor)
          || case when q.state in ('held', 'disputed') then jsonb_build_array(q.reason) else '[]' end)
      from pg_temp.price_verdicts q where q.line_no = j.line_no and q.state <> 'kept'), '{}')
    || coalesce(w.detail, '{}') || coalesce(a.detail, '{}'),
    case when j.verdict <> 'created'
      then least(s.expires_at, case when p.expires_at > now() then p.expires_at end) end
  from pg_temp.verdicts j
  join pg_temp.staged_products s on s.line_no = j.line_no
  left join lateral (
    select * from catalog.products where source_id = p_source and external_id = j.external_id offset 0
  ) p on true
  left join catalog.list_smaller_packages(p_source) w on w.line_no = j.line_no
  left join catalog.list_availability_changes(p_source) a on a.line_no = j.line_no
  where j.verdict in ('created', 'updated');
end $$;
