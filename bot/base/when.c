/* when: calendar arithmetic on milliseconds. Anybody may call it; it reads no clock, no locale and
 * no time zone. */
#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>

#define YEAR_10000_MS INT64_C(253402300800000)
#define SPAN_MAX_MS   (366 * DAY_MS)

struct moment {
	int year, month, day, hour, minute, second, ms; /* month 1..12, day 1..31 */
};

/* Days since 1970 to a date, by eras of 400 years that begin on 1 March (H. Hinnant,
 * "chrono-compatible low-level date algorithms"). */
static struct moment moment_of(int64_t ms)
{
	const int64_t day = ms / DAY_MS + 719468;
	const int in_day = (int)(ms % DAY_MS);
	const int doe = (int)(day % 146097); /* day of the era */
	const int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const int mp = (5 * doy + 2) / 153; /* month, March = 0 */
	const int month = mp < 10 ? mp + 3 : mp - 9;

	return (struct moment){
		.year = (int)(day / 146097) * 400 + yoe + (month <= 2 ? 1 : 0),
		.month = month,
		.day = doy - (153 * mp + 2) / 5 + 1,
		.hour = in_day / (int)HOUR_MS,
		.minute = in_day / (int)MINUTE_MS % 60,
		.second = in_day / (int)SECOND_MS % 60,
		.ms = in_day % (int)SECOND_MS,
	};
}

/* At an offset; false out of the years 1970..9999. */
static bool moment_at(int64_t ms, int offset_s, struct moment *out)
{
	int64_t local;

	if (__builtin_add_overflow(ms, offset_s * SECOND_MS, &local) || local < 0 ||
	    local >= YEAR_10000_MS)
		return false;
	*out = moment_of(local);
	return true;
}

struct when_text when_rfc3339(int64_t ms)
{
	struct when_text t = { "?" };
	struct moment m;

	if (moment_at(ms, 0, &m))
		(void)snprintf(t.text, sizeof(t.text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
			       m.year % 10000, m.month % 100, m.day % 100, m.hour % 100,
			       m.minute % 100, m.second % 100, m.ms % 1000);
	return t;
}

struct when_text when_clock(int64_t ms, int offset_s)
{
	struct when_text t = { "?" };
	struct moment m;

	if (moment_at(ms, offset_s, &m))
		(void)snprintf(t.text, sizeof(t.text), "%02d:%02d", m.hour, m.minute);
	return t;
}

struct when_text when_day_clock(int64_t ms, int offset_s)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct when_text t = { "?" };
	struct moment m;

	if (moment_at(ms, offset_s, &m))
		(void)snprintf(t.text, sizeof(t.text), "%d %s %02d:%02d", m.day,
			       months[m.month - 1], m.hour, m.minute);
	return t;
}

struct when_text when_span(int64_t ms)
{
	struct when_text t;
	const int64_t minutes =
		ms < MINUTE_MS ? 1 : ms / MINUTE_MS + (ms % MINUTE_MS >= MINUTE_MS / 2);
	const int64_t hours = (minutes + 30) / 60;
	const int64_t days = (hours + 12) / 24;
	/* "90 minutes" and "36 hours" stay: half as much again would be too rough a rounding. */
	const bool in_minutes = minutes < 120 && minutes != 60;
	const bool in_hours = hours < 48 && hours != 24;
	const int64_t n = in_minutes ? minutes : in_hours ? hours : days;
	const char *unit = in_minutes ? "minute" : in_hours ? "hour" : "day";

	(void)snprintf(t.text, sizeof(t.text), "%" PRId64 " %s%s", n, unit, n == 1 ? "" : "s");
	return t;
}

bool when_parse_span(struct str s, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "ms", 1 },
		      { "s", SECOND_MS },
		      { "m", MINUTE_MS },
		      { "h", HOUR_MS },
		      { "d", DAY_MS } };
	size_t digits = 0;
	int64_t n;

	while (digits < s.n && s.at[digits] >= '0' && s.at[digits] <= '9')
		digits++;
	if (!str_int((struct str){ s.at, digits }, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_is((struct str){ s.at + digits, s.n - digits }, units[i].name) &&
		    n <= SPAN_MAX_MS / units[i].ms) {
			*ms = n * units[i].ms;
			return true;
		}
	}
	return false;
}
