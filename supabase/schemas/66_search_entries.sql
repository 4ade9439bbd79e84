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
  -- The lowest current price in units of its currency, see find_shown_price; null without one.
  price              numeric,
  currency           text,                           -- of `price`
  price_ends_at      timestamptz,                    -- end of the licence of `price`, if it has its own
  -- Lexemes: words of the title, the brand and the manufacturer; codes with `#`; and facets with `=`, such as
  -- `=a:in_stock`. No word has such a mark.
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

-- fold_words(text) → the words of the text, folded, with one space between them. An apostrophe is no
-- separator: `L'Oréal` → `loreal`.
create function catalog.fold_words(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  -- Ranges of code points rather than classes, whose letters depend on the locale of the database.
  return btrim(regexp_replace(translate(catalog.fold_text(p_text), '''’ʼ`', ''), '[\u0001-/:-@\[-\u0060'
    '\u007b-\u00bf\u2000-\u206f\u2e00-\u2e7f\u3000-\u303f\uff00-\uff0f]+', ' ', 'g'), ' ');
end $$;

-- fold_code(text) → the code without separators and, if it is a number, without leading zeros: a GTIN is the
-- same in each of its lengths, and `ab-12` is `AB 12`. Null if nothing is left of it.
create function catalog.fold_code(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  p_text := replace(catalog.fold_words(left(p_text, 200)), ' ', '');
  return nullif(left(case when p_text ~ '^0\d*$' then ltrim(p_text, '0') else p_text end, 100), '');
end $$;

-- list_codes(identifiers) → the codes of a product, of every scheme.
create function catalog.list_codes(p_identifiers jsonb) returns setof text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select c.value from jsonb_each(p_identifiers) i
  cross join lateral jsonb_array_elements_text(
    case jsonb_typeof(i.value) when 'array' then i.value else jsonb_build_array(i.value) end) c
$$;

-- compose_words(…) → the lexemes of a product, see search_entries. At most 250 words and 100 codes.
create function catalog.compose_words(
  p_title text, p_brand text, p_manufacturer text, p_codes text[], p_availability text, p_categories jsonb
) returns tsvector
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  plain text := left(concat_ws(' ', p_title, p_brand, p_manufacturer), 2000);
  folded text := catalog.fold_words(plain);
begin
  -- After an apostrophe begins another word too: `oreal` finds `L'Oréal`.
  if plain ~ '[''’]' then
    folded := folded || ' ' || catalog.fold_words(translate(plain, '''’', '  '));
  end if;
  return array_to_tsvector(array(
    select left(w, 100) from unnest((string_to_array(folded, ' '))[:250]) w where w <> ''
    union all
    select '#' || catalog.fold_code(c) from unnest(p_codes[:100]) c where catalog.fold_code(c) is not null
    union all select '=a:' || p_availability where p_availability is not null
    union all select '=b:' || left(catalog.fold_words(p_brand), 100) where p_brand is not null
    union all
    select '=c:' || left(c, 100) from jsonb_array_elements_text(
      case jsonb_typeof(p_categories) when 'array' then p_categories else '[]' end) c));
end $$;

-- find_shown_price(source, product) → the lowest current price of its variants: of the type `public`,
-- otherwise of `list`, otherwise of the first other type by name.
create function catalog.find_shown_price(
  p_source integer, p_product text, out price numeric, out currency text, out ends_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select round(c.amount_minor / 10::numeric ^ d.decimals, d.decimals), c.currency, c.expires_at
  from catalog.prices c cross join lateral (select catalog.count_decimals(c.currency) as decimals) d
  where c.source_id = p_source and c.product_external_id = p_product and c.state = 'current'
    and c.amount_minor is not null and (c.expires_at is null or c.expires_at > now())
  order by c.price_type <> 'public', c.price_type <> 'list', c.price_type, c.amount_minor limit 1
$$;

-- index_products(source, products): writes the search entries of these products.
--   idempotent  a product whose entry is right costs no write
create function catalog.index_products(p_source integer, p_products text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.search_entries as e
      (source_id, external_id, status, changed_at, title, price, currency, price_ends_at, words)
    select p_source, p.external_id, p.status, p.changed_at,
      left(catalog.fold_words(coalesce(p.title, '')), 100), c.price, c.currency, c.ends_at,
      catalog.compose_words(p.title, p.brand, p.manufacturer,
        p.external_id || v.codes || array(select catalog.list_codes(p.identifiers)), v.availability,
        p.attributes -> 'category_ids')
    from unnest(p_products) named
    cross join lateral (
      select * from catalog.products o where o.source_id = p_source and o.external_id = named offset 0
    ) p
    cross join lateral (
      select coalesce(array_agg(o.sku) filter (where o.sku is not null), '{}')
          || coalesce(array_agg(o.gtin) filter (where o.gtin is not null), '{}') as codes,
        (array_agg(o.availability order by
          array_position('{in_stock,preorder,out_of_stock,discontinued}', o.availability)))[1]
          as availability
      from catalog.variants o
      where o.source_id = p_source and o.product_external_id = named and o.removed_at is null
    ) v
    cross join lateral catalog.find_shown_price(p_source, named) c
    order by p.external_id
    on conflict (source_id, external_id) do update
      set status = excluded.status, changed_at = excluded.changed_at, title = excluded.title,
          price = excluded.price, currency = excluded.currency, price_ends_at = excluded.price_ends_at,
          words = excluded.words
      where (e.status, e.changed_at, e.title, e.price, e.currency, e.price_ends_at, e.words)
        is distinct from (excluded.status, excluded.changed_at, excluded.title, excluded.price,
          excluded.currency, excluded.price_ends_at, excluded.words);
end $$;
