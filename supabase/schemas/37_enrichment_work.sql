-- The work of a language model: products of sources whose policy has `enrich`, one after the other. A settled
-- run starts a scan of its source, the scan queues products with new content, and a worker claims them.

-- Products whose content was examined, or waits for that.
create table catalog.enrichment_work (
  source_id           integer not null references catalog.sources (id),
  product_external_id text collate "C" not null,
  content_hash        bytea not null,                -- of the product, when it was queued
  due_at              timestamptz,                   -- null: examined; of a claimed one, the end of the lease
  attempts            integer not null default 0,    -- failed ones
  failure             text,                          -- of the last attempt
  primary key (source_id, product_external_id)
);
create index enrichment_due on catalog.enrichment_work (due_at) where due_at is not null;

create table catalog.enrichment_scans (
  source_id           integer not null primary key references catalog.sources (id),
  run_id              bigint not null,               -- the run that started it
  after               text collate "C"               -- last product that was looked at; null at the end
);

-- Responses of a model by the hash of everything that was sent: the same text is never sent twice.
create table catalog.model_responses (
  key                 bytea primary key,
  statements          jsonb not null,
  received_at         timestamptz not null default clock_timestamp()
);

-- queue_enrichments(limit) → number of products that were looked at; 0 when every scan has ended
--   concurrent  each scan has one worker at a time
create function catalog.queue_enrichments(p_limit integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  scan catalog.enrichment_scans;
  looked_at integer;
  last text collate "C";
begin
  insert into catalog.enrichment_scans as e (source_id, run_id, after)
    select s.id, s.latest_run, '' from catalog.sources s
    where s.policy @> '{"enrich": true}' and s.latest_run is not null
      and not exists (
        select from catalog.enrichment_scans e where e.source_id = s.id and e.run_id = s.latest_run)
    on conflict (source_id) do update set run_id = excluded.run_id, after = '';
  select e.* into scan from catalog.enrichment_scans e
    join catalog.sources s on s.id = e.source_id and s.policy @> '{"enrich": true}'
    where e.after is not null order by e.source_id limit 1 for update of e skip locked;
  if not found then return 0; end if;
  with page as (
    select p.external_id, p.content_hash, p.status from catalog.products p
    where p.source_id = scan.source_id and p.external_id > scan.after order by p.external_id limit p_limit
  ), queued as (
    insert into catalog.enrichment_work as w (source_id, product_external_id, content_hash, due_at)
      select scan.source_id, p.external_id, p.content_hash, present from page p where p.status = 'active'
      on conflict (source_id, product_external_id) do update
        set content_hash = excluded.content_hash, due_at = excluded.due_at, attempts = 0, failure = null
        where w.content_hash <> excluded.content_hash
  ) select count(*), max(p.external_id) into looked_at, last from page p;
  update catalog.enrichment_scans e set after = case when looked_at = p_limit then last end
    where e.source_id = scan.source_id;
  return looked_at;
end $$;

-- claim_enrichment(lease) → the product that is due first, with its texts; no row if none is due
--   lease       milliseconds, after which the product is due again
create function catalog.claim_enrichment(p_lease double precision) returns table (
  source_id integer, source text, external_id text, content_hash bytea, attempts integer, options jsonb,
  policy jsonb, title text, description text, attributes jsonb, variants jsonb)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
  claimed catalog.enrichment_work;
begin
  loop
    select * into claimed from catalog.enrichment_work w
      where w.due_at <= present order by w.due_at limit 1 for update skip locked;
    if not found then return; end if;
    update catalog.enrichment_work w
      set due_at = present + make_interval(secs => p_lease / 1000),
        content_hash = coalesce((
          select p.content_hash from catalog.products p
          where p.source_id = w.source_id and p.external_id = w.product_external_id), w.content_hash)
      where w.source_id = claimed.source_id and w.product_external_id = claimed.product_external_id;
    return query
      select s.id, s.name, p.external_id, p.content_hash, claimed.attempts, s.options, s.policy, p.title,
        p.description, p.attributes, (
          select coalesce(jsonb_agg(
            jsonb_build_object('title', v.title, 'options', v.options) order by v.position), '[]')
          from catalog.variants v
          where v.source_id = p.source_id and v.product_external_id = p.external_id and v.removed_at is null)
      from catalog.products p join catalog.sources s on s.id = p.source_id
      where p.source_id = claimed.source_id and p.external_id = claimed.product_external_id
        and p.status = 'active' and s.policy @> '{"enrich": true}'
        and (p.expires_at is null or p.expires_at > now());
    exit when found;
    -- It is no longer sold, or its source has switched it off; a later scan queues it again.
    delete from catalog.enrichment_work w
      where w.source_id = claimed.source_id and w.product_external_id = claimed.product_external_id;
  end loop;
end $$;

-- finish_enrichment(source, product, content_hash, failure, retry): records the end of an attempt.
--   content_hash  of the claim: a product that was queued again with other content stays due
--   failure       null after a success
--   retry         milliseconds until the next attempt; null for none
create function catalog.finish_enrichment(
  p_source_id integer, p_external_id text, p_content_hash bytea, p_failure text, p_retry double precision
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.enrichment_work w
    set due_at = clock_timestamp() + make_interval(secs => p_retry / 1000), failure = p_failure,
      attempts = case when p_failure is null then 0 else w.attempts + 1 end
    where w.source_id = p_source_id and w.product_external_id = p_external_id
      and w.content_hash = p_content_hash
$$;

-- withdraw_proposals(source, product, values): supersedes open proposals that the text no longer supports
--   values      a list of {field, value}: the proposals that it supports
create function catalog.withdraw_proposals(p_source integer, p_product text, p_values jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.reviews r set state = 'superseded', decided_at = clock_timestamp()
    where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'proposal'
      and r.state = 'open'
      and not p_values @> jsonb_build_array(
        jsonb_build_object('field', r.detail -> 'field', 'value', r.detail -> 'value'))
$$;

-- has_enrichments() → whether a product is due or a scan has not ended
create function catalog.has_enrichments() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from catalog.enrichment_work w where w.due_at <= clock_timestamp())
    or exists (
      select from catalog.sources s left join catalog.enrichment_scans e on e.source_id = s.id
      where s.policy @> '{"enrich": true}' and s.latest_run is not null
        and (e.run_id is distinct from s.latest_run or e.after is not null))
$$;

-- find_model_response(key) → the statements of a stored response, or null
create function catalog.find_model_response(p_key bytea) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.statements from catalog.model_responses r where r.key = p_key
$$;

-- save_model_response(key, statements)
--   idempotent  the first response to a question stays
create function catalog.save_model_response(p_key bytea, p_statements jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into catalog.model_responses (key, statements) values (p_key, p_statements) on conflict do nothing
$$;
