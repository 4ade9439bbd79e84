-- Reviews of quarantined records, and what quarantine says about an artifact. A record that one run could not
-- apply is often corrected by the next one; a record that two runs could not apply waits for a person.

-- read_fault(message) → the reason without the place before it, see src/pipeline/apply/quarantine.ts.
create function catalog.read_fault(p_message text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select regexp_replace(p_message, '^\S+, run \d+, part \d+, line \d+, byte \d+: ', '')
$$;

-- is_same_record(first, second) → whether two quarantined records are one record of the supplier with one
-- fault: of the same product, with the same reason; without an id, with the same bytes.
create function catalog.is_same_record(p_first catalog.quarantine, p_second catalog.quarantine)
returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_first.external_id is not null or p_second.external_id is not null
    then (p_first.external_id, p_first.rule, catalog.read_fault(p_first.message))
      is not distinct from (p_second.external_id, p_second.rule, catalog.read_fault(p_second.message))
    else (p_first.byte_length, md5(p_first.raw)) = (p_second.byte_length, md5(p_second.raw)) end
$$;

-- review_records(source, run): opens and closes the reviews of records, after resolve_quarantine.
--   opened      a record that this run quarantined, and an earlier one too; at most 100 for each run
--   ignored     a record that a person has ignored before leaves quarantine at once
--   superseded  the record has left quarantine, or another review has the newer one
create function catalog.review_records(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.quarantine q set state = 'ignored', closed_run = p_run
    where q.source_id = p_source and q.run_id = p_run and q.state = 'open' and exists (
      select from catalog.quarantine i
      where i.source_id = p_source and i.state = 'ignored' and i.id < q.id and catalog.is_same_record(q, i));
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from catalog.quarantine q
    where r.source_id = p_source and r.kind = 'record' and r.state = 'open'
      and q.source_id = p_source and q.id = (r.detail ->> 'record')::bigint and q.state <> 'open';
  insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason, detail)
    select p_source, 'record', p_run, q.external_id, catalog.read_fault(q.message),
      jsonb_build_object('record', q.id, 'rule', q.rule)
    from catalog.quarantine q
    where q.source_id = p_source and q.run_id = p_run and q.state = 'open' and exists (
        select from catalog.quarantine b
        where b.source_id = p_source and b.closed_run = p_run and b.state = 'superseded'
          and catalog.is_same_record(q, b))
      and not exists (
        select from catalog.reviews r
        where r.source_id = p_source and r.kind = 'record' and r.state = 'open'
          and r.detail ->> 'record' = q.id::text)
    order by q.id limit 100;
end $$;

-- decide_record(review, approve, by): approved, the record stays in quarantine and every run tries it again.
-- Rejected, it is ignored, and so are later ones with the same fault.
create function catalog.decide_record(p_review catalog.reviews, p_approve boolean) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.quarantine set state = 'ignored'
    where not p_approve and source_id = p_review.source_id and id = (p_review.detail ->> 'record')::bigint
      and state = 'open'
$$;

-- describe_parsing(source, artifact_run) → `3 unreadable, 1 invalid, see quarantine`: the records of the
-- artifact that could not be applied, by rule; null without one.
create function catalog.describe_parsing(p_source integer, p_artifact_run bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select string_agg(format('%s %s', n, word), ', ' order by n desc, word) || ', see quarantine'
  from (
    select count(*) as n, replace(split_part(rule, '/', 2), '-', ' ') as word
    from catalog.quarantine
    where source_id = p_source and artifact_run = p_artifact_run and state <> 'replayed'
    group by 2
  ) rules
$$;
