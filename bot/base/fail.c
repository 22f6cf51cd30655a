/* fail: writes the sentence of a failure. Anybody may call it; it never logs and never ends the
 * process. */
#include "base/fail.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Made aside first, because an argument may be the very sentence that is replaced. */
static void fail_vset(struct fail *f, const char *tail, const char *format, va_list ap)
{
	enum {
		ROOM = sizeof(f->why) + 4
	}; /* a character more, so that the cut below sees where it ends */
	char made[ROOM + sizeof(f->why) + 2];
	int n = vsnprintf(made, ROOM, format, ap);
	size_t length = n < 0 ? 0 : n < ROOM ? (size_t)n : ROOM - 1;

	if (tail != NULL) {
		n = snprintf(made + length, sizeof(made) - length, ": %s", tail);
		length += n < 0 ? 0 : (size_t)n;
	}
	if (length >= sizeof(f->why)) {
		length = sizeof(f->why) - 1;
		/* Not in the middle of a character. */
		while (length > 0 && ((unsigned char)made[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(f->why, made, length);
	f->why[length] = '\0';
}

void fail_set(struct fail *f, enum rc rc, const char *format, ...)
{
	va_list ap;

	if (f == NULL)
		return;
	va_start(ap, format);
	fail_vset(f, NULL, format, ap);
	va_end(ap);
	f->rc = rc;
}

void fail_wrap(struct fail *f, const char *format, ...)
{
	va_list ap;

	if (f == NULL)
		return;
	va_start(ap, format);
	fail_vset(f, f->why, format, ap);
	va_end(ap);
}

const char *rc_name(enum rc rc)
{
	switch (rc) {
#define X(name, text)                                                                              \
	case RC_##name: return text;
		RCS(X)
#undef X
	}
	return "?";
}
