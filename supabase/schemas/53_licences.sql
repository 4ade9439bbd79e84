-- Licences that end: content of a source whose policy has `expiresAfterHours` may be shown and kept for that
-- time after its request. Each row states its end in `expires_at`; from then on views and functions hide its
-- content at once, and purge_expired removes it.

-- expires_after(source) → how long content of the source may be kept; null: without an end.
create function catalog.expires_after(p_source integer) returns interval
language sql stable set search_path = pg_catalog, pg_temp as $$
  select make_interval(secs => 3600 * (policy ->> 'expiresAfterHours')::double precision)
  from catalog.sources where id = p_source
$$;

-- end_licence(source, artifact_run, part) → the end of what the part contains, or the artifact's first part;
-- null: without an end. Counted from the request, because the supplier may have read a record at any time
-- from then on.
create function catalog.end_licence(p_source integer, p_artifact_run bigint, p_part integer)
returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(catalog.load_requested_at(p_source, p_artifact_run, p_part), now())
    + catalog.expires_after(p_source)
$$;

-- keeps_price_history(source) → whether earlier prices may be kept.
create function catalog.keeps_price_history(p_source integer) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select policy -> 'keepPriceHistory' is distinct from 'false' from catalog.sources where id = p_source
$$;

-- find_product_end(source, product) → the end of the licence of the product; null: without an end.
create function catalog.find_product_end(p_source integer, p_product text) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select expires_at from catalog.products where source_id = p_source and external_id = p_product
$$;

-- has_ends(source) → whether the licence of a product of the source has an end: by its policy, by an earlier
-- policy, or because the record states one. Reads an index in which other products are not.
create function catalog.has_ends(p_source integer) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from catalog.products where source_id = p_source and expires_at is not null)
$$;

-- is_shown(source, product) → whether the licence of the product has not ended; true for an unknown one.
create function catalog.is_shown(p_source integer, p_product text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.find_product_end(p_source, p_product) <= now() is not true
$$;

-- renews_end(old, new) → whether the end differs and does not come earlier.
create function catalog.renews_end(p_old timestamptz, p_new timestamptz) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_old is distinct from p_new and not coalesce(p_new < p_old, false)
$$;

-- limit_licences(source, artifact_run, part): no staged record ends later than the policy of its source
-- allows. A record may state an earlier end.
create function catalog.limit_licences(p_source integer, p_artifact_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  ends timestamptz := catalog.end_licence(p_source, p_artifact_run, p_part);
begin
  if ends is not null then
    update pg_temp.staged_products set expires_at = ends where expires_at is null or expires_at > ends;
  end if;
end $$;

-- forget_expired_prices(source): in the verdicts on prices, the last good price of a product whose licence
-- has ended becomes unknown, so that no change and no review states it. It has been
-- compared.
create function catalog.forget_expired_prices(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not catalog.has_ends(p_source) then
    return;
  end if;
  update pg_temp.price_verdicts q set last_good = null
    from catalog.products p
    where p.source_id = p_source and p.external_id = q.external_id and p.expires_at <= now();
  update pg_temp.price_verdicts q set last_good = null
    from catalog.prices c
    where c.source_id = p_source and c.product_external_id = q.external_id
      and c.variant_external_id = q.variant_external_id and c.price_type = q.price_type
      and c.state = 'current' and c.expires_at <= now();
end $$;

-- limit_earlier_prices(source): before products are written. A current price that a record contradicts keeps
-- the end that it has now, because a refresh renews only what it states; one that is stated again has that of
-- its product.
create function catalog.limit_earlier_prices(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not catalog.has_ends(p_source) then
    return;
  end if;
  update catalog.prices c set expires_at = least(c.expires_at, p.expires_at)
    from pg_temp.price_verdicts q
    join catalog.products p on p.source_id = p_source and p.external_id = q.external_id
    where c.source_id = p_source and c.product_external_id = q.external_id
      and c.variant_external_id = q.variant_external_id and c.price_type = q.price_type
      and c.state = 'current' and q.state <> 'kept' and p.expires_at is not null;
  update catalog.prices c set expires_at = null
    from pg_temp.staged_prices n join pg_temp.verdicts j on j.line_no = n.line_no
    where j.verdict in ('updated', 'unchanged') and c.source_id = p_source
      and c.product_external_id = j.external_id and c.variant_external_id = n.variant_external_id
      and c.price_type = n.price_type and c.state = 'current' and c.expires_at is not null
      and (c.amount_minor, c.currency, c.compare_at_minor)
        is not distinct from (n.amount_minor, n.currency, n.compare_at_minor);
end $$;

-- limit_review() trigger: the end of a review is that of the content which it quotes: of a quarantined
-- record, or of its product and the price that the review compares.
create function catalog.limit_review() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  after constant interval := catalog.expires_after(new.source_id);
begin
  if new.kind <> 'run' then
    new.expires_at := least(now() + after, catalog.find_product_end(new.source_id, new.product_external_id), (
      select min(c.expires_at) from catalog.prices c
      where c.source_id = new.source_id and c.product_external_id = new.product_external_id
        and c.variant_external_id = new.variant_external_id and c.price_type = new.price_type
        and c.state = 'current' and c.expires_at > now()), (
      select q.expires_at from catalog.quarantine q
      where new.kind = 'record' and q.source_id = new.source_id
        and q.id = (new.detail ->> 'record')::bigint));
  end if;
  return new;
end $$;
create trigger limit_review before insert on catalog.reviews
  for each row execute function catalog.limit_review();

-- apply_licence(source, policy): applies a policy that is about to be saved to what the source has already.
--   expiresAfterHours   ends what it limits, counted from its request. A later end, or none, holds from the
--                       next run on
--   keepPriceHistory    false deletes all prices but the current ones and those that wait or were rejected
create function catalog.apply_licence(p_source integer, p_policy jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  after interval := make_interval(secs => 3600 * (p_policy ->> 'expiresAfterHours')::double precision);
  of_table text;
begin
  if p_policy -> 'keepPriceHistory' = 'false' then
    delete from catalog.prices where source_id = p_source and state in ('past', 'superseded');
  end if;
  if after is null or after is not distinct from catalog.expires_after(p_source) then
    return;
  end if;
  update catalog.products p
    set expires_at = least(p.expires_at, catalog.load_requested_at(p_source, p.run_id, p.part_no) + after)
    where p.source_id = p_source and p.purged_at is null;
  update catalog.quarantine q
    set expires_at = least(q.expires_at,
      catalog.load_requested_at(p_source, q.artifact_run, q.part_no) + after)
    where q.source_id = p_source;
  update catalog.changes c set expires_at = least(c.expires_at, c.changed_at + after)
    where c.source_id = p_source and c.kind <> 'loaded' and c.detail <> '{}';
  update catalog.enrichments e set expires_at = least(e.expires_at, e.accepted_at + after)
    where e.source_id = p_source;
  update catalog.reviews r set expires_at = least(r.expires_at, r.opened_at + after)
    where r.source_id = p_source and r.kind <> 'run';
  foreach of_table in array '{brands,organizations,categories}'::text[] loop
    execute format('update catalog.%I set expires_at = least(expires_at, now() + $2) where source_id = $1',
      of_table) using p_source, after;
  end loop;
end $$;

-- hide_detail(detail) → the detail of a change without its values, and without the names that the supplier
-- chose: a member that differs, and prices, weights and availabilities that do, each as an empty list.
create function catalog.hide_detail(p_detail jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(name, '[]'::jsonb), '{}') from jsonb_object_keys(p_detail) name
  where name in ('status', 'title', 'description', 'brand', 'manufacturer', 'url', 'successor')
    or name like any ('{price:%,weight:%,availability:%}')
$$;

-- show_detail(change) → its detail, see hide_detail once it has expired.
create function catalog.show_detail(p_change catalog.changes) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_change.expires_at <= now() then catalog.hide_detail(p_change.detail)
    else p_change.detail end
$$;

-- show_title(product) → its title; null once its licence has ended.
create function catalog.show_title(p_product catalog.products) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_product.expires_at <= now() then null else p_product.title end
$$;

-- hide_review(review) → the review without the content that it quotes.
create function catalog.hide_review(p_review catalog.reviews) returns catalog.reviews
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  p_review.detail := p_review.detail - '{from,to,claims,value,quotation}'::text[] || '{"expired": true}';
  p_review.reason := case p_review.kind when 'record' then 'the reason has expired with the record'
    else p_review.reason end;
  return p_review;
end $$;

-- show_review(review) → the review, see hide_review once it has expired.
create function catalog.show_review(p_review catalog.reviews) returns catalog.reviews
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_review.expires_at <= now() then catalog.hide_review(p_review) else p_review end
$$;

-- hide_record(record) → the quarantined record without its bytes and the message that may quote them.
create function catalog.hide_record(p_record catalog.quarantine) returns catalog.quarantine
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  p_record.raw := '';
  p_record.message := 'the record has expired, as the licence of its source requires';
  return p_record;
end $$;

-- show_record(record) → the quarantined record, see hide_record once it has expired.
create function catalog.show_record(p_record catalog.quarantine) returns catalog.quarantine
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when p_record.expires_at <= now() then catalog.hide_record(p_record) else p_record end
$$;

-- is_expired_artifact(artifact) → whether the first part of the artifact was requested so long ago that no
-- byte may be read. Its bytes are removed by the next purge.
create function catalog.is_expired_artifact(p_artifact catalog.artifacts) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Most sources have no end, and a list may have thousands of artifacts.
  select case when catalog.expires_after(p_artifact.source_id) is null then false
    else catalog.end_licence(p_artifact.source_id, p_artifact.run_id, null) <= now() end
$$;

-- show_part(part) → the part. The record of a call is in its key, which is empty once the record has expired.
create function catalog.show_part(p_part catalog.parts) returns catalog.parts
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if starts_with(p_part.key, 'data:')
     and p_part.requested_at + catalog.expires_after(p_part.source_id) <= now() then
    p_part.key := 'data:application/x-ndjson;base64,';
  end if;
  return p_part;
end $$;

-- show_artifact(artifact) → the artifact; `purged` and without warnings once it has expired.
create function catalog.show_artifact(p_artifact catalog.artifacts) returns catalog.artifacts
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if catalog.is_expired_artifact(p_artifact) then
    p_artifact.state := 'purged';
    p_artifact.warnings := '[]';
  end if;
  return p_artifact;
end $$;

-- hide_messages(imports) → results of an import without the messages of its errors, which may quote the
-- supplier.
create function catalog.hide_messages(p_imports jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_imports is not null then coalesce(
    jsonb_agg(case when result ? 'error'
      then jsonb_set(result, '{error,message}', '"The message has expired"') else result end order by n),
    '[]') end
  from jsonb_array_elements(p_imports) with ordinality results (result, n)
$$;

-- show_reason(run) → the reason of the run; null for the message of an error that is as old as the source may
-- keep content, because it may quote it.
create function catalog.show_reason(p_run catalog.runs) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when (p_run.error_code is not null or p_run.state in ('failed', 'interrupted'))
      and coalesce(p_run.finished_at, p_run.last_started_at) + catalog.expires_after(p_run.source_id) <= now()
    then null else p_run.reason end
$$;
