-- Pure functions of JSON documents.

-- remove_member(doc, path) → the document without the member at the path; `*` in a path stands for every
-- index.
create function catalog.remove_member(doc jsonb, path text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(doc) = 'array' and path[1] = '*' then
    return (
      select coalesce(jsonb_agg(catalog.remove_member(e, path[2:]) order by i), '[]')
      from jsonb_array_elements(doc) with ordinality as t (e, i));
  elsif jsonb_typeof(doc) is distinct from 'object' or not doc ? path[1] then
    return doc;
  elsif cardinality(path) = 1 then
    return doc - path[1];
  end if;
  return jsonb_set(doc, path[1:1], catalog.remove_member(doc -> path[1], path[2:]));
end $$;

-- remove_members(doc, paths) → the document without the members at these paths, written with dots.
create function catalog.remove_members(doc jsonb, paths text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  path text;
begin
  foreach path in array paths loop
    doc := catalog.remove_member(doc, string_to_array(path, '.'));
  end loop;
  return doc;
end $$;

-- diff_members(before, after) → the members that differ, as {member: [before, after]}.
create function catalog.diff_members(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(k, jsonb_build_array(before -> k, after -> k) order by k), '{}')
  from (select jsonb_object_keys(before || after) as k) keys
  where before -> k is distinct from after -> k
$$;

-- diff_provenance(before, after) → {provenance: [before, after]} with the paths that differ; empty if none
-- does.
create function catalog.diff_provenance(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when before is not distinct from after then '{}'::jsonb else (
    select coalesce(jsonb_build_object('provenance', jsonb_build_array(
        jsonb_object_agg(key, value -> 0) filter (where value ->> 0 is not null),
        jsonb_object_agg(key, value -> 1) filter (where value ->> 1 is not null))), '{}')
    from jsonb_each(catalog.diff_members(coalesce(before, '{}'), coalesce(after, '{}')))) end
$$;

-- merge_kinds(first, last) → the kind of two changes that one run makes to a product. A product that returned
-- stays returned after a change of its other members.
create function catalog.merge_kinds(p_first text, p_last text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_first = 'returned' and p_last <> 'unavailable' then p_first
    when p_last = 'repriced' then p_first
    else p_last end
$$;

-- merge_details(first, last, kept) → the details of two changes that one run makes to a product: each member
-- from its value before the first to its value after the last. A member that has its first value again is
-- left out. The prices `p_kept` are left out too.
create function catalog.merge_details(p_first jsonb, p_last jsonb, p_kept text[]) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(key, value), '{}')
  from (
    select key, case when p_first ? key then jsonb_set(value, '{0}', p_first -> key -> 0) else value end
      as value
    from jsonb_each(p_first - p_kept || p_last)
  ) merged
  where value -> 2 is not null or value -> 0 is distinct from value -> 1
$$;

-- product_members(…) → the members of a product that a change reports.
create function catalog.product_members(
  status text, title text, description text, brand text, manufacturer text, url text, successor text,
  identifiers jsonb, attributes jsonb
) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('status', status, 'title', title, 'description', description, 'brand', brand,
    'manufacturer', manufacturer, 'url', url, 'successor', successor) || identifiers || attributes
$$;

-- add_counts(a, b) → the sum of two objects of counts, member by member.
create function catalog.add_counts(a jsonb, b jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_object_agg(key, total)
  from (
    select key, sum(value::bigint) as total
    from (select * from jsonb_each_text(a) union all select * from jsonb_each_text(b)) c
    group by key
  ) t
$$;
