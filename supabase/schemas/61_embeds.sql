-- Relations between the views, as functions that the Data API embeds: `products?select=title,variants(sku)`.

-- What the Data API embeds: `products?select=title,variants(sku,prices(amount_minor))`. PostgREST takes a function from a row of one view to rows of
-- another for a relation, to a single one when it says `rows 1`: https://docs.postgrest.org/en/stable/references/api/resource_embedding.html
-- Each has a body that was bound when it was made and sets nothing, so that Postgres puts it into the query, where indexes count.
do $$
declare
  product constant text := 'f.source = $1.source and f.product_external_id = $1.';
  variant constant text := ' and f.variant_external_id = $1.external_id';
  back constant text := 'f.source = $1.source and f.external_id = $1.product_external_id';
  r record;
begin
  for r in select * from (values
    ('variants',      'products',         'variants',       4, product || 'external_id'),
    ('prices',        'products',         'prices',         8, product || 'external_id'),
    ('price_history', 'products',         'price_history', 32, product || 'external_id'),
    ('images',        'products',         'images',         4, product || 'external_id'),
    ('changes',       'products',         'changes',       16, product || 'external_id'),
    ('prices',        'variants',         'prices',         4, product || 'product_external_id' || variant),
    ('price_history', 'variants',         'price_history', 16, product || 'product_external_id' || variant),
    ('product',       'variants',         'products',       1, back),
    ('product',       'prices',           'products',       1, back),
    ('product',       'price_history',    'products',       1, back),
    ('product',       'images',           'products',       1, back),
    ('product',       'changes',          'products',       1, back),
    ('product',       'medipim_products', 'products',       1, 'f.source = $1.source and f.external_id = $1.id'),
    ('variant',       'prices',           'variants',       1, product || 'product_external_id and f.external_id = $1.variant_external_id'),
    ('variant',       'price_history',    'variants',       1, product || 'product_external_id and f.external_id = $1.variant_external_id')
  ) as relation (name, of, target, about, condition) loop
    execute format('create function api.%I(api.%I) returns setof api.%I language sql stable rows %s begin atomic select f.* from api.%I f where %s; end',
      r.name, r.of, r.target, r.about, r.target, r.condition);
  end loop;
end $$;
