-- Generated from supabase/schemas/56_review_edits.sql until the first release: do not edit.

-- Edits: a person accepts a review with another value than the one that waits.

-- gate_edit(review, amount, currency, factor) → why the price would be held if the supplier stated it, see
-- gate_price; null if it would not.
create function catalog.gate_edit(
  p_review catalog.reviews, p_amount bigint, p_currency text, p_factor numeric
) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.gate_price(p_amount, p_currency, c.amount_minor, c.currency, s.settings ->> 'currency',
    p_factor)
  from catalog.sources s
  left join catalog.prices c on c.source_id = s.id and c.product_external_id = p_review.product_external_id
    and c.variant_external_id = p_review.variant_external_id and c.price_type = p_review.price_type
    and c.state = 'current'
  where s.id = p_review.source_id
$$;

-- to_stated(amount, currency, compare_at) → the price as `stated` of catalog.prices has it.
create function catalog.to_stated(p_amount bigint, p_currency text, p_compare_at bigint) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('amountMinor', p_amount, 'currency', p_currency, 'compareAtMinor', p_compare_at)
$$;

-- edit_price(review, amount, currency): the person's price becomes current and its change is published. The
-- held one is kept in `stated`: while the supplier states it, the person's stays, see judge_prices.
create function catalog.edit_price(p_review catalog.reviews, p_amount bigint, p_currency text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.publish_price(p_review, p_amount);
  perform catalog.end_current_price(p_review);
  insert into catalog.prices as p (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at)
    values (p_review.source_id, p_review.product_external_id, p_review.variant_external_id,
      p_review.price_type, p_review.run_id, p_amount, p_currency, 'current', p_review.opened_at)
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set stated = case when p.state = 'held'
            then catalog.to_stated(p.amount_minor, p.currency, p.compare_at_minor) end,
          amount_minor = excluded.amount_minor, currency = excluded.currency, compare_at_minor = null,
          state = 'current', expires_at = null;
end $$;

-- edit_proposal(review, value, by): the person's value becomes the enrichment of the field. It has the type
-- of the proposed one.
--   errors      usage/invalid
create function catalog.edit_proposal(p_review catalog.reviews, p_value jsonb, p_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  type text := jsonb_typeof(p_review.detail -> 'value');
begin
  if jsonb_typeof(p_value) is distinct from type or p_value in ('""', '[]', '{}') then
    perform catalog.fail('usage/invalid', format('The value of %s must be a JSON %s with content',
      p_review.detail ->> 'field', type));
  end if;
  perform catalog.publish_value(p_review, p_value);
  perform catalog.accept_value(p_review.source_id, p_review.product_external_id,
    p_review.detail ->> 'field', p_value, 'stated by a person', 1, 'person',
    decode(p_review.detail ->> 'contentHash', 'hex'), p_by);
end $$;

-- edit_review(review, value, by, reason, despite, factor): accepts an open price, disagreement or proposal
-- with the value of the person.
--   p_value     of a price or a disagreement {amountMinor, currency}; of a proposal the value
--   p_despite   accepts a price although a gate would hold it
--   p_factor    price factor in the policy of the source
--   ordering    locks the review before its price
--   errors      review/unknown, which names the person who has decided it · usage/invalid · see assert_person
create function catalog.edit_review(
  p_review bigint, p_value jsonb, p_by text, p_reason text, p_despite boolean, p_factor numeric
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews := catalog.lock_open_review(p_review);
  amount numeric;
  gate text;
begin
  perform catalog.assert_person(p_by);
  if review.kind not in ('price', 'disagreement', 'proposal') then
    perform catalog.fail('usage/invalid', format('Review %s has no value to edit', p_review));
  elsif review.kind = 'proposal' then
    perform catalog.edit_proposal(review, p_value, p_by);
  else
    amount := p_value ->> 'amountMinor';
    if amount is null or amount <> trunc(amount) or amount not between 0 and 9007199254740991
        or coalesce(p_value ->> 'currency', '') !~ '^[A-Z]{3}$' then
      perform catalog.fail('usage/invalid', 'A price is a whole number of minor units with a currency');
    end if;
    gate := catalog.gate_edit(review, amount::bigint, p_value ->> 'currency', p_factor);
    if gate is not null and not p_despite then
      perform catalog.fail('usage/invalid', format(
        'This price would be held too: %s. State that you accept it nevertheless, or another price', gate));
    end if;
    perform catalog.edit_price(review, amount::bigint, p_value ->> 'currency');
  end if;
  perform catalog.index_products(review.source_id, array[review.product_external_id]);
  update catalog.reviews
    set state = 'approved', decided_at = now(), decided_by = p_by,
        detail = detail || jsonb_build_object('edited', p_value)
    where source_id = review.source_id and id = p_review;
  perform catalog.record_decision(review, 'edit', p_by, p_reason, jsonb_build_object('value', p_value)
    || case when gate is null then '{}' else jsonb_build_object('despite', gate) end);
end $$;
