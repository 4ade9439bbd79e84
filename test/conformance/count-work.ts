// Counts work without a clock: the elements that array methods and iteration visit, and the members
// that are read from a record. The count is the same on every machine and under every load.

/** Methods whose callback is called once for each element that is visited. */
const WITH_CALLBACK = [
  'every',
  'filter',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'flatMap',
  'forEach',
  'map',
  'reduce',
  'reduceRight',
  'some',
  'sort',
  'toSorted',
] as const

/** Methods that stop at the element whose index they return. */
const SEARCHES = ['includes', 'indexOf', 'lastIndexOf'] as const

/** Methods that copy or move the whole array. */
const WHOLE = ['concat', 'join', 'shift', 'slice', 'splice', 'toReversed', 'unshift'] as const

type Method = (this: unknown[], ...parameters: unknown[]) => unknown

/**
 * Counts the visits of `work`, which must be synchronous, because the built-in methods are replaced
 * during the call.
 */
export function countWork(record: unknown, work: (record: unknown) => void): number {
  let count = 0
  const visit = (elements: number): void => void (count += elements)
  const restore = replaceMethods(visit)
  try {
    work(countReads(record, () => visit(1)))
  } finally {
    restore()
  }
  return count
}

function replaceMethods(visit: (elements: number) => void): () => void {
  const prototype = Array.prototype as unknown as Record<string | symbol, Method>
  const originals = new Map<string | symbol, Method>()
  const replace = (name: string | symbol, wrap: (original: Method) => Method): void => {
    const original = prototype[name]
    if (original === undefined) throw new Error(`Array.prototype has no ${String(name)}`)
    originals.set(name, original)
    define(prototype, name, wrap(original))
  }
  for (const name of WITH_CALLBACK) replace(name, (original) => withCallback(original, visit))
  for (const name of SEARCHES)
    replace(
      name,
      (original) =>
        function (...parameters) {
          const found = original.apply(this, parameters)
          visit(typeof found === 'number' && found >= 0 ? found + 1 : this.length)
          return found
        },
    )
  for (const name of WHOLE)
    replace(
      name,
      (original) =>
        function (...parameters) {
          visit(this.length)
          return original.apply(this, parameters)
        },
    )
  for (const name of [Symbol.iterator, 'values', 'entries'])
    replace(name, (original) => withSteps(original, visit))
  return () => {
    for (const [name, original] of originals) define(prototype, name, original)
  }
}

/** Defines a method as the built-in ones are: not enumerable, so that `for … in` skips it. */
function define(target: object, name: string | symbol, value: Method): void {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  })
}

function withCallback(original: Method, visit: (elements: number) => void): Method {
  return function (callback, ...rest) {
    if (typeof callback !== 'function') return original.call(this, callback, ...rest)
    const counted = function (this: unknown, ...parameters: unknown[]): unknown {
      visit(1)
      return Reflect.apply(callback, this, parameters)
    }
    return original.call(this, counted, ...rest)
  }
}

function withSteps(original: Method, visit: (elements: number) => void): Method {
  return function () {
    const iterator = original.call(this) as Iterator<unknown>
    return {
      next() {
        visit(1)
        return iterator.next()
      },
      [Symbol.iterator]() {
        return this
      },
    }
  }
}

/**
 * Returns a proxy of the value that reports every member read from it or from a value inside it.
 */
function countReads(value: unknown, onRead: () => void): unknown {
  const proxies = new WeakMap<object, unknown>()
  const wrap = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner
    const known = proxies.get(inner)
    if (known !== undefined) return known
    const proxy = new Proxy(inner, {
      get(target, name) {
        onRead()
        return wrap(Reflect.get(target, name))
      },
    })
    proxies.set(inner, proxy)
    return proxy
  }
  return wrap(value)
}
