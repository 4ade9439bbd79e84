-- Generated from supabase/schemas/67_search.sql until the first release: do not edit.

-- The search of products: by words and codes, with filters, page by page.
--
-- A search that matches at most 10,000 products counts and sorts them. One that matches more reads its page
-- from the index of its order, see walk_entries, so that neither the number of products nor that of matches
-- decides on its time.

-- quote_lexeme(text) → the text as a lexeme of a tsquery.
create function catalog.quote_lexeme(p_text text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '''' || replace(replace(p_text, '\', '\\'), '''', '''''') || ''''
$$;

-- compose_term(text) → a word of a search as text of a tsquery: products with these words, of which the last
-- may be the beginning of one, or with this code. Null if it has neither a letter nor a digit.
--   A beginning has at least 3 characters, that of a code 4 with a digit.
create function catalog.compose_term(p_text text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '((' || string_agg(catalog.quote_lexeme(left(w, 100))
      || case when n = cardinality(words) and length(w) >= 3 then ':*' else '' end, ' & ' order by n)
    || ') | ' || catalog.quote_lexeme('#' || code)
    || case when length(code) >= 4 and code ~ '\d' then ':*' else '' end || ')'
  from (
    select string_to_array(catalog.fold_words(p_text), ' ') as words, catalog.fold_code(p_text) as code
  ) folded
  cross join unnest(words) with ordinality w (w, n)
  where code is not null group by code
$$;

-- compose_search(text, filter) → the search as conditions on `search_entries.words`.
--   matches     null: every product. At most the first 200 characters and 16 words of the text count
--   codes       products with exactly this code; null without a text
create function catalog.compose_search(
  p_text text, p_filter jsonb, out matches tsquery, out codes tsquery
)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  given constant text := left(btrim(coalesce(p_text, '')), 200);
  whole constant text := catalog.fold_code(given);
  terms constant text := (
    select string_agg(catalog.compose_term(t), ' & ')
    from unnest((regexp_split_to_array(given, '\s+'))[:16]) t);
  conditions text[];
begin
  if given <> '' then
    codes := catalog.quote_lexeme('#' || coalesce(whole, ''));
    -- A code may be typed in groups: `9 312345 678907`. A text without letters and digits matches nothing.
    conditions := array[format('(%s)', concat_ws(' | ', terms, codes))];
  end if;
  conditions := conditions || array(
    select catalog.quote_lexeme('=b:' || left(catalog.fold_words(b), 100))
    from jsonb_array_elements_text(p_filter -> 'brand') b)
    || (select '(' || string_agg(catalog.quote_lexeme('=c:' || left(c, 100)), ' | ') || ')'
      from jsonb_array_elements_text(p_filter -> 'categories') c)
    || (select '(' || string_agg(catalog.quote_lexeme('=a:' || a), ' | ') || ')'
      from jsonb_array_elements_text(p_filter -> 'availability') a);
  matches := nullif(array_to_string(conditions, ' & '), '')::tsquery;
end $$;

-- compose_conditions(filter) → the filter as SQL conditions on a row `e` of search_entries, apart from source
-- and status. Parameters: $3 matches, $4 codes, $5 the filter.
--   Licences that have ended hide their product, or its price, as the views do.
create function catalog.compose_conditions(p_filter jsonb, p_searches boolean) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select concat_ws(' and ',
    'not exists (select from catalog.products x where x.source_id = e.source_id
      and x.external_id = e.external_id and x.expires_at <= now())',
    case when p_searches then 'e.words @@ $3' end,
    case when p_filter ?| '{priced,minPrice,maxPrice}'
      then '(e.price_ends_at is null or e.price_ends_at > now())' end,
    case when p_filter ? 'minPrice' then 'e.price >= ($5 ->> ''minPrice'')::numeric' end,
    case when p_filter ? 'maxPrice' then 'e.price <= ($5 ->> ''maxPrice'')::numeric' end,
    case when p_filter ? 'currency' then 'e.currency = $5 ->> ''currency''' end,
    case when p_filter ? 'changedSince' then 'e.changed_at >= ($5 ->> ''changedSince'')::timestamptz' end,
    case when p_filter ? 'review' then '(e.source_id, e.external_id) in (
      select v.source_id, v.product_external_id from catalog.reviews v where v.state = ''open'')' end)
$$;

-- compose_order(sort) → the key of an order of products as an expression of `e`, its type and its direction.
-- Products with the same key follow each other by source and id, in the same direction.
--   relevance   the code, the whole title, its beginning, the words beside each other, then the others, each
--               by title. $6 is the folded text
create function catalog.compose_order(p_sort text, out key text, out type text, out direction text)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_sort
      when 'relevance' then $rank$case when e.words @@ $4 then '0' when e.title = $6 then '1'
        when starts_with(e.title, $6) then '2' when strpos(' ' || e.title, ' ' || $6) > 0 then '3'
        else '4' end || e.title$rank$
      when 'newest' then 'e.changed_at' when 'title' then 'e.title' else 'e.price' end,
    case p_sort when 'newest' then 'timestamptz' when 'relevance' then 'text collate "C"'
      when 'title' then 'text collate "C"' else 'numeric' end,
    case when p_sort in ('newest', 'price-high') then 'desc' else 'asc' end
$$;

-- compose_page(sort, conditions, matches_max) → the statement that returns (total, page) for a search with
-- few matches: it reads all of them, but not more than `matches_max`, and sorts them.
--   page        [{source, product, key}], at most $8 after the one of $7
create function catalog.compose_page(p_sort text, p_conditions text, p_matches_max integer) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format($sql$
    with hits as materialized (
      select e.source_id, e.external_id, %1$s as key from catalog.search_entries e
      where e.source_id = any ($1) and e.status = any ($2) and %1$s is not null and %2$s
      limit %3$s
    ), page as (
      select h.* from hits h
      where $7 is null or (h.key, h.source_id, h.external_id)
        %4$s (($7 ->> 'key')::%5$s, ($7 ->> 'source')::integer, $7 ->> 'product')
      order by h.key %6$s, h.source_id %6$s, h.external_id %6$s limit $8
    )
    select (select count(*) from hits), (
      select coalesce(jsonb_agg(jsonb_build_object('source', source_id, 'product', external_id, 'key', key)
        order by key %6$s, source_id %6$s, external_id %6$s), '[]') from page)$sql$,
    o.key, p_conditions, p_matches_max, case o.direction when 'asc' then '>' else '<' end, o.type,
    o.direction)
  from catalog.compose_order(p_sort) o
$$;

-- compose_walk(sort, conditions, continues, reads_max) → the statement that returns a page as `page` of
-- compose_page for a search with many matches: it reads the first `reads_max` entries of each source and
-- status in the index of the order. Where these have no page of matches, the matches are few, and read by
-- their words and the lexeme of the source and the status, because the words may be common elsewhere.
--   continues   the page is not the first one: it begins after $7
create function catalog.compose_walk(
  p_sort text, p_conditions text, p_continues boolean, p_reads_max integer
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format($sql$
    with pairs as materialized (
      select source_id, status, case sign(source_id - ($7 ->> 'source')::integer)
        when 1 then '' when 0 then $7 ->> 'product' else chr(1114111) end collate "C" as beyond,
        $3 && catalog.quote_lexeme(format('=s:%%s:%%s', source_id, status))::tsquery as matches
      from unnest($1) source_id cross join unnest($2) status
    ), walked as materialized (
      select p.source_id, p.status, w.external_id, w.key from pairs p cross join lateral (
        select e.external_id, e.key
        from (
          select e.*, %1$s as key from catalog.search_entries e
          where e.source_id = p.source_id and e.status = p.status and %1$s is not null and %2$s
          order by %1$s %3$s, e.external_id %3$s limit %4$s
        ) e
        where %5$s order by e.key %3$s, e.external_id %3$s limit $8
      ) w
    ), sparse as materialized (
      select p.* from pairs p
      where (select count(*) from walked w where w.source_id = p.source_id and w.status = p.status) < $8
        and (select count(*) from (
          select from catalog.search_entries e
          where e.source_id = p.source_id and e.status = p.status and %1$s is not null and %2$s
          limit %4$s) n) >= %4$s
    ), found as (
      select w.source_id, w.external_id, w.key from walked w
        where (w.source_id, w.status) not in (select s.source_id, s.status from sparse s)
      union all
      select p.source_id, g.external_id, g.key from sparse p cross join lateral (
        select e.external_id, e.key from (
          select e.external_id, %1$s as key from catalog.search_entries e
          where e.source_id = p.source_id and e.status = p.status and %1$s is not null and %2$s and %5$s
            and ($3 is null or e.words @@ p.matches)
          offset 0
        ) e
        order by e.key %3$s, e.external_id %3$s limit $8
      ) g
    ), page as (
      select * from found order by key %3$s, source_id %3$s, external_id %3$s limit $8
    )
    select coalesce(jsonb_agg(jsonb_build_object('source', source_id, 'product', external_id, 'key', key)
      order by key %3$s, source_id %3$s, external_id %3$s), '[]') from page$sql$,
    o.key, case when p_continues then format($sql$(%s, e.external_id) %s (($7 ->> 'key')::%s, p.beyond)$sql$,
      o.key, case o.direction when 'asc' then '>' else '<' end, o.type) else 'true' end,
    o.direction, p_reads_max, p_conditions)
  from catalog.compose_order(p_sort) o
$$;
