/* log: one line a fact on standard error, key=value, values quoted where needed. Called by the
 * shell (main, io, turn, sandbox) only; handlers return audit lines instead. Payload text and
 * secrets never go in. */
#ifndef BASE_LOG_H
#define BASE_LOG_H
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE };
/* event is a stable dotted name; the format gives `key=value` pairs (quote free text with %s inside
 * "…" yourself: control characters and quotes in the formatted text are escaped). ts is added only
 * if log_clock() was given. */
void log_line(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A function giving wall milliseconds, or NULL for none (tests, simulator). */
#include <stdint.h>
void log_clock(int64_t (*wall_ms)(void));
/* Tests: send lines there instead of stderr. NULL restores. */
void log_sink(void (*sink)(void *self, const char *line), void *self);
#endif
