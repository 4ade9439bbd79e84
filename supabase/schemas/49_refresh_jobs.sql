-- The state of refreshes, by triggers on the rows of their runs: every way in which a run starts and ends is
-- recorded, for every worker.

-- is_skipped(code) → whether an error means that no request was sent: SKIPPING in src/core/refreshing.ts.
create function catalog.is_skipped(p_code text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_code in ('source/circuit-open', 'source/rate-limited')
$$;

-- open_refresh_jobs(run): the jobs of a refresh that starts, one for each product. Jobs that are older than
-- seven days are removed.
create function catalog.open_refresh_jobs(p_run catalog.runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  delete from catalog.refresh_jobs
    where source_id = p_run.source_id and created_at < p_run.started_at - interval '7 days';
  -- A product without a time was due at the start: least() ignores null.
  insert into catalog.refresh_jobs (source_id, run_id, product_external_id, scheduled_at, created_at)
    select p_run.source_id, p_run.id, k, least(r.due_at, p_run.started_at), p_run.started_at
    from unnest(p_run.keys) k
    left join catalog.product_reads r on r.source_id = p_run.source_id and r.external_id = k
    on conflict do nothing
$$;

-- reopen_refresh_jobs(run): a refresh is resumed; what has not succeeded is tried again.
create function catalog.reopen_refresh_jobs(p_run catalog.runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.refresh_jobs
    set status = 'pending', completed_at = null, error_code = null, error_message = null
    where source_id = p_run.source_id and run_id = p_run.id and status in ('failed', 'skipped')
$$;

-- end_refresh_jobs(run): a refresh ended without settling. A later run requests its products again.
create function catalog.end_refresh_jobs(p_run catalog.runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.refresh_jobs
    set status = case when catalog.is_skipped(coalesce(error_code, p_run.error_code)) then 'skipped'
        else 'failed' end,
      completed_at = p_run.finished_at, error_code = coalesce(error_code, p_run.error_code),
      error_message = coalesce(error_message, p_run.reason),
      circuit_breaker_state = case coalesce(error_code, p_run.error_code)
        when 'source/circuit-open' then 'open' else 'closed' end
    where source_id = p_run.source_id and run_id = p_run.id and status in ('pending', 'running')
$$;

-- settle_refresh_jobs(run): the products that the run saw have succeeded. Those without a line, and those
-- whose record is in quarantine, have failed; when an open circuit breaker or a quota ended the fetch, those
-- that were not requested are skipped. Records the reads of an import as well.
create function catalog.settle_refresh_jobs(p_run catalog.runs) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  broken text[] := array(
    select q.external_id from catalog.quarantine q
    where q.source_id = p_run.source_id and q.run_id = p_run.id and q.external_id is not null);
  read text[] := array(
    select p.external_id from catalog.products p
    where p.source_id = p_run.source_id and p.external_id = any (p_run.keys)
      and p.external_id <> all (broken)
      and case when p.seq < 8 * length(p_run.seen) then get_bit(p_run.seen, p.seq) = 1 else false end);
  unread text[];
  stopped catalog.artifacts := (
    select a from catalog.artifacts a
    where a.source_id = p_run.source_id and a.run_id = p_run.artifact_run
      and catalog.is_skipped(a.error_code));
begin
  if not p_run.options ? 'call' then
    perform catalog.record_reads(p_run.source_id, read,
      catalog.load_requested_at(p_run.source_id, p_run.artifact_run, null));
  end if;
  update catalog.refresh_jobs
    set status = 'success', completed_at = p_run.finished_at, error_code = null, error_message = null,
      circuit_breaker_state = 'closed'
    where source_id = p_run.source_id and run_id = p_run.id and product_external_id = any (read);
  update catalog.refresh_jobs
    set status = case when product_external_id <> all (broken)
        and catalog.is_skipped(coalesce(error_code, stopped.error_code)) then 'skipped' else 'failed' end,
      completed_at = p_run.finished_at,
      circuit_breaker_state = coalesce(circuit_breaker_state,
        case stopped.error_code when 'source/circuit-open' then 'open' else 'closed' end),
      error_code = case when product_external_id = any (broken) then 'record/invalid'
        else coalesce(error_code, stopped.error_code) end,
      error_message = case when product_external_id = any (broken) then 'the record is in quarantine'
        else coalesce(error_message, stopped.warnings ->> -1, 'the supplier sent nothing about it') end
    where source_id = p_run.source_id and run_id = p_run.id and status in ('pending', 'running');
  unread := array(
    select product_external_id from catalog.refresh_jobs
    where source_id = p_run.source_id and run_id = p_run.id and status = 'failed');
  perform catalog.record_failed_reads(p_run.source_id, unread);
end $$;

-- record_retries(source, run, products, error): the request for these products of a refresh has failed; does
-- nothing for another run. A later attempt may succeed.
--   p_error     {retries, code, message, breaker}
create function catalog.record_retries(
  p_source integer, p_run bigint, p_products text[], p_error jsonb
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.refresh_jobs
    set retry_count = (p_error ->> 'retries')::integer, error_code = p_error ->> 'code',
      error_message = p_error ->> 'message', circuit_breaker_state = p_error ->> 'breaker'
    where source_id = p_source and run_id = p_run and product_external_id = any (p_products)
      and status in ('pending', 'running')
$$;

-- track_refresh(): a trigger that records the start and the end of keyed runs in refresh_jobs and
-- product_reads.
create function catalog.track_refresh() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform catalog.open_refresh_jobs(new);
  elsif new.state = 'running' then
    perform catalog.reopen_refresh_jobs(new);
  elsif new.state in ('succeeded', 'held') then
    perform catalog.settle_refresh_jobs(new);
  else
    perform catalog.end_refresh_jobs(new);
  end if;
  return null;
end $$;

create trigger open_refresh_jobs after insert on catalog.runs for each row
  when (new.kind = 'refresh') execute function catalog.track_refresh();
create trigger track_refresh after update of state on catalog.runs for each row
  when (new.keys is not null and old.state is distinct from new.state
    and old.state in ('running', 'interrupted', 'fetched', 'failed'))
  execute function catalog.track_refresh();

-- begin_refresh_jobs(): a trigger that records that a worker has taken a refresh.
create function catalog.begin_refresh_jobs() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.refresh_jobs
    set status = 'running', started_at = coalesce(started_at, clock_timestamp())
    where source_id = new.source_id and run_id = new.run_id and status = 'pending';
  return null;
end $$;

create trigger begin_refresh_jobs after insert or update of token on catalog.leases for each row
  when (new.task in ('run', 'fetch')) execute function catalog.begin_refresh_jobs();
