-- Generated from supabase/schemas/45_record_reviews.sql until the first release: do not edit.

-- Reviews of quarantined records, and what quarantine says about an artifact. A record that one run could not
-- apply is often corrected by the next one; a record that two runs could not apply waits for a person.

-- read_fault(message) → the reason without the place before it, see src/pipeline/apply/quarantine.ts.
create function catalog.read_fault(p_message text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select regexp_replace(p_message, '^\S+, run \d+, part \d+, line \d+, byte \d+: ', '')
$$;

-- identify_record(record) → what quarantined records have in common if they are one record of the supplier
-- with one fault: the product and the reason; without an id, the bytes.
create function catalog.identify_record(p_record catalog.quarantine) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_record.external_id is null
    then jsonb_build_array(p_record.byte_length, md5(p_record.raw))
    else jsonb_build_array(p_record.external_id, p_record.rule, catalog.read_fault(p_record.message)) end
$$;

-- review_records(source, run): opens and closes the reviews of records, after resolve_quarantine.
--   opened      a record that this run quarantined, and an earlier one too; at most 100 for each run
--   ignored     a record that a person has ignored before leaves quarantine at once
--   superseded  the record has left quarantine, or another review has the newer one
create function catalog.review_records(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_nestloop = off as $$
begin
  -- Materialized and hashed: each record is read once, and a run may quarantine thousands.
  with found as materialized (
    select q.id, catalog.identify_record(q) as identity from catalog.quarantine q
    where q.source_id = p_source and q.run_id = p_run and q.state = 'open'
  ), ignored as materialized (
    select catalog.identify_record(i) as identity, min(i.id) as id from catalog.quarantine i
    where i.source_id = p_source and i.state = 'ignored' group by 1
  )
  update catalog.quarantine q set state = 'ignored', closed_run = p_run
    from found f join ignored i on i.identity = f.identity and i.id < f.id
    where q.source_id = p_source and q.id = f.id;
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from catalog.quarantine q
    where r.source_id = p_source and r.kind = 'record' and r.state = 'open'
      and q.source_id = p_source and q.id = (r.detail ->> 'record')::bigint and q.state <> 'open';
  with found as materialized (
    select q.id, q.external_id, q.rule, q.message, catalog.identify_record(q) as identity
    from catalog.quarantine q
    where q.source_id = p_source and q.run_id = p_run and q.state = 'open'
  ), earlier as materialized (
    select catalog.identify_record(b) as identity from catalog.quarantine b
    where b.source_id = p_source and b.closed_run = p_run and b.state = 'superseded'
  )
  insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason, detail)
    select p_source, 'record', p_run, f.external_id, catalog.read_fault(f.message),
      jsonb_build_object('record', f.id, 'rule', f.rule)
    from found f
    where f.identity in (select identity from earlier) and not exists (
        select from catalog.reviews r
        where r.source_id = p_source and r.kind = 'record' and r.state = 'open'
          and r.detail ->> 'record' = f.id::text)
    order by f.id limit 100;
end $$;

-- decide_record(review, approve): approved, the record stays in quarantine and every run tries it again.
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
