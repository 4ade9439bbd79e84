import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canonicalAddress,
  credentialsOf,
  findRedisFault,
  findUnencoded,
  parsePostgresUrl,
  secretsOfAddress,
  showableAddress,
} from './connection-address.ts'

test('each character that ends a password early is reported with its encoding', () => {
  const cases = [
    ['2024/Summer', '"/" as %2F'],
    ['a?b', '"?" as %3F'],
    ['a#b', '"#" as %23'],
    ['a@b', '"@" as %40'],
    ['a\\b', '"\\" as %5C'],
    ['p%ss', '"%" as %25'],
    ['a b', '" " as %20'],
    ['/#/%@', '"/" as %2F, "#" as %23, "%" as %25 and "@" as %40'],
  ] as const
  for (const [password, ways] of cases) {
    const said = findUnencoded(`postgres://user:${password}@db.example:5432/postgres`)
    assert.equal(
      said,
      `user name and password to be percent-encoded: write ${ways} before the last "@"`,
    )
  }
  assert.match(findUnencoded('postgres://user:a%FF@db.example/x') ?? '', /UTF-8/)
  assert.match(findUnencoded('postgres://user:a@db.example/x%') ?? '', /after the host/)
})

test('an address with any encoded password is parsed correctly', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'grapheme' }),
      (user, password) => {
        const written = `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@db.example:5432/postgres?x=1`
        assert.equal(findUnencoded(written), null)
        assert.deepEqual(credentialsOf(written), { user, password })
        const url = new URL(canonicalAddress(written))
        assert.deepEqual(
          [url.hostname, url.port, url.pathname, decodeURIComponent(url.password)],
          ['db.example', '5432', '/postgres', password],
        )
        assert.equal(showableAddress(written), 'postgres://db.example:5432/postgres')
      },
    ),
  )
})

test('text between "//" and the last "@" is never repeated', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (secret) => {
      const address = `redis://user:Kx7${secret}Qz9@queue.example:6379/0`
      for (const said of [findUnencoded(address) ?? '', showableAddress(address)])
        assert.doesNotMatch(said, /Kx7|Qz9/)
      if (findUnencoded(address) !== null) assert.equal(credentialsOf(address), null)
    }),
  )
})

test('characters that every parser accepts need no encoding', () => {
  const { user, password } =
    credentialsOf('postgres://me:a:b^c|"<>!$&()*+,;=ü[x]{y}@db.example/x') ?? {}
  assert.deepEqual([user, password], ['me', 'a:b^c|"<>!$&()*+,;=ü[x]{y}'])
})

test('a password is a secret both encoded and decoded, also in the query; a password equal to the user name is not', () => {
  assert.deepEqual(
    secretsOfAddress('postgres://me:p%40ss@db.example/x?sslpassword=cert-pw&sslmode=require'),
    ['p%40ss', 'p@ss', 'cert-pw'],
  )
  assert.deepEqual(secretsOfAddress('postgres://postgres:postgres@localhost/postgres'), [])
  assert.deepEqual(secretsOfAddress('redis://queue.example'), [])
})

test('host and port of a Postgres address are read as libpq reads them', () => {
  const placeOf = (address: string): string | null => {
    const url = parsePostgresUrl(address)
    return (
      url &&
      `${decodeURIComponent(url.password)} ${decodeURIComponent(url.hostname)} ${url.port} ${url.pathname}${url.search}`
    )
  }
  assert.equal(
    placeOf('postgres://u:p%2F@/x?host=/var/run/postgresql'),
    'p/ /var/run/postgresql  /x',
  )
  assert.equal(
    placeOf('postgres:///x?host=/var/run/postgresql&port=5433'),
    ' /var/run/postgresql 5433 /x',
  )
  assert.equal(placeOf('postgres://u:p@%2Fvar%2Frun%2Fpostgresql/x'), 'p /var/run/postgresql  /x')
  assert.equal(
    placeOf('postgres://u:p@/x?host=db.example&sslmode=require'),
    'p db.example  /x?sslmode=require',
  )
  assert.equal(placeOf('postgres://u:p@localhost/x?host=db.example'), 'p db.example  /x')
  assert.equal(placeOf('postgres://u:p@/x?host=2001:db8::1'), 'p [2001:db8::1]  /x')
  for (const local of ['postgres://u:p@/x', 'postgres://u:p@localhost/x'])
    assert.equal(placeOf(local), 'p localhost  /x')
  assert.equal(placeOf('postgresql://u:p@:5433/x'), 'p localhost 5433 /x')
  for (const wrong of [
    'postgres://u:p@db.example/x?port=p',
    'postgres://u:p@db.example/x?port=99999',
    'postgres://u:p@/x?host=a,b',
    'postgres://u:p@[::1/x',
    'redis://u:p@a',
  ])
    assert.equal(placeOf(wrong), null, wrong)
})

test('the address of a Redis contains valid hosts', () => {
  for (const right of [
    'redis://queue.example',
    'redis://:p@[::1]:6379/3',
    'rediss://queue.example:6380/',
    'redis-cluster://a.example:1,[::1]:2',
    'redis-sentinel://u:p@a.example,b.example/mymaster',
  ]) {
    assert.equal(findRedisFault(right), null, right)
  }
  for (const wrong of [
    'redis://',
    'redis:///var/run/redis.sock',
    'redis://:p@queue.example:99999',
    'redis://queue.example/x',
    'redis-cluster://a.example:1,',
    'redis-cluster://[::1',
    'redis-sentinel://u:p@/mymaster',
  ]) {
    assert.match(findRedisFault(wrong) ?? '', /host/, wrong)
  }
})
