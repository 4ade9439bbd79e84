-- Generated from supabase/schemas/15_quantities.sql until the first release: do not edit.

-- Counts and shares in messages, in the spellings of src/cli/format/format.ts.

-- format_quantity(n, noun) → `1 product`, `1,250 products`.
create function catalog.format_quantity(n bigint, noun text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select to_char(n, 'FM999,999,999,999,990') || ' ' || noun || case when n = 1 then '' else 's' end
$$;

-- format_part(n, total, noun, one, many) → `1 of 30 products is missing` with `is missing` and `are missing`
-- for `one` and `many`.
create function catalog.format_part(n bigint, total bigint, noun text, one text, many text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('%s of %s %s', to_char(n, 'FM999,999,999,999,990'), catalog.format_quantity(total, noun),
    case when n = 1 then one else many end)
$$;

-- format_share(share) → the share in percent: `15 %`, `0.25 %`.
create function catalog.format_share(share numeric) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select trim_scale(round(100 * share, 2)) || ' %'
$$;
