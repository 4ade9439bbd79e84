import { createClient } from '@supabase/supabase-js'

const supabase = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_SECRET_KEY)
const api = supabase.schema('api')

const { data, error } = await api.rpc('rpc_upsert_product', {
  p_source: 'tea-shop',
  p_platform_product_id: 'green-tea',
  p_name: 'Green Tea',
  p_variants: [
    { platform_variant_id: '250', title: '250 g', weight_g: 250, price: '10.00', currency: 'EUR' },
    { platform_variant_id: '500', title: '500 g', weight_g: 500, price: '18.50', currency: 'EUR' },
  ],
  p_images: [{ url: 'https://tea.example/green.jpg', alt: 'The bag' }],
})
if (error) throw new Error(`${error.message} ${error.hint}`)
console.log(data[0].outcome)

const { data: priced } = await api.rpc('rpc_insert_price', {
  p_source: 'tea-shop',
  p_platform_product_id: 'green-tea',
  p_platform_variant_id: '250',
  p_price: 100,
  p_currency: 'EUR',
})
console.log(priced[0].outcome, priced[0].reviews.length)
