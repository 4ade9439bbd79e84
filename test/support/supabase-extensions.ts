// Stand-ins for the extensions pg_cron and pg_net and the Vault of a Supabase project, with the
// same names and signatures: they record what they receive, and no job runs.

/**
 * https://github.com/citusdata/pg_cron · https://supabase.github.io/pg_net ·
 * https://supabase.com/docs/guides/database/vault
 */
export const SUPABASE_EXTENSIONS = `
  create schema cron; create schema net; create schema vault;
  create table cron.job (jobid bigserial, schedule text, command text, jobname text unique, active boolean default true);
  create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
    insert into cron.job (jobname, schedule, command) values (job_name, schedule, command)
    on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command returning jobid $$;
  create function cron.unschedule(job_name text) returns boolean language sql as $$
    delete from cron.job where jobname = job_name returning true $$;
  create table net.sent (id bigserial, url text, body jsonb, headers jsonb, timeout_milliseconds integer);
  create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
      headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000)
    returns bigint language sql as $$
    insert into net.sent (url, body, headers, timeout_milliseconds)
      values (url, body, headers, timeout_milliseconds) returning id $$;
  create table net._http_response (id bigint, status_code integer, content_type text, headers jsonb,
    content text, timed_out boolean, error_msg text, created timestamptz not null default now());
  create table vault.secrets (id uuid primary key default gen_random_uuid(), name text unique, secret text);
  create view vault.decrypted_secrets as select id, name, secret as decrypted_secret from vault.secrets;
  create function vault.create_secret(new_secret text, new_name text default null,
      new_description text default '', new_key_id uuid default null) returns uuid language sql as $$
    insert into vault.secrets (name, secret) values (new_name, new_secret) returning id $$;
  create function vault.update_secret(secret_id uuid, new_secret text default null, new_name text default null,
      new_description text default null, new_key_id uuid default null) returns void language sql as $$
    update vault.secrets set secret = new_secret where id = secret_id $$;
`
