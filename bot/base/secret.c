/* secret: keeps a token in a type that no format prints. Anybody may hold one; it never copies one
 * elsewhere. */
#include "base/secret.h"

#include <string.h>

struct secret secret_from(struct str s)
{
	struct secret made = { .n = 0 };

	if (s.n == 0 || s.n >= sizeof(made.text))
		return made;
	memcpy(made.text, s.at, s.n);
	made.n = s.n;
	return made;
}

struct str secret_str(const struct secret *s) { return (struct str){ s->text, s->n }; }

void secret_wipe(struct secret *s) { explicit_bzero(s, sizeof(*s)); }
