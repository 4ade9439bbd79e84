-- Requests to suppliers: limits and circuit breakers that hold across all workers of this database. Their
-- times are those of the server's clock. The rules come from the callers: src/core/limits.ts and
-- src/core/breaker.ts.

-- A bucket of requests, by the generic cell rate algorithm (GCRA, ITU-T I.371).
create table catalog.limits (
  scope   text not null,                  -- `host`, or a connector
  key     text not null,
  -- The theoretical arrival time: from then on, a request comes after a pause.
  next_at timestamptz not null,
  primary key (scope, key)
) with (fillfactor = 50);

-- A request in progress, where the number of requests at the same time is limited.
create table catalog.limit_holders (
  scope      text not null,
  key        text not null,
  holder     text not null,
  owner      text not null,               -- the process
  expires_at timestamptz not null,
  primary key (scope, key, holder)
);

create table catalog.circuit_breakers (
  scope       text not null,
  key         text not null,
  version     bigint not null,
  state       text not null check (state in ('closed', 'open', 'half-open')),
  failed_at   timestamptz[] not null,     -- the newest failures, oldest first
  opened_at   timestamptz,                -- since when it is not closed
  retry_at    timestamptz,                -- of the next probe, or the time limit of the present one
  cooldown_ms double precision not null,
  reason      text,                       -- of the last failure
  changed_at  timestamptz not null,
  primary key (scope, key),
  check ((state = 'closed') = (opened_at is null) and (state = 'closed') = (retry_at is null))
);

-- to_ms(instant) → epoch milliseconds.
create function catalog.to_ms(p_at timestamptz) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from p_at)::double precision * 1000
$$;

-- enter_limit(scope, key, interval, burst, concurrency, max_wait, holder, owner, dead_owner, hold)
--     → (entered, wait_ms, blocked_by): reserves the turn of one request. All times are milliseconds.
--   entered     true: the request may be sent after `wait_ms`. False: nothing is reserved, because the wait
--               would exceed `p_max_wait`, or because `p_concurrency` requests are in progress
--   blocked_by  the process of a request in progress, if these are the reason
--   ordering    one caller after the other, by the lock of the bucket's row; a turn that is not used is lost
--   durable     not at once: a crash of the server may forget the turns of the last moment
create function catalog.enter_limit(
  p_scope text, p_key text, p_interval double precision, p_burst integer, p_concurrency integer,
  p_max_wait double precision, p_holder text, p_owner text, p_dead_owner text, p_hold double precision
) returns table (entered boolean, wait_ms double precision, blocked_by text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  step constant interval := make_interval(secs => p_interval / 1000);
  arrival timestamptz;
  present timestamptz;
begin
  perform set_config('synchronous_commit', 'off', true);
  insert into catalog.limits (scope, key, next_at) values (p_scope, p_key, clock_timestamp())
    on conflict do nothing;
  select next_at into arrival from catalog.limits where scope = p_scope and key = p_key for update;
  present := clock_timestamp();
  if p_concurrency is not null then
    delete from catalog.limit_holders h
      where h.scope = p_scope and h.key = p_key and (h.expires_at <= present or h.owner = p_dead_owner);
    select h.owner into blocked_by from catalog.limit_holders h
      where h.scope = p_scope and h.key = p_key
      order by h.expires_at desc offset p_concurrency - 1 limit 1;
  end if;
  wait_ms := greatest(catalog.to_ms(arrival - (p_burst - 1) * step) - catalog.to_ms(present), 0);
  entered := blocked_by is null and wait_ms <= p_max_wait;
  return next;
  if not entered then return; end if;
  if p_interval > 0 then
    update catalog.limits set next_at = greatest(arrival, present) + step
      where scope = p_scope and key = p_key;
  end if;
  if p_concurrency is not null then
    insert into catalog.limit_holders (scope, key, holder, owner, expires_at)
      values (p_scope, p_key, p_holder, p_owner, present + make_interval(secs => (wait_ms + p_hold) / 1000));
  end if;
end $$;

-- hold_limit(scope, key, holder, hold): the request in progress counts for `p_hold` ms from now.
create function catalog.hold_limit(p_scope text, p_key text, p_holder text, p_hold double precision)
returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.limit_holders set expires_at = clock_timestamp() + make_interval(secs => p_hold / 1000)
    where scope = p_scope and key = p_key and holder = p_holder
$$;

-- leave_limit(scope, key, holder): the request has ended.
--   idempotent  a holder that is not there changes nothing
create function catalog.leave_limit(p_scope text, p_key text, p_holder text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select set_config('synchronous_commit', 'off', true);
  delete from catalog.limit_holders where scope = p_scope and key = p_key and holder = p_holder
$$;

-- delay_limit(scope, key, interval, burst, delay): no request for `p_delay` ms, as the supplier demands.
create function catalog.delay_limit(
  p_scope text, p_key text, p_interval double precision, p_burst integer, p_delay double precision
) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into catalog.limits as l (scope, key, next_at)
    values (p_scope, p_key,
      clock_timestamp() + make_interval(secs => (p_delay + (p_burst - 1) * p_interval) / 1000))
    on conflict (scope, key) do update set next_at = greatest(l.next_at, excluded.next_at)
$$;

-- load_breaker(scope, key) → (version, state, failed_at_ms, opened_at_ms, retry_at_ms, cooldown_ms, now_ms)
--   version     0 and a closed state if no request has ever failed
create function catalog.load_breaker(p_scope text, p_key text) returns table (
  version bigint, state text, failed_at_ms double precision[], opened_at_ms double precision,
  retry_at_ms double precision, cooldown_ms double precision, now_ms double precision)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(b.version, 0), coalesce(b.state, 'closed'),
    array(select catalog.to_ms(f) from unnest(b.failed_at) with ordinality u (f, n) order by n),
    catalog.to_ms(b.opened_at), catalog.to_ms(b.retry_at), coalesce(b.cooldown_ms, 0),
    catalog.to_ms(clock_timestamp())
  from (values (1)) one left join catalog.circuit_breakers b on b.scope = p_scope and b.key = p_key
$$;

-- save_breaker(scope, key, version, state, reason) → true if the row still had `p_version` and is replaced.
--   state       an object with the members of load_breaker
create function catalog.save_breaker(
  p_scope text, p_key text, p_version bigint, p_state jsonb, p_reason text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into catalog.circuit_breakers as b (
      scope, key, version, state, failed_at, opened_at, retry_at, cooldown_ms, reason, changed_at)
    select p_scope, p_key, p_version + 1, p_state ->> 'state',
      array(select to_timestamp(f::double precision / 1000)
        from jsonb_array_elements_text(p_state -> 'failed_at_ms') with ordinality u (f, n) order by n),
      to_timestamp((p_state ->> 'opened_at_ms')::double precision / 1000),
      to_timestamp((p_state ->> 'retry_at_ms')::double precision / 1000),
      (p_state ->> 'cooldown_ms')::double precision, p_reason, clock_timestamp()
    where p_version = 0 or exists (
      select from catalog.circuit_breakers where scope = p_scope and key = p_key)
    on conflict (scope, key) do update
      set version = excluded.version, state = excluded.state, failed_at = excluded.failed_at,
        opened_at = excluded.opened_at, retry_at = excluded.retry_at, cooldown_ms = excluded.cooldown_ms,
        reason = coalesce(excluded.reason, b.reason), changed_at = excluded.changed_at
      where b.version = p_version;
  return found;
end $$;
