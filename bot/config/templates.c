/* templates: the message layouts and words that are built into the program, compiled into one set.
 */
#include <string.h>

#include "base/embedded.h"
#include "base/json.h"
#include "config/parts.h"

enum { TEMPLATES_MAX = 64 };
static const char texts_file[] = "templates/texts/en.yaml";

/* NAME of "templates/NAME.jq"; NULL for other files. */
static const char *template_name(struct arena *a, const char *file)
{
	struct str s = str_z(file), head = STR("templates/"), tail = STR(".jq");
	if (!str_starts(s, head) || s.n <= head.n + tail.n ||
	    strcmp(file + s.n - tail.n, tail.at) != 0)
		return NULL;
	return arena_str(a, (struct str){ file + head.n, s.n - head.n - tail.n });
}

static void read_texts(struct config *c, const struct embedded_file *f)
{
	struct fail fail;
	const struct yaml *root =
		yaml_parse((struct str){ (const char *)f->at, f->n }, f->name, &c->arena, &fail);
	if (!root) {
		report_fail(c, &fail);
		return;
	}
	for (const struct yaml *y = root->first; y; y = y->next)
		(void)want(c, root, y->name, YAML_SCALAR);
	c->policy.texts = c->texts = yaml_to_json(root);
}

void templates_read(struct config *c)
{
	struct jq_source sources[TEMPLATES_MAX], defs = { 0 };
	const char **names = arena_many(&c->arena, const char *, TEMPLATES_MAX);
	size_t n = 0;
	struct jq_set *set = NULL;
	struct fail fail;
	for (size_t i = 0; i < embedded_files_n; i++) {
		const struct embedded_file *f = &embedded_files[i];
		const char *name = template_name(&c->arena, f->name);
		struct jq_source s = { name, { (const char *)f->at, f->n }, f->name, 1, true };
		if (strcmp(f->name, texts_file) == 0)
			read_texts(c, f);
		else if (name && strcmp(name, "defs") == 0)
			defs = s;
		else if (name && n < TEMPLATES_MAX) {
			names[n] = name;
			sources[n++] = s;
		}
	}
	if (jq_set_new(sources, n, &defs, &set, &fail) == RC_OK) {
		CLEANUP(json_done) struct cJSON *ctx = json_object();
		json_put(ctx, "texts", json_copy(c->texts));
		jq_set_keep(set, ctx);
	} else {
		report_fail(c, &fail);
	}
	c->policy.templates = set;
	c->policy.template_names = names;
	c->policy.template_names_n = n;
}
