-- Images that are stored: the copies by their content, and the addresses that they come from. The images of
-- products are rows of `images`, with the supplier's address. src/downstream/images fills these tables.

-- A stored copy, once for all products and sources whose image has this content.
create table catalog.blobs (
  sha256      bytea primary key check (octet_length(sha256) = 32),
  type        text not null,                   -- by its first bytes, such as `image/jpeg`
  bytes       bigint not null,
  width       integer,                         -- in pixels; null if its header does not state it
  height      integer,                         -- see width
  target      text not null,                   -- the setting IMAGES when it was stored
  object      text not null,                   -- the key or the id of the object there
  cdn_url     text not null,
  stored_at   timestamptz not null,
  -- Since when its object is being removed: nothing may refer to it until the row is deleted.
  removing_at timestamptz
);

-- The work at one host, which one process does at a time. A host that takes several requests at once, such as
-- that of a CDN, has several channels.
create table catalog.image_channels (
  channel      text collate "C" primary key,
  host         text not null,
  due_at       timestamptz,                    -- of its next address; null if none waits
  token        bigint not null default 0,      -- fencing token of the newest lease
  leased_until timestamptz,
  paused_until timestamptz,                    -- as the host demands, or because it is flagged
  refusals     integer not null default 0,     -- refused requests in a row
  flagged_at   timestamptz,                    -- since when it gets only one request a day
  flag_reason  text
);
create index image_channels_due on catalog.image_channels (due_at) where due_at is not null;

-- An address, once for all images that name it. Sizes and versions of one picture have the same key.
create table catalog.image_addresses (
  id            bigint generated always as identity primary key,
  key           bytea not null unique check (octet_length(key) = 32),
  url           text not null,                 -- as it is requested
  version       numeric,                       -- of the newest address, such as Shopify's `v`
  channel       text collate "C" not null,
  state         text not null default 'waiting' check (state in ('waiting', 'stored', 'failed')),
  due_at        timestamptz not null,
  attempts      integer not null default 0,    -- failed ones since the last success
  code          text,                          -- of the last failure
  reason        text,                          -- of the last failure
  sha256        bytea references catalog.blobs (sha256),
  etag          text,                          -- of the last response, for the next request
  last_modified text,                          -- see etag
  changed_at    timestamptz not null,          -- of its state or its last failure
  unused_since  timestamptz                    -- since when no image names it
);
create index image_addresses_waiting on catalog.image_addresses (channel, due_at) where state = 'waiting';
create index image_addresses_failed on catalog.image_addresses (id) where state = 'failed';
create index image_addresses_blob on catalog.image_addresses (sha256);
create index image_addresses_unused on catalog.image_addresses (unused_since) where unused_since is not null;
