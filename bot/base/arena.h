/* arena: memory that dies together (one turn, one decision). Out of memory, or over the limit,
 * aborts: inputs are bounded, so either is a bug or a sick host, and the restart loses nothing. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include "base/text.h"

struct arena {
	struct arena_block *first;
	size_t used, limit; /* bytes */
};
#define ARENA(limit_bytes) ((struct arena){ .limit = (limit_bytes) })
void *arena_alloc(struct arena *a, size_t n);                   /* zeroed, aligned for any type */
void *arena_alloc_many(struct arena *a, size_t size, size_t n); /* n of them; an overflow aborts */
#define arena_new(a, type)     ((type *)arena_alloc((a), sizeof(type)))
#define arena_many(a, type, n) ((type *)arena_alloc_many((a), sizeof(type), (size_t)(n)))
const char *arena_str(struct arena *a, struct str s); /* a terminated copy */
const char *arena_z(struct arena *a, const char *z);  /* a copy; NULL gives "" */
const char *arena_f(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_clear(struct arena *a); /* frees all but keeps the arena usable */

/* The only other allocation in the program: these abort instead of returning NULL. */
void *mem_new(size_t n);           /* zeroed */
void *mem_grow(void *p, size_t n); /* realloc; new bytes are not zeroed */
char *mem_str(struct str s);       /* terminated copy; free() it */

/* For a process that lives for months. Left to itself, glibc keeps up to twice the largest block
 * that was ever freed (mallopt(3), M_TRIM_THRESHOLD), and what lies free between small blocks. */
void mem_settle(void);               /* at the start, before any thread */
void mem_give_back(int64_t boot_ms); /* at any time; each minute, it hands free pages back */
#endif
