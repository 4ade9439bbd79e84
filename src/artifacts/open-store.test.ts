import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { openStore, type StoreAccess } from './open-store.ts'

const ACCESS: StoreAccess = {
  supabase: { url: 'https://x.supabase.co/', secretKey: 'sb_secret_x', bucket: 'medipim-raw' },
  home: '.shelfsync',
  s3: {
    endpoint: 'http://127.0.0.1:9000',
    region: 'ap-southeast-2',
    key: { id: 'id', secret: 'secret' },
  },
}

test('file: opens a folder, relative to a base', () => {
  const folders = {
    'file:store': '/home/shop/store',
    'file:./store/': '/home/shop/store',
    'file:/var/store': '/var/store',
    'file:///var/store': '/var/store',
  }
  for (const [location, path] of Object.entries(folders))
    assert.equal(openStore(location, '/home/shop').describe(), `file:${path}`)
})

test('supabase: opens a bucket of the project, the default one unless named', () => {
  assert.equal(
    openStore('supabase:', '/', ACCESS).describe(),
    'supabase:medipim-raw at x.supabase.co',
  )
  assert.equal(
    openStore('supabase:other', '/', ACCESS).describe(),
    'supabase:other at x.supabase.co',
  )
  assert.throws(() => openStore('supabase:', '/', { ...ACCESS, supabase: null }), /SUPABASE_URL/)
})

test('s3: opens a bucket with an optional prefix, on AWS unless an endpoint is set', () => {
  assert.equal(openStore('s3://raw', '/').describe(), 's3://raw/')
  assert.equal(openStore('s3://raw/', '/').describe(), 's3://raw/')
  assert.equal(
    openStore('s3://raw/shelf/sync/', '/', ACCESS).describe(),
    's3://raw/shelf/sync/ at 127.0.0.1:9000',
  )
})

test('any other location is rejected without repeating it', () => {
  for (const location of [
    '',
    'file:',
    's3:',
    's3://',
    's3:raw',
    'ftp://key:secret@host/x',
    '/var/store',
  ]) {
    assert.throws(
      () => openStore(location, '/'),
      (error) => {
        return (
          error instanceof SyncError &&
          error.code === 'settings/invalid' &&
          !error.message.includes('secret')
        )
      },
      location,
    )
  }
})
