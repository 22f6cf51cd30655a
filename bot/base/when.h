/* when: time as arithmetic. Milliseconds since 1970 UTC everywhere; nothing here reads a clock. */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H
#include "base/text.h"
#define NEVER_MS INT64_MAX

/* Of two moments or spans. */
static inline int64_t when_earlier(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t when_later(int64_t a, int64_t b) { return a > b ? a : b; }
#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
struct when_text {
	char text[40];
};
/* "2026-11-25T09:30:14.123Z" (RFC 3339). Out of the years 1970..9999: "?". */
struct when_text when_rfc3339(int64_t ms);
/* "14:05" at that offset from UTC in seconds. */
struct when_text when_clock(int64_t ms, int offset_s);
/* "25 Nov 14:05" at that offset. */
struct when_text when_day_clock(int64_t ms, int offset_s);
/* "30 minutes", "2 hours", "1 day": rounded for people; at least "1 minute". */
struct when_text when_span(int64_t ms);
/* "30m", "10s", "2h", "7d", "500ms": false on anything else or over 366 days. */
bool when_parse_span(struct str s, int64_t *ms);
#endif
