/* yaml: a YAML file as a tree that knows its lines. Called by config (and by tests); it opens no
 * file, and refuses what makes YAML surprising: anchors, aliases, tags, several documents,
 * duplicate keys, UTF-16. */
#ifndef LANG_YAML_H
#define LANG_YAML_H
#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"
struct cJSON;

#define YAML_BYTES_MAX   ((size_t)256 << 10)
#define YAML_DEPTH_MAX   32
#define YAML_NODES_MAX   32768             /* values in one file */
#define YAML_ARENA_BYTES ((size_t)8 << 20) /* an arena with so much left holds any tree */

enum yaml_kind { YAML_MAP, YAML_LIST, YAML_SCALAR };
enum yaml_style { YAML_PLAIN, YAML_QUOTED, YAML_FOLDED, YAML_LITERAL };

/* A node; all of it lies in the arena of yaml_parse(). Iterate from first by
 * next. */
struct yaml {
	enum yaml_kind kind;
	enum yaml_style style; /* of a scalar; YAML_LITERAL is a `|` block */
	int line;              /* where the value begins, from 1; of a block: the line of its `|` */
	const char *file;      /* as given to yaml_parse() */
	const char *name;      /* its key, in a map; else "" */
	int name_line;         /* of the key; of a list's item or the root: same as line */
	struct str text;       /* of a scalar: valid UTF-8 without NUL, terminated */
	const struct yaml *first; /* of a map or a list */
	const struct yaml *next;
	size_t n; /* children */
};

/* The tree of a file, which must hold one map. file is its name for messages; text may go, file
 * must live as long as the arena. NULL: *fail says "file:line: what is wrong". */
const struct yaml *yaml_parse(struct str text, const char *file, struct arena *a,
			      struct fail *fail);

/* The member of that name (case matters), or NULL; of anything but a map: NULL. */
const struct yaml *yaml_key(const struct yaml *map, const char *name);
/* The same for a member that must be there (yaml_want) or may be absent (yaml_may: *out = NULL), of
 * that kind. */
MUST_CHECK enum rc yaml_want(const struct yaml *map, const char *name, enum yaml_kind kind,
			     const struct yaml **out, struct fail *fail);
MUST_CHECK enum rc yaml_may(const struct yaml *map, const char *name, enum yaml_kind kind,
			    const struct yaml **out, struct fail *fail);
/* Typed scalars: a plain integer between the two; plain `true` or `false`. */
struct yaml_range {
	int64_t least, most;
};
MUST_CHECK enum rc yaml_int(const struct yaml *scalar, struct yaml_range range, int64_t *out,
			    struct fail *fail);
MUST_CHECK enum rc yaml_bool(const struct yaml *scalar, bool *out, struct fail *fail);
/* Fails at the first key that is not in the list (which ends with NULL) and names the nearest that
 * is. */
MUST_CHECK enum rc yaml_check_keys(const struct yaml *map, const char *const *allowed,
				   struct fail *fail);
/* The nearest of the words (which end with NULL) by edit distance, or NULL if none is near. */
const char *yaml_nearest(const char *word, const char *const *words);

/* "file:line: sentence" with RC_MALFORMED. Use YAML_FAIL: the compiler then knows that it is not
 * OK. */
void yaml_complain(const struct yaml *at, struct fail *fail, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define YAML_FAIL(at, fail, ...) (yaml_complain((at), (fail), __VA_ARGS__), RC_MALFORMED)

/* As JSON; json_free() it. Plain true, false, null, nothing and JSON's number forms become such;
 * everything else, `no`, `yes`, `0x1f`, `007` and dates too, stays a string. */
struct cJSON *yaml_to_json(const struct yaml *node);
#endif
