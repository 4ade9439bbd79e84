-- Generated from supabase/schemas/66_search_entries.sql until the first release: do not edit.

-- The search entries of products: one narrow row for each, with its words, its codes and the values
-- by which lists are filtered and sorted. apply_batch and the other functions that write products or publish
-- prices keep it, in the same transaction; an unchanged product costs no write.

create table catalog.search_entries (
  source_id          integer not null references catalog.sources (id),
  external_id        text collate "C" not null,
  status             text not null,
  changed_at         timestamptz not null,
  -- The beginning of the folded title, by which lists are sorted; see fold_text.
  title              text collate "C" not null,
  -- The lowest current price in units of its currency, see index_products; null without one.
  price              numeric,
  currency           text,                           -- of `price`
  price_ends_at      timestamptz,                    -- end of the licence of `price`, if it has its own
  -- Lexemes: words of the title, the brand and the manufacturer; codes with `#`; and facets with `=`, such as
  -- `=a:in_stock`, or `=s:7:active` for the source and the status. No word has such a mark.
  words              tsvector not null,
  primary key (source_id, external_id)
);
create index search_entries_words on catalog.search_entries using gin (words);
create index search_entries_newest on catalog.search_entries (source_id, status, changed_at, external_id);
create index search_entries_title on catalog.search_entries (source_id, status, title, external_id);
create index search_entries_price on catalog.search_entries (source_id, status, price, external_id)
  where price is not null;

-- fold_text(text) → the text in lower case, without accents, with ligatures and other letters of Latin
-- alphabets as they are typed without them: `Crème Brûlée` → `creme brulee`, `Straße` → `strasse`.
create function catalog.fold_text(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(p_text) = length(p_text) then
    return lower(p_text);
  end if;
  -- By ICU, because the locale of the database may know only the letters of ASCII.
  p_text := lower(regexp_replace(normalize(p_text, nfkd), '[\u0300-\u036f]', '', 'g') collate "und-x-icu");
  if p_text ~ '[ßæœøłđðþıŋħ]' then
    p_text := translate(replace(replace(replace(replace(
      p_text, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'øłđðıŋħ', 'olddinh');
  end if;
  return p_text;
end $$;

-- fold_words(text) → the words of the text, folded, with one space between them. An apostrophe is not a
-- separator: `L'Oréal` → `loreal`. U+007F is not one either, because compose_words joins texts by it.
create function catalog.fold_words(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  -- Ranges of code points rather than classes, whose letters depend on the locale of the database.
  return btrim(regexp_replace(translate(catalog.fold_text(p_text), '''’ʼ`', ''), '[\u0001-/:-@\[-\u0060'
    '\u007b-\u007e\u0080-\u00bf\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\uff00-\uff0f]+', ' ', 'g'), ' ');
end $$;

-- fold_code(text) → the code without separators and, if it is a number, without leading zeros: a GTIN is the
-- same in each of its lengths, and `ab-12` is `AB 12`. Null if nothing is left of it.
create function catalog.fold_code(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  p_text := replace(catalog.fold_words(left(p_text, 200)), ' ', '');
  return nullif(left(case when p_text ~ '^0\d*$' then ltrim(p_text, '0') else p_text end, 100), '');
end $$;

-- compose_words(names, codes, facets) → the folded title and the lexemes of a product, see search_entries.
--   names       its title, brand and manufacturer; null for those that it does not have
--   codes       the first 100 count
--   facets      such as `a:in_stock`; null does not count
--   cost        one call folds all texts of the product, because a call costs more than its characters
create function catalog.compose_words(
  p_names text[], p_codes text[], p_facets text[], out title text, out words tsvector
)
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  mark constant text := chr(127);
  names constant text := array_to_string(p_names, mark, '');
  folded text[] := string_to_array(
    catalog.fold_words(concat_ws(mark, names, array_to_string(p_codes[:100], mark))), mark);
  spoken text := concat_ws(' ', folded[1], folded[2], folded[3]);
begin
  title := left(btrim(folded[1]), 100);
  -- After an apostrophe begins another word too: `oreal` finds `L'Oréal`.
  if names ~ '[''’]' then
    spoken := concat_ws(' ', spoken, catalog.fold_words(translate(names, '''’' || mark, '   ')));
  end if;
  words := array_to_tsvector(array(
    select left(w, 100) from unnest(string_to_array(spoken, ' ')) w where w <> ''
    union all
    select '#' || left(c, 100) from (
      select case when starts_with(c, '0') and c ~ '^\d+$' then ltrim(c, '0') else c end as c
      from (select replace(c, ' ', '') as c from unnest(folded[4:]) c) c
    ) c where c <> ''
    union all
    select '=b:' || left(btrim(folded[2]), 100) where folded[2] <> ''
    union all
    select '=' || f from unnest(p_facets) f where f is not null));
end $$;

-- index_products(source, products): writes the search entries of these products.
--   idempotent  a product whose entry is right costs no write
--   price       the lowest current price of the variants: of the type `public`, otherwise of `list`,
--               otherwise of the first other type by name
create function catalog.index_products(p_source integer, p_products text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if cardinality(p_products) = 0 then
    return;
  end if;
  with priced as materialized (
    select named.id, c.amount_minor, c.currency, c.expires_at
    from unnest(p_products) named (id)
    cross join lateral (
      select o.amount_minor, o.currency, o.expires_at
      from catalog.prices o
      where o.source_id = p_source and o.product_external_id = named.id and o.state = 'current'
        and o.amount_minor is not null and (o.expires_at is null or o.expires_at > now())
      order by o.price_type <> 'public', o.price_type <> 'list', o.price_type, o.amount_minor limit 1
    ) c
  ), units as materialized (
    select u.currency, catalog.count_decimals(u.currency) as decimals
    from (select distinct currency from priced) u
  ), shown as materialized (
    select c.id, round(c.amount_minor / 10::numeric ^ u.decimals, u.decimals) as price, c.currency,
      c.expires_at as ends_at
    from priced c join units u on u.currency = c.currency
  )
  insert into catalog.search_entries as e
      (source_id, external_id, status, changed_at, title, price, currency, price_ends_at, words)
    select p_source, p.external_id, p.status, p.changed_at, w.title, c.price, c.currency, c.ends_at, w.words
    from unnest(p_products) named (id)
    cross join lateral (
      select * from catalog.products o where o.source_id = p_source and o.external_id = named.id offset 0
    ) p
    cross join lateral (
      select array_remove(array_agg(o.sku) || array_agg(o.gtin), null) as codes,
        (array_agg(o.availability order by
          array_position('{in_stock,preorder,out_of_stock,discontinued}', o.availability)))[1]
          as availability
      from catalog.variants o
      where o.source_id = p_source and o.product_external_id = named.id and o.removed_at is null
    ) v
    left join shown c on c.id = named.id
    cross join lateral catalog.compose_words(
      array[left(p.title, 1000), left(p.brand, 1000), left(p.manufacturer, 1000)],
      p.external_id || v.codes
        || array(select i #>> '{}' from jsonb_path_query(p.identifiers, 'lax $.*[*]') i),
      array['a:' || v.availability, format('s:%s:%s', p_source, p.status)] || array(
        select 'c:' || left(i #>> '{}', 100)
        from jsonb_path_query(p.attributes, 'lax $.category_ids[*]') i)
    ) w
    order by p.external_id
    on conflict (source_id, external_id) do update
      set status = excluded.status, changed_at = excluded.changed_at, title = excluded.title,
          price = excluded.price, currency = excluded.currency, price_ends_at = excluded.price_ends_at,
          words = excluded.words
      where (e.status, e.changed_at, e.title, e.price, e.currency, e.price_ends_at, e.words)
        is distinct from (excluded.status, excluded.changed_at, excluded.title, excluded.price,
          excluded.currency, excluded.price_ends_at, excluded.words);
end $$;
