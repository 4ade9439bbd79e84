-- Leases: which worker owns a run or one task of it. Workers may execute these functions and read no table.
-- Errors carry SQLSTATE SHELF, and the error code as their hint.

create function catalog.fail(code text, message text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'SHELF', hint = code, message = message;
end $$;

-- lock_run_shared(run) and lock_run_exclusive(run): whoever works in a run enters it for the length of a transaction; whoever ends it waits until all are out
-- and lets nobody in before. The lock of the run's row cannot do that: Postgres lets a new sharer pass an update that waits, so that batches
-- which overlap would keep it waiting without end. Who may write is still for the rows to say.
create function catalog.lock_run_shared(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock_shared(1936221287, (p_run % 2147483647)::integer)
$$;

create function catalog.lock_run_exclusive(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock(1936221287, (p_run % 2147483647)::integer)
$$;

-- raise_lease_error(…): fails with the reason why a worker may not go on.
--   run/cancelled  a person ended the run
--   run/fenced     the lease is another worker's, or nobody's
--   run/over       the lease is its own still, but the run has ended
create function catalog.raise_lease_error(p_run bigint, p_token bigint, p_state text, p_leased boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_state = 'cancelled' then
    perform catalog.fail('run/cancelled', format('Run %s was cancelled', p_run));
  elsif p_leased or p_state is null then
    perform catalog.fail('run/over', format('Run %s is over: it is %s', p_run, coalesce(p_state, 'gone')));
  else
    perform catalog.fail('run/fenced', format('Run %s is no longer held by this worker: another one took it over (token %s)', p_run, p_token));
  end if;
end $$;

-- assert_lease(source, run, token): inside a transaction, proves that the caller still owns the run, or its task of it.
--   fencing     both rows are share-locked, so a takeover waits for this transaction, and this one fails after a takeover;
--               a lease that ran out without a takeover harms nobody. A key share lock lets renewals pass
--   refusals    see raise_lease_error
create function catalog.assert_lease(p_source integer, p_run bigint, p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  perform catalog.lock_run_shared(p_run);
  select state into current_state from catalog.runs where source_id = p_source and id = p_run for share;
  perform from catalog.leases where source_id = p_source and run_id = p_run and token = p_token for key share;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.raise_lease_error(p_run, p_token, current_state, leased);
  end if;
  -- So that whoever takes over can find the session.
  perform pg_catalog.pg_advisory_xact_lock_shared(1936221286, (p_token % 2147483647)::integer);
end $$;

-- terminate_sessions(token): ends the sessions in which a holder whose lease is over still has a transaction open. It may have been cut off in the
-- middle of a COPY, behind a pooler that keeps the session alive: its locks would be waited for without end. Where the owner of this
-- function may not do that, the session's own time limits have to (src/db/pool.ts).
create function catalog.terminate_sessions(p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_catalog.pg_terminate_backend(l.pid) from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.classid = 1936221286 and l.objid = (p_token % 2147483647)::oid and l.objsubid = 2 and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database());
exception when insufficient_privilege then null;
end $$;

-- take_lease(…) → a new token, null while another worker's lease lasts, unless that worker is known to be dead; and who had the lease before
-- and never gave it back.
create function catalog.take_lease(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval, out token bigint, out previous_owner text
) language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  perform catalog.terminate_sessions(l.token) from catalog.leases l
    where l.source_id = p_source and l.run_id = p_run and l.task = p_task and (l.expires_at <= clock_timestamp() or l.owner = p_dead_owner);
  -- Waits for what the holder is writing just now. An upsert alone would not.
  select l.owner into previous_owner from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.task = p_task for update;
  insert into catalog.leases as l (source_id, run_id, task, token, owner, expires_at)
    values (p_source, p_run, p_task, nextval('catalog.tokens'), p_owner, clock_timestamp() + p_lease)
    on conflict (source_id, run_id, task) do update set token = excluded.token, owner = excluded.owner, expires_at = excluded.expires_at
      where l.expires_at <= clock_timestamp() or l.owner = p_dead_owner
    returning l.token into token;
end $$;

-- claim_task(…) → the token for one task of a queued run, and the worker that had it and never gave it back.
--   run/over    the run has ended, or a process has taken all of it over: there is nothing left to do in it
--   run/active  another worker does this task
create function catalog.claim_task(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval, out token bigint, out previous_owner text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.lock_run_shared(p_run);
  perform from catalog.runs where source_id = p_source and id = p_run and state = 'running' and queued for share;
  if not found then
    perform catalog.fail('run/over', format('Run %s is not waiting for workers any more', p_run));
  end if;
  select l.token, l.previous_owner into token, previous_owner from catalog.take_lease(p_source, p_run, p_task, p_owner, p_dead_owner, p_lease) l;
  if token is null then
    perform catalog.fail('run/active', format('Another worker holds "%s" of run %s', p_task, p_run));
  end if;
end $$;

create function catalog.find_lease_owner(p_source integer, p_run bigint, p_task text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select owner from catalog.leases where source_id = p_source and run_id = p_run and task = p_task
$$;

-- renew_lease(…): waits for nobody's batch. Refuses as raise_lease_error says.
create function catalog.renew_lease(p_source integer, p_run bigint, p_token bigint, p_lease interval) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  select state into current_state from catalog.runs where source_id = p_source and id = p_run;
  update catalog.leases set expires_at = clock_timestamp() + p_lease where source_id = p_source and run_id = p_run and token = p_token;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.raise_lease_error(p_run, p_token, current_state, leased);
  end if;
end $$;

-- release_task(…): the worker is done with its task, well or not; the next may take it at once.
create function catalog.release_task(p_source integer, p_run bigint, p_token bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.leases where source_id = p_source and run_id = p_run and token = p_token
$$;
