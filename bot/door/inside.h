/* inside: what the files of door/ share. */
#ifndef DOOR_INSIDE_H
#define DOOR_INSIDE_H
#include "door/door.h"
#include "model/policy.h"

/* The header's value, "" = it did not come. */
const char *header_of(const struct arrival *a, const char *name);

/* --- proof.c --- */
enum proof {
	PROOF_WRONG,
	PROOF_RIGHT,
	PROOF_STALE, /* a right signature whose timestamp is too far from our clock */
};
struct proven {
	enum proof proof;
	const char *delivery; /* RIGHT: the signed id, NULL = none */
	const char *doubt;    /* RIGHT, although: why; NULL = no doubt */
};
/* source NULL: no such one; that takes as long as a wrong secret. url_secret: the part of the path
 * behind the source's name, "" = none. */
struct proven proof_of(const struct arrival *a, const struct source *source, struct str url_secret,
		       const struct door_clock *clock, struct arena *arena);

/* --- backup.c --- */
void backup_read(const struct arrival *a, struct arena *arena, struct door *out);

/* --- split.c --- */
/* The array at path ("data.events") in an object of valid JSON: its elements as they stand there,
 * at most max into out. Returns how many there are, 0 = no array or an empty one. */
size_t split_each(struct str body, const char *path, struct str *out, size_t max);
#endif
