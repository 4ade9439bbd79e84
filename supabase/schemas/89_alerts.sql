-- Alerts: what is wrong, who knows, and which messages were sent. Every process beats; one of them has the
-- lease, judges the state of the system and sends. src/alerts has the rules.

-- A cause and its time. While it is not closed, a cause has one row.
create table catalog.alerts (
  id              bigint generated always as identity primary key,
  kind            text not null,
  subject         text not null,               -- a source, a supplier's host, or `all`
  source          text,                        -- name of the source; null if it belongs to none
  run             bigint,
  -- pending: not for long enough yet; closed: the cause has ended.
  state           text not null check (state in ('pending', 'open', 'closed')),
  reason          text not null,
  since           timestamptz not null,
  opened_at       timestamptz,
  absent_since    timestamptz,                 -- the cause is absent, but not for long enough to close
  closed_at       timestamptz,
  acknowledged_by text,
  acknowledged_at timestamptz,
  muted_until     timestamptz,
  muted_by        text,
  check ((state = 'closed') = (closed_at is not null))
);
create unique index alerts_current on catalog.alerts (kind, subject) where state <> 'closed';
create index alerts_newest on catalog.alerts (id desc) where state = 'closed' and opened_at is not null;
create index alerts_subject on catalog.alerts (kind, subject, id);

-- Messages that were sent about an alert.
create table catalog.alert_notices (
  alert_id        bigint not null references catalog.alerts (id) on delete cascade,
  channel         text not null,
  event           text not null check (event in ('opened', 'recovered')),
  sent_at         timestamptz not null default clock_timestamp(),
  primary key (alert_id, channel, event)
);

-- Slack and Sentry, as the processes use them.
create table catalog.alert_channels (
  channel         text primary key,
  last_sent_at    timestamptz,
  messages        bigint not null default 0,   -- that were accepted
  failures        integer not null default 0,  -- in a row
  error           text,                        -- of the last attempt
  retry_at        timestamptz,
  -- Of the last weekly note, or when a process first had the channel.
  weekly_at       timestamptz not null default clock_timestamp(),
  run_end         bigint not null              -- number of the last reported end of a run
);

-- Processes, each with its signals: {waits: {reason: seconds}, wrong_keys} of the last fifteen minutes.
create table catalog.alert_processes (
  process         text primary key,
  channels        text[] not null,
  signals         jsonb not null,
  beat_at         timestamptz not null
);

-- The process that judges and sends.
create table catalog.alert_lease (
  single          boolean primary key default true check (single),
  process         text not null,
  channels        text[] not null,
  token           bigint not null,
  expires_at      timestamptz not null
);

-- beat_alerts(process, channels, signals, seconds) → the fencing token of the lease if this process has it,
-- else null. The lease is free when it has expired. A process with more channels takes it over at once,
-- because its predecessor cannot send everything.
create function catalog.beat_alerts(
  p_process text, p_channels text[], p_signals jsonb, p_seconds double precision
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present constant timestamptz := clock_timestamp();
begin
  insert into catalog.alert_processes as p (process, channels, signals, beat_at)
    values (p_process, p_channels, p_signals, present)
    on conflict (process) do update
      set channels = excluded.channels, signals = excluded.signals, beat_at = excluded.beat_at;
  delete from catalog.alert_processes where beat_at < present - interval '1 hour';
  -- Runs that ended before the channel was set up are not reported.
  insert into catalog.alert_channels (channel, run_end)
    select c, coalesce((select max(no) from catalog.run_ends), 0) from unnest(p_channels) c
    on conflict do nothing;
  insert into catalog.alert_lease as l (process, channels, token, expires_at)
    values (p_process, p_channels, nextval('catalog.tokens'), present + p_seconds * interval '1 second')
    on conflict (single) do update
      set process = excluded.process, channels = excluded.channels, expires_at = excluded.expires_at,
        token = case when l.process = excluded.process then l.token else excluded.token end
      where l.process = excluded.process or l.expires_at <= present
        or cardinality(excluded.channels) > cardinality(l.channels);
  return (
    select l.token from catalog.alert_lease l
    where l.process = p_process and l.expires_at > clock_timestamp());
end $$;

-- leave_alerts(process): the process stops, and another one may take the lease at once.
create function catalog.leave_alerts(p_process text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.alert_processes where process = p_process;
  update catalog.alert_lease set expires_at = clock_timestamp() where process = p_process;
$$;

-- holds_alerts(token) → whether no other process has taken the lease; none does until the transaction
-- ends. An expired lease counts, so that a message which took long is not sent twice.
create function catalog.holds_alerts(p_token bigint) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from catalog.alert_lease where token = p_token for share;
  return found;
end $$;

-- load_alert_facts() → {now, sources, breakers, waits, wrong_keys}: the state that alerts are judged by.
--   sources     active ones: {source, schedule, due_since, late_products, held_runs, failures,
--               failure_class, failed_run, week_runs, week_failures}, see measure_sources
--   waits       seconds of back-pressure by reason in the last fifteen minutes, of the process that waited
--               longest; `wrong_keys` the sum of all processes
create function catalog.load_alert_facts() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('now', clock_timestamp(),
    'sources', (
      select coalesce(jsonb_agg(jsonb_build_object('source', m.source, 'schedule', m.schedule,
        'due_since', m.due_since, 'late_products', m.late_products, 'longest_seconds', m.longest_seconds,
        'paused', m.age_seconds is null,
        'held_runs', (select coalesce(jsonb_agg(r.id order by r.id), '[]') from catalog.runs r
          where r.source_id = m.id and r.state = 'held'),
        'failures', m.failures, 'failure_class', m.failure_class,
        'failed_run', (select r.id from catalog.runs r where r.source_id = m.id and r.state = 'failed'
          and r.reason is not null order by r.id desc limit 1),
        'week_runs', m.week_runs, 'week_failures', m.week_failures) order by m.source), '[]')
      from catalog.measure_sources() m),
    'breakers', (select coalesce(jsonb_agg(b), '[]') from catalog.list_breakers() b),
    'waits', (
      select coalesce(jsonb_object_agg(reason, seconds), '{}') from (
        select w.key as reason, max(w.value::double precision) as seconds
        from catalog.alert_processes p cross join jsonb_each_text(p.signals -> 'waits') w
        where p.beat_at > clock_timestamp() - interval '2 minutes' group by w.key) k),
    'wrong_keys', (
      select coalesce(sum((p.signals ->> 'wrong_keys')::integer), 0) from catalog.alert_processes p
      where p.beat_at > clock_timestamp() - interval '15 minutes'))
$$;

-- list_alerts(closed) → alerts that are not closed, the newest first, then the newest `p_closed` closed ones
-- and those whose recovery may still have to be sent.
--   sent        channels and events of the sent messages, as `slack opened`
create function catalog.list_alerts(p_closed integer) returns table (
  id bigint, kind text, subject text, source text, run bigint, state text, reason text, since timestamptz,
  opened_at timestamptz, absent_since timestamptz, closed_at timestamptz, acknowledged_by text,
  acknowledged_at timestamptz, muted_until timestamptz, muted_by text, sent text[]
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with listed as (
    select * from catalog.alerts a where a.state <> 'closed'
    union all
    select * from (
      select * from catalog.alerts a
      where a.state = 'closed' and a.opened_at is not null order by a.id desc limit p_closed) c
    union
    select * from catalog.alerts a
    where a.state = 'closed' and a.closed_at > clock_timestamp() - interval '1 day' and exists (
      select from catalog.alert_notices n
      where n.alert_id = a.id and n.event = 'opened' and not exists (
        select from catalog.alert_notices r
        where r.alert_id = a.id and r.channel = n.channel and r.event = 'recovered'))
  )
  select l.id, l.kind, l.subject, l.source, l.run, l.state, l.reason, l.since, l.opened_at, l.absent_since,
    l.closed_at, l.acknowledged_by, l.acknowledged_at, l.muted_until, l.muted_by,
    array(
      select n.channel || ' ' || n.event from catalog.alert_notices n where n.alert_id = l.id order by 1)
  from listed l order by l.state = 'closed', l.id desc
$$;

-- list_alert_channels() → the channels with the results of their messages.
create function catalog.list_alert_channels() returns setof catalog.alert_channels
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.alert_channels order by channel
$$;

-- measure_alerts() → {open: {kind: count}, channels: {channel: {messages, failures}}}, with the accepted
-- messages and the failed attempts in a row.
create function catalog.measure_alerts() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'open', (select coalesce(jsonb_object_agg(kind, n), '{}') from (
      select a.kind, count(*) as n from catalog.alerts a where a.state = 'open' group by a.kind) k),
    'channels', (select coalesce(jsonb_object_agg(channel,
      jsonb_build_object('messages', messages, 'failures', failures)), '{}') from catalog.alert_channels))
$$;

-- save_alerts(token, changes) → whether no other process has the lease. Adds the rows without an id and
-- replaces what is judged in the others. A mute that has not ended continues for the next alert of the same
-- cause.
create function catalog.save_alerts(p_token bigint, p_changes jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.holds_alerts(p_token) then return false; end if;
  insert into catalog.alerts
      (kind, subject, source, run, state, reason, since, opened_at, muted_until, muted_by)
    select c.kind, c.subject, c.source, c.run, c.state, c.reason, c.since, c.opened_at,
      earlier.muted_until, earlier.muted_by
    from jsonb_to_recordset(p_changes) c (id bigint, kind text, subject text, source text, run bigint,
      state text, reason text, since timestamptz, opened_at timestamptz)
    left join lateral (
      select a.muted_until, a.muted_by from catalog.alerts a
      where a.kind = c.kind and a.subject = c.subject and a.muted_until > clock_timestamp()
      order by a.id desc limit 1
    ) earlier on true
    where c.id is null
    on conflict do nothing;
  update catalog.alerts a
    set state = c.state, reason = c.reason, run = c.run, opened_at = c.opened_at,
      absent_since = c.absent_since, closed_at = c.closed_at
    from jsonb_to_recordset(p_changes) c (id bigint, state text, reason text, run bigint,
      opened_at timestamptz, absent_since timestamptz, closed_at timestamptz)
    where a.id = c.id and a.state <> 'closed';
  -- Alerts of a year; those that were never open are of no interest.
  delete from catalog.alerts a
    where a.state = 'closed' and (a.opened_at is null or a.closed_at < clock_timestamp() - interval '1 year');
  return true;
end $$;

-- record_notices(token, channel, result) → whether no other process has the lease. `p_result`:
--   notices     messages that were sent: [{alert, event}]; weekly: true after a weekly note
--   run_end     last reported end of a run
--   error       of a failed attempt; the next one is due after `retry_seconds`
create function catalog.record_notices(p_token bigint, p_channel text, p_result jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  failure constant text := p_result ->> 'error';
begin
  if not catalog.holds_alerts(p_token) then return false; end if;
  insert into catalog.alert_notices (alert_id, channel, event)
    select n.alert, p_channel, n.event
    from jsonb_to_recordset(p_result -> 'notices') n (alert bigint, event text)
    join catalog.alerts a on a.id = n.alert
    on conflict do nothing;
  update catalog.alert_channels
    set last_sent_at = case
        when failure is null and (p_result ? 'weekly' or p_result -> 'notices' <> '[]')
          then clock_timestamp() else last_sent_at end,
      messages = messages + (failure is null)::integer,
      failures = case when failure is null then 0 else failures + 1 end,
      error = failure,
      retry_at = clock_timestamp() + (p_result ->> 'retry_seconds')::double precision * interval '1 second',
      weekly_at = case when p_result ? 'weekly' then clock_timestamp() else weekly_at end,
      run_end = coalesce((p_result ->> 'run_end')::bigint, run_end)
    where channel = p_channel;
  return true;
end $$;

-- decide_alert(id, decision, by, until, reason) → the alert: `acknowledge`, `mute` until an instant, or
-- `unmute`. The decision is in the log of actions, in the same transaction.
--   errors      alert/unknown
create function catalog.decide_alert(
  p_id bigint, p_decision text, p_by text, p_until timestamptz, p_reason text
) returns setof catalog.alerts
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  decided catalog.alerts;
begin
  update catalog.alerts a
    set acknowledged_by = case p_decision when 'acknowledge' then p_by else a.acknowledged_by end,
      acknowledged_at = case p_decision when 'acknowledge' then clock_timestamp() else a.acknowledged_at end,
      muted_by = case p_decision when 'mute' then p_by when 'unmute' then null else a.muted_by end,
      muted_until = case p_decision when 'mute' then p_until when 'unmute' then null else a.muted_until end
    where a.id = p_id and a.state <> 'closed' returning a.* into decided;
  if not found then
    perform catalog.fail('alert/unknown', format('No open alert has the number %s', p_id));
  end if;
  perform catalog.record_action(p_by, 'alert.' || p_decision, decided.source, decided.run, 'alert ' || p_id,
    jsonb_strip_nulls(jsonb_build_object('kind', decided.kind, 'of', decided.subject, 'until', p_until)),
    p_reason);
  return next decided;
end $$;

-- list_reported_ends(after) → ends of runs after the number `p_after`, the oldest first, at most 50. For
-- Sentry.
create function catalog.list_reported_ends(p_after bigint) returns table (
  no bigint, source text, run bigint, kind text, state text, error_code text, reason text,
  correlation_id text, seconds double precision, schedule jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.no, s.name, r.id, r.kind, e.state, r.error_code, catalog.show_reason(r), r.correlation_id,
    e.seconds, s.schedule
  from catalog.run_ends e
  join catalog.runs r on r.source_id = e.source_id and r.id = e.run_id
  join catalog.sources s on s.id = e.source_id
  where e.no > p_after order by e.no limit 50
$$;
