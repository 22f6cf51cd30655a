/* secret: a text that must not be printed. It has a type of its own so that %s warns. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H
#include "base/text.h"
#define SECRET_MAX 256
struct secret {
	char text[SECRET_MAX];
	size_t n; /* 0 = none */
};
struct secret secret_from(struct str s);       /* n = 0 if it is too long */
struct str secret_str(const struct secret *s); /* to build a request with, nothing else */
void secret_wipe(struct secret *s);
#endif
