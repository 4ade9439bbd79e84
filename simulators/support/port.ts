// The option --port of simulators.

/** 0, a free port, without the option. @throws Error with a message for the user */
export function parsePort(text = '0'): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new Error(`--port must be a whole number up to 65535, not "${text}"`)
  return port
}
