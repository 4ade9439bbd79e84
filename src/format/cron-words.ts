// A cron expression as text: `every day at 03:17`. Only the common forms have words.

const DAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
]

/** Returns null for an expression that has no short words. */
export function describeCron(cron: string): string | null {
  const [minute = '', hour = '', date = '', month = '', weekday = '', ...rest] = cron
    .trim()
    .split(/\s+/)
  if (rest.length > 0 || date !== '*' || month !== '*') return null
  const day = weekday === '*' ? null : findDay(weekday)
  if (day === undefined) return null
  const times = describeTimes(minute, hour)
  if (times === null) return null
  if (times.startsWith('every')) return day === null ? times : `${times} on ${day}s`
  return day === null ? `every day at ${times}` : `every ${day} at ${times}`
}

function describeTimes(minute: string, hour: string): string | null {
  const [, step] = /^\*\/(\d+)$/.exec(minute) ?? []
  if (step !== undefined) return hour === '*' ? `every ${step} minutes` : null
  if (!/^\d{1,2}$/.test(minute)) return null
  const at = minute.padStart(2, '0')
  if (hour === '*') return `every hour at minute ${Number(minute)}`
  const [, hours] = /^\*\/(\d+)$/.exec(hour) ?? []
  if (hours !== undefined) return `every ${hours} hours at minute ${Number(minute)}`
  if (!/^\d{1,2}(,\d{1,2})*$/.test(hour)) return null
  const all = hour.split(',').map((one) => `${one.padStart(2, '0')}:${at}`)
  return all.length === 1 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}

/** Returns undefined for anything but one day. */
function findDay(weekday: string): string | undefined {
  if (/^[0-7]$/.test(weekday)) return DAYS[Number(weekday)]
  return DAYS.find((day) => day.slice(0, 3).toLowerCase() === weekday.toLowerCase())
}
