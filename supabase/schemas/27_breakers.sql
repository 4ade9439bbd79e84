-- Circuit breakers, which all workers of this database share, and the state of limits and breakers for a
-- person. The rules of the transitions come from the callers: src/core/breaker.ts.

create table catalog.circuit_breakers (
  scope       text not null,
  key         text not null,
  version     bigint not null,
  state       text not null check (state in ('closed', 'open', 'half-open')),
  failed_at   timestamptz[] not null,     -- the newest failures, oldest first
  failures    integer not null,           -- in a row, failed probes included
  opened_at   timestamptz,                -- since when it is not closed
  retry_at    timestamptz,                -- of the next probe, or the time limit of the present one
  cooldown_ms double precision not null,
  reason      text,                       -- of the last failure
  changed_at  timestamptz not null,
  primary key (scope, key),
  check ((state = 'closed') = (opened_at is null) and (state = 'closed') = (retry_at is null))
);
create index circuit_breakers_open on catalog.circuit_breakers (opened_at) where state <> 'closed';

-- load_breaker(scope, key) → (version, state, failed_at_ms, opened_at_ms, retry_at_ms, cooldown_ms, now_ms)
--   version     0 and a closed state if no request has ever failed
create function catalog.load_breaker(p_scope text, p_key text) returns table (
  version bigint, state text, failed_at_ms double precision[], failures integer,
  opened_at_ms double precision, retry_at_ms double precision, cooldown_ms double precision,
  now_ms double precision)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(b.version, 0), coalesce(b.state, 'closed'),
    array(select catalog.to_ms(f) from unnest(b.failed_at) with ordinality u (f, n) order by n),
    coalesce(b.failures, 0), catalog.to_ms(b.opened_at), catalog.to_ms(b.retry_at),
    coalesce(b.cooldown_ms, 0),
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
      scope, key, version, state, failed_at, failures, opened_at, retry_at, cooldown_ms, reason, changed_at)
    select p_scope, p_key, p_version + 1, p_state ->> 'state',
      array(select to_timestamp(f::double precision / 1000)
        from jsonb_array_elements_text(p_state -> 'failed_at_ms') with ordinality u (f, n) order by n),
      (p_state ->> 'failures')::integer,
      to_timestamp((p_state ->> 'opened_at_ms')::double precision / 1000),
      to_timestamp((p_state ->> 'retry_at_ms')::double precision / 1000),
      (p_state ->> 'cooldown_ms')::double precision, p_reason, clock_timestamp()
    where p_version = 0 or exists (
      select from catalog.circuit_breakers where scope = p_scope and key = p_key)
    on conflict (scope, key) do update
      set version = excluded.version, state = excluded.state, failed_at = excluded.failed_at,
        failures = excluded.failures,
        opened_at = excluded.opened_at, retry_at = excluded.retry_at, cooldown_ms = excluded.cooldown_ms,
        reason = coalesce(excluded.reason, b.reason), changed_at = excluded.changed_at
      where b.version = p_version;
  return found;
end $$;

-- list_breakers() → the circuit breakers that are not closed, the oldest first.
create function catalog.list_breakers() returns table (
  scope text, key text, state text, failures integer, opened_at timestamptz, retry_at timestamptz, reason text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select b.scope, b.key, b.state, b.failures, b.opened_at, b.retry_at, b.reason
  from catalog.circuit_breakers b where b.state <> 'closed' order by b.opened_at, b.scope, b.key
$$;

-- list_limits() → the limits and the circuit breakers that affect requests now, those of closed breakers
-- last.
--   failures    in a row; of a closed breaker, those of the last ten minutes
--   next_at     the next request waits until then: for the rate, Retry-After, or the breaker's next probe
--   in_progress requests at this moment
--   used        requests of this day in UTC, where the limit has a daily quota
create function catalog.list_limits() returns table (
  scope text, key text, state text, failures integer, opened_at timestamptz, reason text,
  next_at timestamptz, in_progress bigint, used integer
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select scope, key, coalesce(b.state, 'closed'), coalesce(b.failures, 0), b.opened_at, b.reason,
    greatest(l.next_at, b.retry_at), coalesce(h.holders, 0),
    case when l.day = catalog.to_day(clock_timestamp()) then l.used else 0 end
  from catalog.limits l
  full join (
    select * from catalog.circuit_breakers
    where state <> 'closed' or failures > 0 and changed_at > clock_timestamp() - interval '10 minutes'
  ) b using (scope, key)
  left join (
    select scope, key, count(*) as holders from catalog.limit_holders
    where expires_at > clock_timestamp() group by scope, key
  ) h using (scope, key)
  where b.state is not null or h.holders > 0 or l.next_at > clock_timestamp() + interval '5 seconds'
    or l.day = catalog.to_day(clock_timestamp())
  order by b.state is null or b.state = 'closed', b.opened_at, scope, key
$$;

-- reset_limit(scope, key) → whether there was one. Its breaker is closed, and its next request waits for
-- nothing but the requests in progress. The quota of the day stays used.
create function catalog.reset_limit(p_scope text, p_key text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  is_known boolean;
begin
  update catalog.limits set next_at = clock_timestamp() where scope = p_scope and key = p_key;
  is_known := found;
  update catalog.circuit_breakers
    set version = version + 1, state = 'closed', failed_at = '{}', failures = 0, opened_at = null,
        retry_at = null, cooldown_ms = 0, changed_at = clock_timestamp()
    where scope = p_scope and key = p_key;
  return is_known or found;
end $$;
