-- Leases: the worker that owns a run, or one task of it. Workers may execute these functions and read no
-- table.

-- fail(code, message): raises a named error.
--   errors      SQLSTATE SHELF; the hint is a code of src/core/error-table.ts
create function catalog.fail(code text, message text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'SHELF', hint = code, message = message;
end $$;

-- advisory_key(id) → the second number of an advisory lock, for a run's id or a lease's token.
create function catalog.advisory_key(p_id bigint) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select (p_id % 2147483647)::integer
$$;

-- lock_run_shared(run): taken for the length of a transaction by every worker that writes to the run.
--   ordering    a caller waits while another transaction ends the run; workers do not wait for each other
create function catalog.lock_run_shared(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock_shared(catalog.run_lock_class(), catalog.advisory_key(p_run))
$$;

-- lock_run_exclusive(run): taken by a transaction that ends the run. It waits until the transactions of all
-- workers have ended and lets no new one in. The lock of the run's row cannot do that: Postgres lets a new
-- sharer pass an update that waits, so overlapping batches would keep the update waiting forever. The lock
-- alone does not permit a write: the caller also checks the rows.
create function catalog.lock_run_exclusive(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock(catalog.run_lock_class(), catalog.advisory_key(p_run))
$$;

-- raise_lease_error(run, token, state, leased): fails with the reason why a worker has to stop.
--   state       of the run; null if it does not exist
--   leased      the token belongs to a lease
--   errors      run/cancelled (a person ended the run) · run/fenced (another worker has the lease, or it was
--               released) · run/over (the worker has the lease, but the run has ended)
create function catalog.raise_lease_error(p_run bigint, p_token bigint, p_state text, p_leased boolean)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_state = 'cancelled' then
    perform catalog.fail('run/cancelled', format('Run %s was cancelled', p_run));
  elsif p_leased or p_state is null then
    perform catalog.fail('run/over', format('Run %s is over: it is %s', p_run, coalesce(p_state, 'gone')));
  else
    perform catalog.fail('run/fenced',
      format('Run %s is no longer leased to this worker (token %s): another one took it over', p_run,
      p_token));
  end if;
end $$;

-- assert_lease(source, run, token): proves, inside a transaction, that the caller owns the run or one task of
-- it.
--   fencing     both rows are share-locked: a takeover waits for this transaction, and after a takeover this
--               fails. A lease that expired without a takeover still counts. A key share lock lets renewals
--               pass
--   errors      see raise_lease_error
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
  -- Marks this session as the token's, for terminate_sessions.
  perform pg_catalog.pg_advisory_xact_lock_shared(catalog.token_lock_class(), catalog.advisory_key(p_token));
end $$;

-- terminate_sessions(token): ends the sessions in which the worker of an expired lease has a transaction
-- open. Such a worker may have been cut off in the middle of a COPY, behind a pooler that keeps the session
-- alive, and its locks would never be released. Does nothing where the owner of this function may not
-- terminate sessions: there the time limits of the session apply (src/db/pool.ts).
create function catalog.terminate_sessions(p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_catalog.pg_terminate_backend(l.pid)
    from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.classid = catalog.token_lock_class()::oid
      and l.objid = catalog.advisory_key(p_token)::oid and l.objsubid = 2 and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database());
exception when insufficient_privilege then null;
end $$;

-- take_lease(source, run, task, owner, dead_owner, duration) → (token, previous_owner)
--   token            new; null while another worker's lease lasts, unless that worker is `p_dead_owner`
--   previous_owner   the worker that had the lease and did not release it
--   ordering         waits for the transaction that the previous owner has open; never while its lease lasts
create function catalog.take_lease(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval,
  out token bigint, out previous_owner text
) language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if exists (
      select from catalog.leases l
      where l.source_id = p_source and l.run_id = p_run and l.task = p_task
        and l.expires_at > clock_timestamp() and l.owner is distinct from p_dead_owner) then
    return;
  end if;
  perform catalog.terminate_sessions(l.token)
    from catalog.leases l
    where l.source_id = p_source and l.run_id = p_run and l.task = p_task
      and (l.expires_at <= clock_timestamp() or l.owner = p_dead_owner);
  -- Waits for the owner's open transaction, which an upsert alone would not do.
  select l.owner into previous_owner
    from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.task = p_task for update;
  insert into catalog.leases as l (source_id, run_id, task, token, owner, expires_at)
    values (p_source, p_run, p_task, nextval('catalog.tokens'), p_owner, clock_timestamp() + p_lease)
    on conflict (source_id, run_id, task) do update
      set token = excluded.token, owner = excluded.owner, expires_at = excluded.expires_at
      where l.expires_at <= clock_timestamp() or l.owner = p_dead_owner
    returning l.token into token;
end $$;

-- claim_task(source, run, task, owner, dead_owner, duration) → (token, previous_owner), as take_lease
--   recorded    as an event of the run
--   errors      run/over (the run has ended, or one process has taken all of it over) · run/active (another
--               worker has this task)
create function catalog.claim_task(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval,
  out token bigint, out previous_owner text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.lock_run_shared(p_run);
  perform from catalog.runs
    where source_id = p_source and id = p_run and state = 'running' and queued for share;
  if not found then
    perform catalog.fail('run/over', format('Run %s no longer waits for workers', p_run));
  end if;
  select l.token, l.previous_owner into token, previous_owner
    from catalog.take_lease(p_source, p_run, p_task, p_owner, p_dead_owner, p_lease) l;
  if token is null then
    perform catalog.fail('run/active',
      format('Another worker has the lease of "%s" of run %s', p_task, p_run));
  end if;
  insert into catalog.run_events (source_id, run_id, event, task, worker, detail)
    values (p_source, p_run, 'claimed', p_task, p_owner,
      jsonb_strip_nulls(jsonb_build_object('from', previous_owner)));
end $$;

-- find_lease_owner(source, run, task) → the owner, also of an expired lease; null without a lease.
create function catalog.find_lease_owner(p_source integer, p_run bigint, p_task text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select owner from catalog.leases where source_id = p_source and run_id = p_run and task = p_task
$$;

-- renew_lease(source, run, token, duration): the lease expires `p_lease` from now.
--   ordering    never waits for a batch
--   errors      see raise_lease_error
create function catalog.renew_lease(p_source integer, p_run bigint, p_token bigint, p_lease interval)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  select state into current_state from catalog.runs where source_id = p_source and id = p_run;
  update catalog.leases set expires_at = clock_timestamp() + p_lease
    where source_id = p_source and run_id = p_run and token = p_token;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.raise_lease_error(p_run, p_token, current_state, leased);
  end if;
end $$;

-- release_task(source, run, token): deletes the lease, so that another worker may claim the task at once.
--   idempotent  a token that belongs to no lease changes nothing
create function catalog.release_task(p_source integer, p_run bigint, p_token bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.leases where source_id = p_source and run_id = p_run and token = p_token
$$;

-- record_resumption(run): records that the run, which stopped or whose worker died, is running again. The
-- reason is kept unless it may quote content whose licence ends.
create function catalog.record_resumption(p_run catalog.runs) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into catalog.run_events (source_id, run_id, event, detail)
    values (p_run.source_id, p_run.id, 'resumed', jsonb_strip_nulls(jsonb_build_object(
      'state', p_run.state, 'code', p_run.error_code, 'stopped_at', p_run.finished_at,
      'reason', case when catalog.expires_after(p_run.source_id) is null then p_run.reason end)));
end $$;
