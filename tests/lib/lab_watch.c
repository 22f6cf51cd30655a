/* lab_watch: who looks over a lab's shoulder, and the small disk that a lab may have. */
#include "disk.h"
#include "lab_inside.h"

struct lab_watcher lab_watcher;

void lab_watch(const struct lab_watcher *w)
{
	lab_watcher = w ? *w : (struct lab_watcher){ .begun = NULL };
}

struct store *lab_store(const struct lab *l) { return l->store; }

static void read_meter(void *self, int64_t *left, int64_t *all)
{
	const struct lab *l = self;

	*left = disk_room();
	*all = l->o.disk_bytes;
}

void lab_measure(struct lab *l) { store_measure(l->store, &(struct store_meter){ read_meter, l }); }

void lab_resize_disk(struct lab *l, int64_t bytes) { disk_shrink(l->path, bytes); }
