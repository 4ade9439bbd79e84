-- The verdict on each staged line: what it would do to the catalogue. Apply and plan share it.

-- remove_member(doc, paths): the document without its volatile members; `*` in a path stands for any index.
create function catalog.remove_member(doc jsonb, path text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(doc) = 'array' and path[1] = '*' then
    return (select coalesce(jsonb_agg(catalog.remove_member(e, path[2:]) order by i), '[]') from jsonb_array_elements(doc) with ordinality as t (e, i));
  elsif jsonb_typeof(doc) is distinct from 'object' or not doc ? path[1] then
    return doc;
  elsif cardinality(path) = 1 then
    return doc - path[1];
  end if;
  return jsonb_set(doc, path[1:1], catalog.remove_member(doc -> path[1], path[2:]));
end $$;

create function catalog.remove_members(doc jsonb, paths text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  path text;
begin
  foreach path in array paths loop
    doc := catalog.remove_member(doc, string_to_array(path, '.'));
  end loop;
  return doc;
end $$;

-- correct_source_times(…): a staged time that cannot be trusted becomes unknown, as `trustedTime` has it in src/core/source-time.ts: one at or before 1970,
-- which stands for a missing value, and one later than the part that holds it by more than the tolerance. One that is ahead by less becomes the
-- time of the part, so that the record of the next run is not older. A plan has no part: its records arrive now.
create function catalog.correct_source_times(p_source integer, p_artifact_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  arrived timestamptz := coalesce((select created_at from catalog.parts where source_id = p_source and run_id = p_artifact_run and no = p_part), now());
begin
  update pg_temp.staged_products
    set source_updated_at = case when source_updated_at > arrived and source_updated_at <= arrived + interval '5 minutes' then arrived end
    where source_updated_at > arrived or source_updated_at <= 'epoch';
end $$;

-- judge(…): what each staged line that is not judged yet would do to the catalogue. Writes nothing but `judged` and `judged_prices`.
--   order       within one artifact the highest (source time, part, line) of a key wins, and any time is higher than an unknown one; an
--               artifact older than what wrote the row, or than a settled run that saw it (p_seen_later), may only normalise anew the record
--               that the row already holds; of two artifacts the newer wins, unless both times are known and its own is lower
--   lateral … offset 0   keeps the planner at one index look-up a line, whatever it believes about the sizes
create function catalog.judge(p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[], p_price_factor numeric)
returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  perform catalog.assert_own_table('staged_products');
  perform catalog.correct_source_times(p_source, p_artifact_run, p_part);
  -- Rows that are there already are locked, in the order of their ids, and then judged again: as they are now, they stay.
  for pass in 1 .. 2 loop
    insert into pg_temp.judged (line_no, external_id, seq, verdict)
    select s.line_no, s.external_id, p.seq,
      case
        when s.rank > 1 then 'duplicate'
        when p.seq is null then 'created'
        when p.run_id = p_artifact_run
          and (coalesce(s.source_updated_at, '-infinity'), p_part, s.line_no) < (coalesce(p.source_updated_at, '-infinity'), p.part_no, p.line_no)
          then 'duplicate'
        when (p.run_id > p_artifact_run or p_seen_later is not null and p.seq < 8 * length(p_seen_later) and get_bit(p_seen_later, p.seq) = 1)
          and p.record_hash <> s.record_hash
          then 'older'
        when p.run_id < p_artifact_run and s.source_updated_at < p.source_updated_at then 'older'
        when p.status = 'removed' and p.run_id <= p_artifact_run then 'updated'
        when p.content_hash <> s.content_hash then 'updated'
        when p.record_hash <> s.record_hash
          and catalog.remove_members(p.raw, p_volatile) <> catalog.remove_members((select w.raw from pg_temp.staged_products w where w.ctid = s.place), p_volatile)
          then 'updated'
        else 'unchanged'
      end
    from (
      select line_no, external_id, source_updated_at, record_hash, content_hash, ctid as place,
        row_number() over (partition by external_id order by source_updated_at desc nulls last, line_no desc) as rank
      from pg_temp.staged_products
      where not exists (select from pg_temp.judged j where j.line_no = staged_products.line_no)
    ) s
    left join lateral (
      select * from catalog.products where source_id = p_source and external_id = s.external_id offset 0
    ) p on true;

    -- A plan, whose transaction is read-only, has nothing to keep as it is.
    exit when pass = 2 or current_setting('transaction_read_only')::boolean;
    perform from pg_temp.judged j join catalog.products p on p.source_id = p_source and p.external_id = j.external_id
      where j.seq is not null and j.verdict <> 'created' order by j.external_id for update of p;
    exit when not found;
    delete from pg_temp.judged j where j.seq is not null and j.verdict <> 'created';
  end loop;

  -- Apply judges once more when another lane was faster: what the batch has created by then is its own and stays.
  delete from pg_temp.judged_prices where true;
  -- Prices of products that were here before, against the current one and the newest one that waits or was rejected.
  insert into pg_temp.judged_prices
  with stated as (
    select j.external_id, n.* from pg_temp.staged_prices n join pg_temp.judged j using (line_no)
    where j.seq is not null and j.verdict in ('updated', 'unchanged') and n.amount_minor is not null
  ), held_now as (
    select j.line_no, j.external_id, c.* from pg_temp.judged j
    cross join lateral (
      select variant_external_id, price_type, amount_minor, currency, compare_at_minor, run_id from catalog.prices
      where source_id = p_source and product_external_id = j.external_id and state = 'current' offset 0
    ) c
    where j.seq is not null and j.verdict in ('updated', 'unchanged')
  ), pairs as (
    select line_no, coalesce(n.external_id, c.external_id) as external_id, variant_external_id, price_type,
      n.amount_minor, coalesce(n.currency, c.currency) as currency, n.compare_at_minor,
      c.amount_minor as last_good, c.currency as last_good_currency, c.compare_at_minor as last_compare_at, c.run_id as last_run, c.line_no is null as is_new
    from stated n full join held_now c using (line_no, variant_external_id, price_type)
  )
  select line_no, external_id, variant_external_id, price_type, amount_minor, currency, compare_at_minor, last_good, last_good_currency,
    case
      when not is_new and (amount_minor, currency, compare_at_minor) is not distinct from (last_good, last_good_currency, last_compare_at) then 'kept'
      when reason is not null then 'held'
      when is_new then 'current'
      else 'pending'
    end, reason
  from (
    select *, case
      when amount_minor = 0 and last_good is distinct from 0 then 'the price is zero'
      -- Amounts of two currencies cannot be compared. A source whose settings state a currency has had it changed by a person.
      when last_good_currency <> currency and currency = (select settings ->> 'currency' from catalog.sources where id = p_source) then null
      when last_good_currency <> currency then format('the currency changed from %s to %s', last_good_currency, currency)
      when last_good > 0 and amount_minor >= last_good * p_price_factor then format('the price rose ×%s', round(amount_minor::numeric / last_good, 1))
      when last_good > 0 and amount_minor * p_price_factor <= last_good then format('the price fell ÷%s', round(last_good::numeric / amount_minor, 1))
    end as reason
    from pairs
  ) gated
  left join lateral (
    select state as waiting_state, amount_minor as waiting_amount, currency as waiting_currency, compare_at_minor as waiting_compare_at
    from catalog.prices
    where source_id = p_source and product_external_id = gated.external_id and variant_external_id = gated.variant_external_id
      and price_type = gated.price_type and state in ('pending', 'held', 'rejected') and run_id > coalesce(gated.last_run, 0)
    order by run_id desc limit 1
  ) w on true
  where case
    when waiting_state is null then is_new or (amount_minor, currency, compare_at_minor) is distinct from (last_good, last_good_currency, last_compare_at)
    when waiting_state = 'rejected' and (amount_minor, currency, compare_at_minor) is not distinct from (last_good, last_good_currency, last_compare_at) then false
    else (amount_minor, currency, compare_at_minor) is distinct from (waiting_amount, waiting_currency, waiting_compare_at)
  end;

  update pg_temp.judged j
    set verdict = 'updated', reprices = true, held = p.held
    from (select line_no, bool_or(state = 'held') as held from pg_temp.judged_prices group by line_no) p
    where j.line_no = p.line_no;

  -- A first price of zero waits for a person too.
  insert into pg_temp.judged_prices
    select j.line_no, j.external_id, n.variant_external_id, n.price_type, n.amount_minor, n.currency, n.compare_at_minor, null, null,
      'held', 'the price is zero'
    from pg_temp.judged j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor = 0;
  update pg_temp.judged j set held = true
    where j.verdict = 'created' and j.line_no in (select q.line_no from pg_temp.judged_prices q where q.state = 'held');
end $$;

-- diff_members(old, new): the members that differ, as {member: [before, after]}.
create function catalog.diff_members(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(k, jsonb_build_array(before -> k, after -> k) order by k), '{}')
  from (select jsonb_object_keys(before || after) as k) keys
  where before -> k is distinct from after -> k
$$;

-- list_staged_changes(source): what every judged line changes, member by member, prices as `price:<variant>:<type>`. Serves both plan and apply;
-- in apply the rows of new products are there already, so only the verdict tells that they are new.
create function catalog.list_staged_changes(p_source integer) returns table (line_no integer, external_id text, kind text, detail jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  return query select j.line_no, j.external_id,
    case
      when j.verdict = 'created' then 'created'
      when p.status = 'removed' then 'returned'
      when p.status = 'active' and s.status = 'unavailable' then 'unavailable'
      when j.reprices and p.content_hash = s.content_hash then 'repriced'
      else 'updated'
    end,
    case when j.verdict <> 'created' then
      catalog.diff_members(
        jsonb_build_object('status', p.status, 'title', p.title, 'description', p.description, 'brand', p.brand, 'manufacturer', p.manufacturer,
          'url', p.url, 'successor', p.successor) || p.identifiers || p.attributes,
        jsonb_build_object('status', s.status, 'title', s.title, 'description', s.description, 'brand', s.brand, 'manufacturer', s.manufacturer,
          'url', s.url, 'successor', s.successor) || s.identifiers || s.attributes)
    else '{}' end
    || coalesce((
      select jsonb_object_agg(format('price:%s:%s', q.variant_external_id, q.price_type),
        jsonb_build_array(q.last_good, q.amount_minor) || case when q.state = 'held' then jsonb_build_array(q.reason) else '[]' end)
      from pg_temp.judged_prices q where q.line_no = j.line_no and q.state <> 'kept'), '{}')
  from pg_temp.judged j
  join pg_temp.staged_products s on s.line_no = j.line_no
  left join lateral (select * from catalog.products where source_id = p_source and external_id = j.external_id offset 0) p on true
  where j.verdict in ('created', 'updated');
end $$;
