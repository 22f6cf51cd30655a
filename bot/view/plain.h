/* plain: the layout that cannot fail, for when a template does, or makes what Slack would refuse: a
 * question nobody sees is worse than one that is not pretty, and it keeps its buttons. Used inside
 * view/ only. */
#ifndef VIEW_PLAIN_H
#define VIEW_PLAIN_H
#include "model/nouns.h"
#include "model/policy.h"

/* {"text","blocks"} for a message row, by the case document cut to its reader. Outside words stand
 * in plain_text only. json_free() it. */
struct cJSON *plain_message(const struct policy *p, const struct outgoing *row,
			    const struct cJSON *doc);
/* One private sentence, as it stands under texts. */
struct cJSON *plain_text(const struct policy *p, const char *key);
/* A page in our own words, short and without details: for when the template fails, or the vendor
 * refuses what it makes. */
struct cJSON *plain_page(const struct outgoing *row);
#endif
