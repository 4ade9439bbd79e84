-- Callers of the functions of schemas `pipeline` and `api`, which run as their owner. A right to execute
-- them is not enough: it is easily granted by accident.

-- assert_admitted(schema, roles, action, command): refuses a caller that has neither the rights of the
-- schema's owner nor those of one of the roles. In a function that runs as its owner, the setting `role`
-- names the role for which PostgREST works; a session can set it only to a role that it may take.
--   p_action    that is refused, as in `may not read the catalogue`
--   p_command   by which the owner admits the caller, as a format with the name of the caller
--   errors      SQLSTATE 42501 (insufficient_privilege)
create function catalog.assert_admitted(p_schema name, p_roles name[], p_action text, p_command text)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  caller name := case current_setting('role') when 'none' then session_user else current_setting('role') end;
begin
  if not pg_has_role(caller, (select nspowner from pg_namespace where nspname = p_schema), 'usage')
     and not exists (
       select from pg_roles r where r.rolname = any (p_roles) and pg_has_role(caller, r.oid, 'usage')) then
    raise exception using errcode = 'insufficient_privilege',
      message = format('permission denied: the role %s may not %s', caller, p_action),
      hint = 'The owner can allow it: ' || format(p_command, caller);
  end if;
end $$;
