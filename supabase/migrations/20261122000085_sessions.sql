-- Generated from supabase/schemas/85_sessions.sql until the first release: do not edit.

-- Sessions of the dashboard: who has signed in, with which kind of key, and until when.

-- One signed-in browser. The token itself is only in its cookie.
create table catalog.sessions (
  -- SHA-256 of the token.
  token_hash bytea primary key,
  -- The name that the person gave at the sign-in, for the action log.
  name text not null,
  -- True after a sign-in with ADMIN_KEY, false with READ_KEY.
  may_write boolean not null,
  -- HMAC of the token under the key of the sign-in: the session ends when that key is not accepted any more.
  key_proof bytea not null,
  opened_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- open_session(token_hash, name, may_write, key_proof, lifetime): opens a session, and deletes those that
-- have expired.
--   atomic      one row, or nothing
create function catalog.open_session(
  p_token_hash bytea, p_name text, p_may_write boolean, p_key_proof bytea, p_lifetime interval
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from catalog.sessions where expires_at <= now();
  insert into catalog.sessions (token_hash, name, may_write, key_proof, expires_at)
  values (p_token_hash, p_name, p_may_write, p_key_proof, now() + p_lifetime);
end $$;

-- find_session(token_hash) → (name, may_write, key_proof, expires_at), or no row after its end.
create function catalog.find_session(p_token_hash bytea)
returns table (name text, may_write boolean, key_proof bytea, expires_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.may_write, s.key_proof, s.expires_at from catalog.sessions s
  where s.token_hash = p_token_hash and s.expires_at > now()
$$;

-- end_session(token_hash): signs out.
--   idempotent  a session that has ended stays ended
create function catalog.end_session(p_token_hash bytea) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.sessions where token_hash = p_token_hash
$$;

-- measure_people() → {sessions: {write, read}, actions: {action: count}}: how many are signed in by what they
-- may do, and how often each action was recorded. For the metrics.
create function catalog.measure_people() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'sessions', (select jsonb_build_object('write', count(*) filter (where s.may_write),
      'read', count(*) filter (where not s.may_write))
      from catalog.sessions s where s.expires_at > clock_timestamp()),
    'actions', (select coalesce(jsonb_object_agg(action, n), '{}') from (
      select a.action, count(*) as n from catalog.actions a group by a.action) k))
$$;
