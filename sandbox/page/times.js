// times: how a moment looks to a person (in that person's time zone). Used by marks.js and the panes; keeps no state.

function formatter(zone, options) {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone || undefined, ...options });
  } catch {
    return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options }); // a zone this browser does not know
  }
}

const part = (ms, zone, options) => formatter(zone, options).format(ms);

export const clock = (ms, zone) => part(ms, zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
export const clockSeconds = (ms, zone) =>
  part(ms, zone, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
export const longDay = (ms, zone) => part(ms, zone, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
export const fullMoment = (ms, zone) => `${longDay(ms, zone)} at ${clockSeconds(ms, zone)}`;
const isoDay = (ms, zone) => {
  const of = Object.fromEntries(formatter(zone, { year: 'numeric', month: '2-digit', day: '2-digit' })
    .formatToParts(ms).map(({ type, value }) => [type, value]));
  return `${of.year}-${of.month}-${of.day}`;
};

// "Today", "Yesterday" or the day, as the line between two days of a conversation says it.
export function dayName(ms, zone, now) {
  const day = isoDay(ms, zone);
  if (day === isoDay(now, zone)) return 'Today';
  if (day === isoDay(now - 86_400_000, zone)) return 'Yesterday';
  return longDay(ms, zone);
}

function ago(ms, now) {
  const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]];
  const [unit, size] = units.find(([, n]) => Math.abs(now - ms) >= n) ?? units[3];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.round((now - ms) / size), unit);
}

// Slack's <!date^unix^format^link|fallback>: the tokens of the format, in the reader's zone. null = not a date we
// can show; the caller then shows the fallback, as Slack's old clients do.
export function slackDate(seconds, format, zone, now) {
  const ms = Number(seconds) * 1000;
  if (!/^\d{1,11}$/.test(seconds) || !format) return null;
  const day = dayName(ms, zone, now).toLowerCase();
  const pretty = (text) => (day === 'today' || day === 'yesterday' ? day : text);
  const date = part(ms, zone, { day: 'numeric', month: 'long', year: 'numeric' });
  const short = part(ms, zone, { day: 'numeric', month: 'short', year: 'numeric' });
  const words = {
    date_num: isoDay(ms, zone), date, date_short: short, date_long: longDay(ms, zone),
    date_pretty: pretty(date), date_short_pretty: pretty(short), date_long_pretty: pretty(longDay(ms, zone)),
    time: clock(ms, zone), time_secs: clockSeconds(ms, zone), ago: ago(ms, now),
  };
  return format.replace(/\{(\w+)\}/g, (token, name) => words[name] ?? token);
}
