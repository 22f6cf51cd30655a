/* arena: blocks that die together, and the three allocators of the program. Anybody may call it; it
 * never returns NULL. */
#include "base/arena.h"

#include <assert.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES ((size_t)16 << 10)
#define ARENA_ALIGN       _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t n, cap;
	max_align_t data[];
};

/* By write(2): the heap can't be trusted any more. */
_Noreturn static void give_up(struct str why)
{
	(void)!write(STDERR_FILENO, why.at, why.n);
	abort();
}

void *mem_new(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	if (p == NULL)
		give_up(STR("level=error event=memory.out\n"));
	return p;
}

void *mem_grow(void *p, size_t n)
{
	void *q = realloc(p, n > 0 ? n : 1);

	if (q == NULL)
		give_up(STR("level=error event=memory.out\n"));
	return q;
}

char *mem_str(struct str s)
{
	char *z = mem_new(s.n + 1);

	if (s.n > 0)
		memcpy(z, s.at, s.n);
	return z;
}

void mem_settle(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
	(void)mallopt(M_TRIM_THRESHOLD, 512 << 10);
	(void)mallopt(M_ARENA_MAX, 1);
}

void mem_give_back(int64_t boot_ms)
{
	static int64_t next_ms;

	if (boot_ms < next_ms)
		return;
	(void)malloc_trim(0);
	next_ms = boot_ms + 60 * 1000;
}

static struct arena_block *block_add(struct arena *a, size_t n)
{
	const size_t cap = n > ARENA_BLOCK_BYTES ? n : ARENA_BLOCK_BYTES;
	struct arena_block *b = mem_grow(NULL, sizeof(*b) + cap);

	b->n = 0;
	b->cap = cap;
	/* A block made for one large thing goes behind, so that the current one is still filled up.
	 */
	if (a->first != NULL && n > ARENA_BLOCK_BYTES / 4) {
		b->next = a->first->next;
		a->first->next = b;
	} else {
		b->next = a->first;
		a->first = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t padded = (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	struct arena_block *b = a->first;

	if (padded < n || a->used > a->limit || padded > a->limit - a->used)
		give_up(STR("level=error event=arena.full\n"));
	if (b == NULL || padded > b->cap - b->n)
		b = block_add(a, padded);
	void *p = (char *)b->data + b->n;
	b->n += padded;
	a->used += padded;
	return memset(p, 0, padded); /* not the block: most turns need little of it */
}

void *arena_alloc_many(struct arena *a, size_t size, size_t n)
{
	size_t bytes;

	if (__builtin_mul_overflow(size, n, &bytes))
		give_up(STR("level=error event=arena.full\n"));
	return arena_alloc(a, bytes);
}

const char *arena_str(struct arena *a, struct str s)
{
	char *z = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(z, s.at, s.n);
	return z;
}

const char *arena_z(struct arena *a, const char *z) { return arena_str(a, str_z(z)); }

const char *arena_f(struct arena *a, const char *format, ...)
{
	va_list ap, again;

	va_start(ap, format);
	va_copy(again, ap);
	const int n = vsnprintf(NULL, 0, format, ap);
	assert(n >= 0);
	char *z = arena_alloc(a, (size_t)n + 1);
	(void)vsnprintf(z, (size_t)n + 1, format, again);
	va_end(again);
	va_end(ap);
	return z;
}

void arena_clear(struct arena *a)
{
	while (a->first != NULL) {
		struct arena_block *next = a->first->next;
		free(a->first);
		a->first = next;
	}
	a->used = 0;
}
