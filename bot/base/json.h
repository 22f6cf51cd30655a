/* json: the only user of cJSON. One strict parser, typed getters that name the path, builders that
 * abort on out-of-memory instead of dropping a field. `struct cJSON` is opaque to everybody else.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include "base/fail.h"
#include "base/text.h"
struct cJSON;
struct arena;

#define JSON_DEPTH_MAX 32
/* RFC 8259 and stricter: valid UTF-8, no BOM, no NUL and no \u0000, no duplicate key in one object,
 * depth at most JSON_DEPTH_MAX, no leading zeros, no raw control characters in strings, numbers
 * finite, nothing after the value. NULL and *fail (RC_MALFORMED, with the byte offset and what was
 * wrong) otherwise. json_free() the result. */
struct cJSON *json_parse(struct str text, struct fail *fail);
void json_free(struct cJSON *j);                /* NULL is fine */
void json_done(struct cJSON **j);               /* for CLEANUP */
struct cJSON *json_copy(const struct cJSON *j); /* deep; NULL gives a null */
/* Compact text into b (which may break). */
void json_print(const struct cJSON *j, struct buf *b);
const char *json_print_arena(const struct cJSON *j, struct arena *a);
bool json_equal(const struct cJSON *a, const struct cJSON *b); /* order of keys does not matter */

/* Reading. Names are case-sensitive; a path is "a.b.c" (no dots in keys, no indexes). NULL input
 * reads as absent. */
const struct cJSON *json_get(const struct cJSON *j, const char *path);
const struct cJSON *json_key(const struct cJSON *object,
			     const char *key); /* one key, dots and all */
const struct cJSON *json_at(const struct cJSON *array, size_t i);
size_t json_count(const struct cJSON *array_or_object);
const struct cJSON *json_first(const struct cJSON *array_or_object); /* iterate with json_next */
const struct cJSON *json_next(const struct cJSON *j);
const char *json_name(const struct cJSON *member); /* key of an object's member */
bool json_is_object(const struct cJSON *j);
bool json_is_array(const struct cJSON *j);
bool json_is_string(const struct cJSON *j);
bool json_is_number(const struct cJSON *j);
bool json_is_bool(const struct cJSON *j);
bool json_is_null(const struct cJSON *j); /* true for absent (NULL) too */
bool json_true(const struct cJSON *j);    /* is the literal true */
const char *
json_text(const struct cJSON *j);          /* a string's text; "" for anything else; never NULL */
double json_number(const struct cJSON *j); /* 0 for anything else */
bool json_int(const struct cJSON *j, int64_t *out);                /* an integer within 2^53 */
const char *json_text_at(const struct cJSON *j, const char *path); /* json_text(json_get()) */

/* Building. add/push take ownership of item; they abort on OOM. Text must be valid UTF-8 (replaced
 * by U+FFFD if not). */
struct cJSON *json_object(void);
struct cJSON *json_array(void);
struct cJSON *json_string(const char *z);
struct cJSON *json_string_s(struct str s);
struct cJSON *json_num(double v);
struct cJSON *json_bool(bool v);
struct cJSON *json_null(void);
void json_put(struct cJSON *object, const char *key,
	      struct cJSON *item); /* replaces an existing key */
void json_append(struct cJSON *object, const char *key,
		 struct cJSON *item); /* the caller knows that key is new */
void json_put_text(struct cJSON *object, const char *key, const char *z);
void json_put_num(struct cJSON *object, const char *key, double v);
void json_put_bool(struct cJSON *object, const char *key, bool v);
void json_push(struct cJSON *array, struct cJSON *item);
void json_drop(struct cJSON *object, const char *key); /* removes and frees; absent is fine */
#endif
