/* yaml: libyaml's events become the tree. See yaml.h; the reading of the tree is in yaml_use.c. */
#include "lang/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reading {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	struct str text;
	const char *file;
	struct arena *arena;
	struct fail *fail;
	unsigned depth;
	size_t nodes;
};

static const struct yaml *refuse_at(struct reading *r, size_t line, const char *why)
{
	fail_set(r->fail, RC_MALFORMED, "%s:%zu: %s", r->file, line, why);
	return NULL;
}

static const struct yaml *refuse(struct reading *r, const char *why)
{
	return refuse_at(r, r->event.start_mark.line + 1, why);
}

/* The reader knows no lines, only an offset. */
static size_t line_of_offset(struct str text, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < text.n; i++)
		line += text.at[i] == '\n' ? 1 : 0;
	return line;
}

/* What libyaml's words mean to somebody who knows no grammar. */
static const char *hint_for(const char *problem)
{
	if (strcmp(problem, "mapping values are not allowed in this context") == 0)
		return ": a text with \": \" in it wants quotes around it";
	if (strcmp(problem, "could not find expected ':'") == 0)
		return ": wanted KEY: VALUE in the line above";
	if (strcmp(problem, "did not find expected key") == 0)
		return ": wanted KEY: VALUE; is there a quote or a blank too many?";
	return "";
}

static void complain_of_parser(struct reading *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR)
		refuse_at(r, line_of_offset(r->text, p->problem_offset), p->problem);
	else if (p->context != NULL)
		fail_set(r->fail, RC_MALFORMED, "%s:%zu: %s (%s from line %zu on)%s", r->file,
			 p->problem_mark.line + 1, p->problem, p->context, p->context_mark.line + 1,
			 hint_for(p->problem));
	else
		fail_set(r->fail, RC_MALFORMED, "%s:%zu: %s%s", r->file, p->problem_mark.line + 1,
			 p->problem, hint_for(p->problem));
}

static bool next_event(struct reading *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event) == 1)
		return true;
	complain_of_parser(r);
	return false;
}

static bool next_events(struct reading *r, unsigned n)
{
	while (n > 0 && next_event(r))
		n--;
	return n == 0;
}

static bool is_event(const struct reading *r, yaml_event_type_t type)
{
	return r->event.type == type;
}

/* What every node may not have: an anchor (another node could then stand for it) and a tag. */
static bool is_simple(struct reading *r)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (is_event(r, YAML_ALIAS_EVENT)) {
		refuse(r, "an alias (*name) is not allowed: write the value out");
		return false;
	}
	if (is_event(r, YAML_SCALAR_EVENT)) {
		anchor = r->event.data.scalar.anchor;
		tag = r->event.data.scalar.tag;
	} else if (is_event(r, YAML_SEQUENCE_START_EVENT)) {
		anchor = r->event.data.sequence_start.anchor;
		tag = r->event.data.sequence_start.tag;
	} else if (is_event(r, YAML_MAPPING_START_EVENT)) {
		anchor = r->event.data.mapping_start.anchor;
		tag = r->event.data.mapping_start.tag;
	}
	if (anchor != NULL)
		refuse(r, "an anchor (&name) is not allowed: a text with & goes in quotes");
	else if (tag != NULL)
		refuse(r, "a tag (!name) is not allowed: a text with ! goes in quotes");
	return anchor == NULL && tag == NULL;
}

static bool read_text(struct reading *r, struct str *out)
{
	const char *at = (const char *)r->event.data.scalar.value;
	const struct str text = { at, r->event.data.scalar.length };

	if (str_has(text, '\0')) {
		refuse(r, "a NUL character in a text");
		return false;
	}
	*out = text.n == 0 ? STR("") : (struct str){ arena_str(r->arena, text), text.n };
	return true;
}

static enum yaml_style style_of(yaml_scalar_style_t style)
{
	return style == YAML_LITERAL_SCALAR_STYLE  ? YAML_LITERAL
	       : style == YAML_FOLDED_SCALAR_STYLE ? YAML_FOLDED
	       : style == YAML_PLAIN_SCALAR_STYLE  ? YAML_PLAIN
						   : YAML_QUOTED;
}

static int compare_names(const void *left, const void *right)
{
	const struct yaml *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

/* Sorted, because comparing each with each would take seconds for a file full of keys. */
static bool names_differ(struct reading *r, const struct yaml *map)
{
	const struct yaml **sorted = mem_new(map->n * sizeof(*sorted));
	size_t n = 0;
	bool is_good = true;

	for (const struct yaml *m = map->first; m != NULL; m = m->next)
		sorted[n++] = m;
	qsort(sorted, n, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < n && is_good; i++) {
		const struct yaml *a = sorted[i - 1], *b = sorted[i];
		is_good = strcmp(a->name, b->name) != 0;
		if (!is_good)
			fail_set(r->fail, RC_MALFORMED,
				 "%s:%d: the key \"%.60s\" stands here twice (also line %d)",
				 r->file, a->name_line > b->name_line ? a->name_line : b->name_line,
				 a->name,
				 a->name_line > b->name_line ? b->name_line : a->name_line);
	}
	free(sorted);
	return is_good;
}

static struct yaml *read_node(struct reading *r);

/* At a key's event: its name and line, then the value. */
static struct yaml *read_member(struct reading *r)
{
	const int line = (int)r->event.start_mark.line + 1;
	struct str name;

	if (!is_simple(r))
		return NULL;
	if (!is_event(r, YAML_SCALAR_EVENT) || r->event.data.scalar.length == 0) {
		refuse(r, "wanted a key");
		return NULL;
	}
	if (!read_text(r, &name) || !next_event(r))
		return NULL;
	struct yaml *member = read_node(r);
	if (member != NULL) {
		member->name = name.at;
		member->name_line = line;
	}
	return member;
}

/* Behind the start event of a map or a list. */
static bool read_children(struct reading *r, struct yaml *node, yaml_event_type_t end)
{
	const struct yaml **tail = &node->first;

	while (next_event(r)) {
		if (is_event(r, end)) {
			r->depth--;
			return node->kind == YAML_LIST || names_differ(r, node);
		}
		struct yaml *child = node->kind == YAML_MAP ? read_member(r) : read_node(r);
		if (child == NULL)
			return false;
		*tail = child;
		tail = &child->next;
		node->n++;
	}
	return false;
}

static struct yaml *read_node(struct reading *r)
{
	const int line = (int)r->event.start_mark.line + 1;

	if (!is_simple(r))
		return NULL;
	if (++r->nodes > YAML_NODES_MAX) {
		refuse(r, "too many values: 32768 in a file at most");
		return NULL;
	}
	struct yaml *node = arena_new(r->arena, struct yaml);
	*node = (struct yaml){
		.line = line, .file = r->file, .name = "", .name_line = line, .text = STR("")
	};
	if (is_event(r, YAML_SCALAR_EVENT)) {
		node->kind = YAML_SCALAR;
		node->style = style_of(r->event.data.scalar.style);
		return read_text(r, &node->text) ? node : NULL;
	}
	if (++r->depth > YAML_DEPTH_MAX) {
		refuse(r, "nested deeper than 32");
		return NULL;
	}
	const bool is_map = is_event(r, YAML_MAPPING_START_EVENT);
	node->kind = is_map ? YAML_MAP : YAML_LIST;
	return read_children(r, node, is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT)
		       ? node
		       : NULL;
}

static const struct yaml *read_file(struct reading *r)
{
	if (!next_events(r, 2)) /* the stream's start, then the document's */
		return NULL;
	if (is_event(r, YAML_STREAM_END_EVENT))
		return refuse_at(r, 1, "nothing in it: wanted keys and values");
	if (!next_event(r))
		return NULL;
	if (!is_event(r, YAML_MAPPING_START_EVENT))
		return is_simple(r) ? refuse(r, "wanted keys and values") : NULL;
	const struct yaml *root = read_node(r);
	if (root == NULL || !next_events(r, 2)) /* the document's end, then the stream's */
		return NULL;
	return is_event(r, YAML_STREAM_END_EVENT) ? root
						  : refuse(r, "a second document: wanted one");
}

const struct yaml *yaml_parse(struct str text, const char *file, struct arena *a, struct fail *fail)
{
	struct reading r = { .text = text, .file = file, .arena = a, .fail = fail };

	if (text.n > YAML_BYTES_MAX) {
		fail_set(fail, RC_TOO_BIG, "%s:1: %zu bytes: at most %zu", file, text.n,
			 YAML_BYTES_MAX);
		return NULL;
	}
	if (str_starts(text, STR("\xfe\xff")) || str_starts(text, STR("\xff\xfe")))
		return refuse_at(&r, 1, "UTF-16: wanted UTF-8");
	if (yaml_parser_initialize(&r.parser) != 1)
		abort();
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.n > 0 ? text.at : ""),
				     text.n);
	const struct yaml *root = read_file(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	return root;
}
