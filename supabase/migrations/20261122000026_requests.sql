-- Generated from supabase/schemas/26_requests.sql until the first release: do not edit.

-- Requests to suppliers: limits that hold across all workers of this database. Their times are those of the
-- server's clock. The rules come from the callers: src/core/limits.ts.

-- A bucket of requests, by the generic cell rate algorithm (GCRA, ITU-T I.371), and its daily quota.
create table catalog.limits (
  scope   text not null,                  -- `host`, or a connector
  key     text not null,
  -- The theoretical arrival time: from then on, a request comes after a pause.
  next_at timestamptz not null,
  -- The day in UTC, and its requests so far. Counted only with a daily quota.
  day     date,
  used    integer not null default 0,
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

-- to_ms(instant) → epoch milliseconds.
create function catalog.to_ms(p_at timestamptz) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select extract(epoch from p_at)::double precision * 1000
$$;

-- to_day(instant) → the day in UTC.
create function catalog.to_day(p_at timestamptz) returns date
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select (p_at at time zone 'UTC')::date
$$;

-- enter_limit(limit, max_wait, holder, owner, dead_owner, hold) → (entered, wait_ms, blocked_by, now_ms):
--     reserves the turn of one request. All times are milliseconds.
--   p_limit     {scope, key, interval, burst, concurrency, per_day}; null concurrency and per_day: any number
--   entered     true: the request may be sent after `wait_ms`. False: nothing is reserved, because the wait
--               would exceed `p_max_wait`, because the quota of the day is used up, or because `concurrency`
--               requests are in progress
--   wait_ms     without a quota left: until the next day in UTC
--   blocked_by  the process of a request in progress, if these are the reason
--   p_now       the time, where it is simulated
--   quota       a request counts for the day of its turn
--   ordering    one caller after the other, by the lock of the bucket's row; a turn that is not used is lost
--   durable     not at once: a crash of the server may forget the turns of the last moment
create function catalog.enter_limit(
  p_limit jsonb, p_max_wait double precision, p_holder text, p_owner text, p_dead_owner text,
  p_hold double precision, p_now timestamptz default null
) returns table (entered boolean, wait_ms double precision, blocked_by text, now_ms double precision)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  l_scope constant text := p_limit ->> 'scope';
  l_key constant text := p_limit ->> 'key';
  step constant interval := make_interval(secs => (p_limit ->> 'interval')::double precision / 1000);
  burst constant integer := p_limit ->> 'burst';
  concurrency constant integer := p_limit ->> 'concurrency';
  per_day constant integer := p_limit ->> 'per_day';
  bucket catalog.limits;
  present timestamptz;
  turn_day date;
begin
  select * into bucket from catalog.limits l where l.scope = l_scope and l.key = l_key for update;
  if not found then
    insert into catalog.limits (scope, key, next_at)
      values (l_scope, l_key, coalesce(p_now, clock_timestamp())) on conflict do nothing;
    select * into bucket from catalog.limits l where l.scope = l_scope and l.key = l_key for update;
  end if;
  present := coalesce(p_now, clock_timestamp());
  now_ms := catalog.to_ms(present);
  if concurrency is not null then
    delete from catalog.limit_holders h
      where h.scope = l_scope and h.key = l_key and (h.expires_at <= present or h.owner = p_dead_owner);
    select h.owner into blocked_by from catalog.limit_holders h
      where h.scope = l_scope and h.key = l_key
      order by h.expires_at desc offset concurrency - 1 limit 1;
  end if;
  wait_ms := greatest(catalog.to_ms(bucket.next_at - (burst - 1) * step) - now_ms, 0);
  turn_day := catalog.to_day(present + make_interval(secs => wait_ms / 1000));
  bucket.used := case when bucket.day = turn_day then bucket.used else 0 end;
  entered := blocked_by is null and wait_ms <= p_max_wait;
  if bucket.used >= per_day then
    entered := false;
    wait_ms := catalog.to_ms((turn_day + 1)::timestamp at time zone 'UTC') - now_ms;
  end if;
  if entered then
    update catalog.limits l
      set next_at = greatest(bucket.next_at, present) + step,
        day = case when per_day is not null then turn_day end,
        used = case when per_day is not null then bucket.used + 1 else 0 end
      where l.scope = l_scope and l.key = l_key and (step > interval '0' or per_day is not null);
    insert into catalog.limit_holders (scope, key, holder, owner, expires_at)
      select l_scope, l_key, p_holder, p_owner, present + make_interval(secs => (wait_ms + p_hold) / 1000)
      where concurrency is not null;
  end if;
  return next;
end $$;

-- admit_request(scope, key, limits, max_wait, holder, owner, dead_owner, hold) → one round trip: the circuit
--     breaker as load_breaker, then the result of the limits.
--   scope, key  of the breaker; null without one. Unless it is closed, no limit is entered
--   limits      an array of limits, entered in order until the request has to wait or is refused
--   entered     the number of limits that were entered. If `wait_ms` is positive, the request waits for the
--               last of them before it enters the others; else all were entered, or `refused`
--   refused     the next limit was not entered: see enter_limit
create function catalog.admit_request(
  p_scope text, p_key text, p_limits jsonb, p_max_wait double precision, p_holder text, p_owner text,
  p_dead_owner text, p_hold double precision
) returns table (
  version bigint, state text, failed_at_ms double precision[], failures integer,
  opened_at_ms double precision, retry_at_ms double precision, cooldown_ms double precision,
  now_ms double precision,
  entered integer, refused boolean, wait_ms double precision, blocked_by text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  breaker record;
  entry record;
  count integer := 0;
begin
  perform set_config('synchronous_commit', 'off', true);
  select * into breaker from catalog.load_breaker(p_scope, p_key);
  select null::boolean as entered, 0::double precision as wait_ms, null::text as blocked_by,
    breaker.now_ms into entry;
  if breaker.state = 'closed' then
    for n in 0 .. jsonb_array_length(p_limits) - 1 loop
      select * into entry
        from catalog.enter_limit(p_limits -> n, p_max_wait, p_holder, p_owner, p_dead_owner, p_hold);
      exit when not entry.entered;
      count := count + 1;
      exit when entry.wait_ms > 0;
    end loop;
  end if;
  return query select breaker.version, breaker.state, breaker.failed_at_ms, breaker.failures,
    breaker.opened_at_ms, breaker.retry_at_ms, breaker.cooldown_ms, entry.now_ms, count,
    coalesce(not entry.entered, false), entry.wait_ms, entry.blocked_by;
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
