/* log: turns one fact into one line of key=value on standard error. Called by the shell only; it
 * never fails, and what a value says can't end its field, its quotes or its line. */
#include "base/log.h"
#include "base/text.h"
#include "base/when.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048

static struct {
	int64_t (*wall_ms)(void);
	void (*sink)(void *self, const char *line);
	void *sink_self;
} logger;

struct line {
	char at[LINE_BYTES_MAX];
	size_t n;
};

/* All or nothing, so that no escape and no character is cut in two; two bytes are kept for the end.
 */
static void put(struct line *line, const char *at, size_t n)
{
	if (n > sizeof(line->at) - 2 - line->n)
		return;
	memcpy(line->at + line->n, at, n);
	line->n += n;
}

static void putz(struct line *line, const char *z) { put(line, z, strlen(z)); }

static void put_escaped(struct line *line, struct str s)
{
	char hex[5];
	uint32_t point;

	for (size_t i = 0; i < s.n;) {
		const char c = s.at[i];
		size_t n = utf8_step((struct str){ s.at + i, s.n - i }, &point);
		if (c == '\n') {
			putz(line, "\\n");
		} else if (c == '"' || c == '\\') {
			putz(line, c == '"' ? "\\\"" : "\\\\");
		} else if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0)) {
			n = 1; /* one byte at a time; the rest of a control character reads as
				  invalid */
			(void)snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)c);
			putz(line, hex);
		} else {
			put(line, s.at + i, n);
		}
		i += n > 0 ? n : 1;
	}
}

static bool wants_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.at[i] <= ' ' || strchr("\"\\=\x7f", s.at[i]) != NULL)
			return true;
	}
	return s.n == 0;
}

static void put_text(struct line *line, struct str s, bool in_quotes)
{
	const char *quote = !in_quotes && wants_quotes(s) ? "\"" : "";

	putz(line, quote);
	put_escaped(line, s);
	putz(line, quote);
}

/* One conversion, as far as log lines use them: %s %.*s %.3s, %d %i %u %x with any length, %g %f.
 */
struct spec {
	int precision; /* -1 = none */
	char length;   /* 0, l, z, j */
};

static int64_t signed_arg(char length, va_list *ap)
{
	return length == 'l'   ? va_arg(*ap, long)
	       : length == 'j' ? va_arg(*ap, intmax_t)
			       : va_arg(*ap, int);
}

static uint64_t unsigned_arg(char length, va_list *ap)
{
	if (length == 'z')
		return va_arg(*ap, size_t);
	return length == 'l'   ? va_arg(*ap, unsigned long)
	       : length == 'j' ? va_arg(*ap, uintmax_t)
			       : va_arg(*ap, unsigned);
}

static struct str text_arg(int precision, va_list *ap)
{
	const char *z = va_arg(*ap, const char *);

	if (z == NULL)
		return STR("?");
	return (struct str){ z, precision < 0 ? strlen(z) : strnlen(z, (size_t)precision) };
}

static void put_arg(struct line *line, char kind, struct spec spec, bool in_quotes, va_list *ap)
{
	char digits[64] = "";

	switch (kind) {
	case 's': put_text(line, text_arg(spec.precision, ap), in_quotes); return;
	case 'd':
	case 'i':
		(void)snprintf(digits, sizeof(digits), "%" PRId64, signed_arg(spec.length, ap));
		break;
	case 'u':
		(void)snprintf(digits, sizeof(digits), "%" PRIu64, unsigned_arg(spec.length, ap));
		break;
	case 'x':
		(void)snprintf(digits, sizeof(digits), "%" PRIx64, unsigned_arg(spec.length, ap));
		break;
	case 'g':
		(void)snprintf(digits, sizeof(digits), "%.*g", spec.precision, va_arg(*ap, double));
		break;
	case 'f':
		(void)snprintf(digits, sizeof(digits), "%.*f", spec.precision, va_arg(*ap, double));
		break;
	case '%': putz(line, "%"); return;
	default: assert(!"a conversion that log_line does not know");
	}
	putz(line, digits);
}

static const char *read_spec(const char *at, struct spec *spec, va_list *ap)
{
	*spec = (struct spec){ .precision = -1 };
	if (*at == '.') {
		at++;
		spec->precision = 0;
		if (*at == '*') {
			spec->precision = va_arg(*ap, int);
			at++;
		}
		for (; *at >= '0' && *at <= '9'; at++)
			spec->precision = (spec->precision * 10 + (*at - '0')) % 1000;
	}
	for (; *at == 'l' || *at == 'h' || *at == 'z' || *at == 'j'; at++)
		spec->length = *at == 'h' ? '\0' : *at;
	return at;
}

static void put_format(struct line *line, const char *format, va_list *ap)
{
	bool in_quotes = false;
	struct spec spec;

	for (const char *at = format; *at != '\0'; at++) {
		if (*at != '%') {
			in_quotes = in_quotes != (*at == '"');
			put(line, at, 1);
			continue;
		}
		at = read_spec(at + 1, &spec, ap);
		put_arg(line, *at, spec, in_quotes, ap);
		if (*at == '\0')
			return;
	}
}

void log_clock(int64_t (*wall_ms)(void)) { logger.wall_ms = wall_ms; }

void log_sink(void (*sink)(void *self, const char *line), void *self)
{
	logger.sink = sink;
	logger.sink_self = self;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "error";
	case LOG_LEVEL_WARN: return "warn";
	case LOG_LEVEL_NOTICE: return "notice";
	}
	return "?";
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
	struct line line = { .n = 0 };
	va_list ap;

	if (logger.wall_ms != NULL) {
		putz(&line, "ts=");
		putz(&line, when_rfc3339(logger.wall_ms()).text);
		putz(&line, " ");
	}
	putz(&line, "level=");
	putz(&line, level_name(level));
	putz(&line, " event=");
	putz(&line, event);
	if (format != NULL && format[0] != '\0') {
		putz(&line, " ");
		va_start(ap, format);
		put_format(&line, format, &ap);
		va_end(ap);
	}
	if (logger.sink != NULL) {
		line.at[line.n] = '\0';
		logger.sink(logger.sink_self, line.at);
		return;
	}
	line.at[line.n] = '\n';
	(void)!write(STDERR_FILENO, line.at,
		     line.n + 1); /* a line that can't be written has no other place */
}
