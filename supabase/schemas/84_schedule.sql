-- The schedule of the edge function refresh-worker, by pg_cron, pg_net and Vault of Supabase. pg_cron reports
-- a job as succeeded when its request is queued, so the response is read from `net._http_response`, which
-- keeps it for about six hours.

-- A request of the schedule. Kept for 30 days.
create table catalog.refresh_requests (
  id           bigint primary key,        -- of pg_net
  requested_at timestamptz not null,
  responded_at timestamptz,
  status_code  integer,
  error        text                       -- the reason for a missing response
);
create index refresh_requests_newest on catalog.refresh_requests (requested_at desc);

-- list_missing_extensions() → the extensions that the schedule needs and the database lacks.
create function catalog.list_missing_extensions() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select e.name
    from (values ('pg_cron', to_regclass('cron.job')), ('pg_net', to_regclass('net._http_response')),
      ('supabase_vault', to_regclass('vault.decrypted_secrets'))) e (name, mark)
    where e.mark is null)
$$;

-- assert_extensions(): fails if the schedule cannot work in this database.
--   errors      db/unsuitable  names the extensions and the statements that create them
create function catalog.assert_extensions() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  missing text[] := catalog.list_missing_extensions();
begin
  if cardinality(missing) > 0 then
    perform catalog.fail('db/unsuitable', format(
      'The database lacks %s. In a Supabase project, enable %s under Database, Extensions, or execute: %s. '
      'Elsewhere, run `shelfsync serve`, which needs no extension',
      array_to_string(missing, ' and '), case cardinality(missing) when 1 then 'it' else 'them' end,
      array_to_string(array(select format('create extension %I;', m) from unnest(missing) m), ' ')));
  end if;
end $$;

-- save_secret(name, value): creates or replaces a secret in the Vault.
create function catalog.save_secret(p_name text, p_value text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  known uuid := (select id from vault.decrypted_secrets where name = p_name);
begin
  if known is null then
    perform vault.create_secret(p_value, p_name);
  else
    perform vault.update_secret(known, p_value);
  end if;
end $$;

-- load_secret(name) → the secret; null without one.
create function catalog.load_secret(p_name text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select decrypted_secret from vault.decrypted_secrets where name = p_name);
end $$;

-- schedule_refresh(project_url, schedule, products) → (job, schedule, url, token_is_new): calls the function
-- refresh-worker at the times of `p_schedule`, a cron expression in UTC, and reads the responses every ten
-- minutes.
--   p_products    of one call, within the CPU time of a function. More products need more frequent calls
--   token_is_new  the token was generated: give it to the functions as the secret CRON_TOKEN
--   idempotent    a second call replaces the schedule and keeps the token
--   errors        db/unsuitable (see assert_extensions) · usage/invalid  the address or the number is wrong
create function catalog.schedule_refresh(
  p_project_url text, p_schedule text default '7 * * * *', p_products integer default 250
) returns table (job text, schedule text, url text, token_is_new boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  is_new boolean;
begin
  perform catalog.assert_extensions();
  if coalesce(p_project_url, '') !~ '^https?://[^/[:space:]]+$' then
    perform catalog.fail('usage/invalid',
      format('"%s" is not the address of a project, such as https://PROJECT.supabase.co', p_project_url));
  end if;
  if coalesce(p_products, 0) not between 1 and 500 then
    perform catalog.fail('usage/invalid', 'A call refreshes 1 to 500 products');
  end if;
  is_new := catalog.load_secret('shelfsync_cron_token') is null;
  perform catalog.save_secret('shelfsync_project_url', p_project_url);
  if is_new then
    perform catalog.save_secret('shelfsync_cron_token',
      replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''));
  end if;
  perform cron.schedule('shelfsync-refresh', p_schedule,
    format('select catalog.request_refresh(%s)', p_products));
  perform cron.schedule('shelfsync-refresh-responses', '*/10 * * * *',
    'select catalog.harvest_refresh_responses()');
  return query
    select 'shelfsync-refresh', p_schedule, p_project_url || '/functions/v1/refresh-worker', is_new;
end $$;

-- unschedule_refresh() → the jobs that were removed. The token stays in the Vault, so that the functions need
-- no new one after the next schedule_refresh.
--   idempotent  without a schedule, it removes nothing
create function catalog.unschedule_refresh() returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  name text;
begin
  if to_regclass('cron.job') is null then
    return;
  end if;
  for name in
    select j.jobname from cron.job j
    where j.jobname in ('shelfsync-refresh', 'shelfsync-refresh-responses') order by 1
  loop
    perform cron.unschedule(name);
    return next name;
  end loop;
end $$;

-- request_refresh(products) → the id of the request, which pg_net sends after the commit. The body is tiny:
-- pg_net hangs on bodies above 64 KB (https://github.com/supabase/pg_net/issues/225).
create function catalog.request_refresh(p_products integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  request bigint;
begin
  perform catalog.assert_extensions();
  perform catalog.harvest_refresh_responses();
  request := net.http_post(
    url => catalog.load_secret('shelfsync_project_url') || '/functions/v1/refresh-worker',
    body => jsonb_build_object('limit', p_products),
    headers => jsonb_build_object('content-type', 'application/json',
      'x-cron-token', catalog.load_secret('shelfsync_cron_token'),
      'x-correlation-id', 'schedule-' || gen_random_uuid()),
    timeout_milliseconds => 150000);
  -- pg_net counts from 1 again after its tables were created again.
  insert into catalog.refresh_requests as r (id, requested_at) values (request, clock_timestamp())
    on conflict (id) do update
      set requested_at = excluded.requested_at, responded_at = null, status_code = null, error = null;
  return request;
end $$;

-- harvest_refresh_responses() → the number of requests whose result was recorded. A request without a
-- response after six hours is recorded as lost: the queue of pg_net does not survive a crash.
create function catalog.harvest_refresh_responses() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  recorded integer := 0;
begin
  delete from catalog.refresh_requests where requested_at < clock_timestamp() - interval '30 days';
  if to_regclass('net._http_response') is null then
    return 0;
  end if;
  update catalog.refresh_requests r
    set responded_at = n.created, status_code = n.status_code,
      error = coalesce(n.error_msg, case when n.timed_out then 'timeout' end,
        case when n.status_code >= 300 then left(n.content::text, 300) end)
    from net._http_response n
    where n.id = r.id and r.responded_at is null and n.created >= r.requested_at - interval '1 minute';
  get diagnostics recorded = row_count;
  update catalog.refresh_requests
    set responded_at = clock_timestamp(), error = 'pg_net has recorded no response within six hours'
    where responded_at is null and requested_at < clock_timestamp() - interval '6 hours';
  return recorded;
end $$;

-- load_refresh_schedule() → (scheduled, requested_at, responded_at, status_code, error): whether there is a
-- schedule, and its newest request that has a result; else the newest one.
create function catalog.load_refresh_schedule() returns table (
  scheduled boolean, requested_at timestamptz, responded_at timestamptz, status_code integer, error text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  is_scheduled boolean := false;
begin
  perform catalog.harvest_refresh_responses();
  if to_regclass('cron.job') is not null then
    is_scheduled := exists (select from cron.job where jobname = 'shelfsync-refresh' and active);
  end if;
  return query
    select is_scheduled, r.requested_at, r.responded_at, r.status_code, r.error
    from (values (1)) one left join lateral (
      select * from catalog.refresh_requests
      order by responded_at is null, requested_at desc limit 1
    ) r on true;
end $$;
