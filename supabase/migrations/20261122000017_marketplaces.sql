-- Generated from supabase/schemas/17_marketplaces.sql until the first release: do not edit.

-- Marketplaces of Amazon. The rows are those of src/connectors/amazon/marketplaces.ts, which the connector
-- reads; `src/connectors/amazon/views.test.ts` compares them. Hosts and regions are those of the retired
-- PA-API 5.0: the Creators API has one address for all marketplaces.

create table catalog.marketplaces (
  code          text collate "C" primary key,        -- header of requests, such as www.amazon.de
  -- The same in every database.
  id            uuid not null unique generated always as (md5('marketplace ' || code)::uuid) stored,
  region_name   text not null,                       -- of the country, such as Germany
  host          text not null,                       -- of PA-API 5.0
  region        text not null,                       -- of PA-API 5.0, such as eu-west-1
  currency      text not null check (currency ~ '^[A-Z]{3}$'),
  languages     text[] not null,                     -- the default one first
  -- Shown before the links of products state one. Requests use the tag of the source or of the environment.
  associate_tag text check (associate_tag ~ '^[A-Za-z0-9_-]{1,64}$')
);

insert into catalog.marketplaces (code, region_name, host, region, currency, languages)
  select 'www.amazon.' || domain, region_name, 'webservices.amazon.' || domain, region, currency,
    languages::text[]
  from (values
    ('com.au', 'Australia',            'us-west-2', 'AUD', '{en_AU}'),
    ('com.be', 'Belgium',              'eu-west-1', 'EUR', '{fr_BE,nl_BE,en_GB}'),
    ('com.br', 'Brazil',               'us-east-1', 'BRL', '{pt_BR}'),
    ('ca',     'Canada',               'us-east-1', 'CAD', '{en_CA,fr_CA}'),
    ('eg',     'Egypt',                'eu-west-1', 'EGP', '{en_AE,ar_AE}'),
    ('fr',     'France',               'eu-west-1', 'EUR', '{fr_FR}'),
    ('de',     'Germany',              'eu-west-1', 'EUR', '{de_DE,cs_CZ,en_GB,nl_NL,pl_PL,tr_TR}'),
    ('in',     'India',                'eu-west-1', 'INR', '{en_IN,hi_IN,kn_IN,ml_IN,ta_IN,te_IN}'),
    ('ie',     'Ireland',              'eu-west-1', 'EUR', '{en_IE}'),
    ('it',     'Italy',                'eu-west-1', 'EUR', '{it_IT}'),
    ('co.jp',  'Japan',                'us-west-2', 'JPY', '{ja_JP,en_US,zh_CN}'),
    ('com.mx', 'Mexico',               'us-east-1', 'MXN', '{es_MX}'),
    ('nl',     'Netherlands',          'eu-west-1', 'EUR', '{nl_NL}'),
    ('pl',     'Poland',               'eu-west-1', 'PLN', '{pl_PL}'),
    ('sg',     'Singapore',            'us-west-2', 'SGD', '{en_SG}'),
    ('sa',     'Saudi Arabia',         'eu-west-1', 'SAR', '{en_AE,ar_AE}'),
    ('es',     'Spain',                'eu-west-1', 'EUR', '{es_ES}'),
    ('se',     'Sweden',               'eu-west-1', 'SEK', '{sv_SE}'),
    ('com.tr', 'Türkiye',              'eu-west-1', 'TRY', '{tr_TR}'),
    ('ae',     'United Arab Emirates', 'eu-west-1', 'AED', '{en_AE,ar_AE}'),
    ('co.uk',  'United Kingdom',       'eu-west-1', 'GBP', '{en_GB}'),
    ('com',    'United States',        'us-east-1', 'USD', '{en_US,de_DE,es_US,ko_KR,pt_BR,zh_CN,zh_TW}')
  ) as marketplace (domain, region_name, region, currency, languages);
