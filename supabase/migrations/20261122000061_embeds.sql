-- Generated from supabase/schemas/61_embeds.sql until the first release: do not edit.

-- Relations between the views, which the Data API embeds:
-- `products?select=title,variants(sku,prices(amount_minor))`. PostgREST takes a function from a row of one
-- view to rows of another for a relation, to one row if it says `rows 1`:
-- https://docs.postgrest.org/en/stable/references/api/resource_embedding.html
--
-- The bodies are bound to the views when they are created, and the functions have no settings. Postgres
-- therefore inlines them into the query, where it can use indexes.

-- embed_view(name, from, to, rows, condition): creates the relation `p_name` from a row of the view
-- `p_from` to rows of the view `p_to`.
--   p_rows        estimate of the rows that it returns
--   p_condition   on `f`, a row of `p_to`, and `$1`, the row of `p_from`
create function catalog.embed_view(p_name text, p_from text, p_to text, p_rows integer, p_condition text)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('create function api.%I(api.%I) returns setof api.%I language sql stable rows %s
      begin atomic select f.* from api.%I f where %s; end',
    p_name, p_from, p_to, p_rows, p_to, p_condition);
end $$;

do $$
declare
  of_product constant text := 'f.source = $1.source and f.product_external_id = $1.external_id';
  of_variant constant text := 'f.source = $1.source and f.product_external_id = $1.product_external_id
    and f.variant_external_id = $1.external_id';
  its_product constant text := 'f.source = $1.source and f.external_id = $1.product_external_id';
  its_variant constant text := 'f.source = $1.source and f.product_external_id = $1.product_external_id
    and f.external_id = $1.variant_external_id';
  of_medipim constant text := 'f.source = $1.source and f.external_id = $1.id';
begin
  perform catalog.embed_view(name, from_view, to_view, row_estimate, condition) from (values
    ('variants',      'products',         'variants',       4, of_product),
    ('prices',        'products',         'prices',         8, of_product),
    ('price_history', 'products',         'price_history', 32, of_product),
    ('images',        'products',         'images',         4, of_product),
    ('changes',       'products',         'changes',       16, of_product),
    ('enrichments',   'products',         'enrichments',    4, of_product),
    ('prices',        'variants',         'prices',         4, of_variant),
    ('price_history', 'variants',         'price_history', 16, of_variant),
    ('product',       'variants',         'products',       1, its_product),
    ('product',       'prices',           'products',       1, its_product),
    ('product',       'price_history',    'products',       1, its_product),
    ('product',       'images',           'products',       1, its_product),
    ('product',       'changes',          'products',       1, its_product),
    ('product',       'medipim_products', 'products',       1, of_medipim),
    ('variant',       'prices',           'variants',       1, its_variant),
    ('variant',       'price_history',    'variants',       1, its_variant)
  ) as relation (name, from_view, to_view, row_estimate, condition);
end $$;
