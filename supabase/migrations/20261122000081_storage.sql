-- Generated from supabase/schemas/81_storage.sql until the first release: do not edit.

-- The bucket of the artifacts in a Supabase project: private, and without a file size limit other than that
-- of the project. Nothing happens in a Postgres without Storage, or when the bucket exists. Over the Storage
-- API, Shelfsync creates the bucket that BUCKET names when it is missing, and refuses a public one.
-- https://supabase.com/docs/guides/storage/buckets/creating-buckets
do $$
begin
  if to_regclass('storage.buckets') is not null then
    insert into storage.buckets (id, name, public) values ('medipim-raw', 'medipim-raw', false)
      on conflict do nothing;
  end if;
exception when insufficient_privilege then
  raise notice 'The bucket medipim-raw was not created: %', sqlerrm;
end $$;
