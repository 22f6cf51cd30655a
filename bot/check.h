/* check: what `securitybot check` proves beside reading the configuration: the playbooks' and
 * connectors' tests, the words, and that no outside text becomes markup. Called by main and by
 * tests; it talks to nobody and keeps nothing. */
#ifndef CHECK_H
#define CHECK_H
#include "config/config.h"
#include "model/look.h"

/* All of it. How many checks failed, each reported with file and line; *run counts all. */
size_t check_all(struct config *c, struct config_report *report, size_t *run);

/* The parts: the examples in the playbooks, mapped by the function that decides in earnest; the
 * examples in the connectors. */
size_t check_playbooks(struct config *c, struct config_report *report, size_t *run);
size_t check_connectors(const struct config *c, struct config_report *report, size_t *run);

/* The texts that handlers ask for by key; ends with NULL. */
extern const char *const check_words[];

/* Of each template: rendered over every case of a gallery whose outside texts are
 * `<!channel> *x* :tada:`, that text may land in plain_text and rich_text text elements only
 * (design: outside words never are markup), every {name} is filled in, and the pager takes the
 * page. Failed templates; *run counts all. */
size_t check_templates(const struct policy *p, struct config_report *report, size_t *run);

/* --- check_gallery.c: cases in all states there are, in a database of its own --- */

struct gallery;
struct exhibit {
	const char *name;                     /* "asking, P3, page confirmed (silence)" */
	int64_t case_id, inquiry_id, page_id; /* 0 = none */
	bool has_person;
};
enum { EXHIBITS_MAX = 520 };
#define GALLERY_NOW_MS INT64_C(1800000000000) /* 15 January 2027, 08:00 UTC */
/* word stands for every text from outside; NULL: texts such as alerts and people bring. NULL and
 * *fail where no temporary file can be made. */
struct gallery *gallery_open(const char *word, struct fail *fail);
void gallery_close(struct gallery *g); /* NULL is fine */
struct look *gallery_look(struct gallery *g);
size_t gallery_exhibits(const struct gallery *g, const struct exhibit **out);
#endif
