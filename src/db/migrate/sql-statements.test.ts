import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitSql } from './sql-statements.ts'

test('a script is split only at the semicolons that end statements', () => {
  const script = `-- a comment; not a statement
select ';' as "a;b"; /* ; */ select e'it\\'s;' , 'it''s;';

create function f() returns text language sql as $body$
  select $$;$$;
$body$;
do $$ begin perform 1; end $$;
-- the end;
select $1;select a$b from c`
  assert.deepEqual(
    splitSql(script).map(({ line, sql }) => [line, sql.split('\n')[0]]),
    [
      [2, `select ';' as "a;b"`],
      [2, `select e'it\\'s;' , 'it''s;'`],
      [4, 'create function f() returns text language sql as $body$'],
      [7, 'do $$ begin perform 1; end $$'],
      [9, 'select $1'],
      [9, 'select a$b from c'],
    ],
  )
})

test('a script without statements yields none', () => {
  assert.deepEqual(splitSql('-- nothing;\n/* at\nall */ ;;\n'), [])
})
