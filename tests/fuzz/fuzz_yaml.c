/* fuzz_yaml: any bytes as a YAML file. Called by libFuzzer and tools/replay.c only; it never opens
 * one. What is taken is walked, read as every type, and goes through JSON and back unchanged. */
/* Covers: bot/lang/yaml.c bot/lang/yaml_use.c */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "lang/yaml.h"

#define FILE_NAME "fuzz.yaml"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int lines_of(struct str text)
{
	int n = 2; /* the end of the file may be told as a line of its own */
	for (size_t i = 0; i < text.n; i++)
		n += text.at[i] == '\n' || text.at[i] == '\r';
	/* libyaml counts U+0085, U+2028 and U+2029 as line ends too. */
	for (size_t i = 0; i + 1 < text.n; i++)
		n += (uint8_t)text.at[i] == 0xc2 || (uint8_t)text.at[i] == 0xe2;
	return n;
}

/* What a scalar is in JSON: a text, unless it is plain and one of the few words, or a number as
 * JSON writes them. */
static void check_meaning(const struct yaml *y)
{
	struct cJSON CLEANUP(json_done) *j = yaml_to_json(y);
	struct cJSON CLEANUP(json_done) *n = json_parse(y->text, NULL);
	if (y->style != YAML_PLAIN)
		assert(json_is_string(j) && str_is(y->text, json_text(j)));
	else if (y->text.n == 0 || str_is(y->text, "null"))
		assert(json_is_null(j));
	else if (json_is_number(n) || json_is_bool(n))
		assert(json_equal(j, n));
	else
		assert(json_is_string(j) && str_is(y->text, json_text(j)));
}

static void check_scalar(const struct yaml *y)
{
	static const struct yaml_range small = { -5, 300 };
	struct fail fail = { .rc = RC_OK };
	int64_t n = 0;
	bool is_on;

	assert(utf8_valid(y->text) && !str_has(y->text, '\0') && y->text.at[y->text.n] == '\0');
	check_meaning(y);
	assert(yaml_int(y, small, &n, &fail) == RC_OK ? n >= -5 && n <= 300
						      : fail.rc == RC_MALFORMED);
	if (yaml_bool(y, &is_on, &fail) == RC_OK)
		assert(str_is(y->text, is_on ? "true" : "false"));
}

/* Its own value comes back under each name: no two are the same, none is lost. */
static void check_map(const struct yaml *y)
{
	static const char *const allowed[] = { "name", "playbook", "match", "wait", NULL };
	struct fail fail = { .rc = RC_OK };
	const struct yaml *found;
	size_t n = 0;

	if (y->n <= 64)
		for (const struct yaml *m = y->first; m; m = m->next)
			assert(yaml_want(y, m->name, m->kind, &found, &fail) == RC_OK &&
			       found == m);
	if (yaml_check_keys(y, allowed, &fail) == RC_OK)
		for (const struct yaml *m = y->first; m; m = m->next)
			for (n = 0; strcmp(allowed[n], m->name) != 0; n++)
				assert(allowed[n + 1]);
	else
		assert(strncmp(fail.why, FILE_NAME ":", strlen(FILE_NAME) + 1) == 0);
}

static size_t check_node(const struct yaml *y, int lines, unsigned depth)
{
	size_t all = 1, n = 0;

	assert(y->line >= 1 && y->line <= lines && y->name_line >= 1 && y->name_line <= y->line);
	assert(strcmp(y->file, FILE_NAME) == 0 && utf8_valid(str_z(y->name)));
	if (y->kind == YAML_SCALAR) {
		assert(!y->first && y->n == 0);
		check_scalar(y);
		return 1;
	}
	assert(depth < YAML_DEPTH_MAX);
	for (const struct yaml *m = y->first; m; m = m->next, n++) {
		assert((y->kind == YAML_MAP) == (*m->name != '\0'));
		all += check_node(m, lines, depth + 1);
	}
	assert(n == y->n);
	if (y->kind == YAML_MAP)
		check_map(y);
	return all;
}

static void check_json(const struct yaml *root)
{
	struct fail fail;
	struct buf CLEANUP(buf_free) printed = BUF(8u << 20);
	struct cJSON CLEANUP(json_done) *j = yaml_to_json(root);
	json_print(j, &printed);
	assert(!printed.broken);
	struct cJSON CLEANUP(json_done) *again = json_parse(buf_str(&printed), &fail);
	assert(again && json_equal(j, again) && json_count(j) == root->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	struct arena CLEANUP(arena_clear) arena = ARENA(YAML_ARENA_BYTES);
	struct fail fail = { .rc = RC_OK };
	const struct yaml *root = yaml_parse(text, FILE_NAME, &arena, &fail);

	if (!root) {
		assert(fail.rc == (size > YAML_BYTES_MAX ? RC_TOO_BIG : RC_MALFORMED));
		assert(strncmp(fail.why, FILE_NAME ":", strlen(FILE_NAME) + 1) == 0);
		assert(fail.why[strlen(FILE_NAME) + 1] >= '1' &&
		       fail.why[strlen(FILE_NAME) + 1] <= '9');
		return 0;
	}
	assert(root->kind == YAML_MAP && size <= YAML_BYTES_MAX);
	assert(check_node(root, lines_of(text), 0) <= YAML_NODES_MAX);
	check_json(root);
	return 0;
}
