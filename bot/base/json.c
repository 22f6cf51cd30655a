/* json: the only user of cJSON, as a parser and a tree. Anybody may call it; it never drops a field
 * for want of memory, never compares names without regard to case, and prints numbers itself (cJSON
 * loses digits over 2^50). */
#include "base/json.h"
#include "base/arena.h"
#include "base/json_scan.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_INT_MAX 9007199254740992.0 /* 2^53 */

static void *take(size_t n) { return mem_grow(NULL, n); }

/* cJSON is told to abort on out-of-memory, so that NULL from its parser means a refusal. */
static void hook(void)
{
	static bool is_hooked;
	cJSON_Hooks hooks = { .malloc_fn = take, .free_fn = free };

	if (!is_hooked)
		cJSON_InitHooks(&hooks);
	is_hooked = true;
}

static cJSON *have(cJSON *j)
{
	if (j == NULL)
		abort();
	return j;
}

static void must(bool is_done)
{
	if (!is_done)
		abort();
}

struct cJSON *json_parse(struct str text, struct fail *fail)
{
	hook();
	if (json_scan(text, fail) != RC_OK)
		return NULL;
	cJSON *j = cJSON_ParseWithLengthOpts(text.at, text.n, NULL, false);
	if (j == NULL)
		fail_set(fail, RC_MALFORMED, "byte 0: not JSON");
	return j;
}

void json_free(struct cJSON *j) { cJSON_Delete(j); }

void json_done(struct cJSON **j)
{
	cJSON_Delete(*j);
	*j = NULL;
}

struct cJSON *json_copy(const struct cJSON *j)
{
	hook();
	return j == NULL ? json_null() : have(cJSON_Duplicate(j, true));
}

const struct cJSON *json_key(const struct cJSON *object, const char *key)
{
	for (const cJSON *m = json_is_object(object) ? object->child : NULL; m != NULL;
	     m = m->next) {
		if (strcmp(m->string, key) == 0)
			return m;
	}
	return NULL;
}

const struct cJSON *json_get(const struct cJSON *j, const char *path)
{
	struct str step, rest = str_z(path);

	for (bool has_more = true; has_more && j != NULL;) {
		has_more = str_cut(rest, '.', &step, &rest);
		const cJSON *m = json_is_object(j) ? j->child : NULL;
		while (m != NULL && !str_is(step, m->string))
			m = m->next;
		j = m;
	}
	return j;
}

const struct cJSON *json_at(const struct cJSON *array, size_t i)
{
	const cJSON *m = json_is_array(array) ? array->child : NULL;

	while (m != NULL && i-- > 0)
		m = m->next;
	return m;
}

const struct cJSON *json_first(const struct cJSON *array_or_object)
{
	return json_is_array(array_or_object) || json_is_object(array_or_object)
		       ? array_or_object->child
		       : NULL;
}

const struct cJSON *json_next(const struct cJSON *j) { return j == NULL ? NULL : j->next; }

size_t json_count(const struct cJSON *array_or_object)
{
	size_t n = 0;

	for (const cJSON *m = json_first(array_or_object); m != NULL; m = m->next)
		n++;
	return n;
}

const char *json_name(const struct cJSON *member)
{
	return member == NULL || member->string == NULL ? "" : member->string;
}

static bool is_type(const cJSON *j, int type) { return j != NULL && (j->type & 0xff) == type; }

bool json_is_object(const struct cJSON *j) { return is_type(j, cJSON_Object); }
bool json_is_array(const struct cJSON *j) { return is_type(j, cJSON_Array); }
bool json_is_string(const struct cJSON *j) { return is_type(j, cJSON_String); }
bool json_is_number(const struct cJSON *j) { return is_type(j, cJSON_Number); }
bool json_is_bool(const struct cJSON *j)
{
	return is_type(j, cJSON_True) || is_type(j, cJSON_False);
}
bool json_is_null(const struct cJSON *j) { return j == NULL || is_type(j, cJSON_NULL); }
bool json_true(const struct cJSON *j) { return is_type(j, cJSON_True); }

const char *json_text(const struct cJSON *j) { return json_is_string(j) ? j->valuestring : ""; }

double json_number(const struct cJSON *j) { return json_is_number(j) ? j->valuedouble : 0; }

bool json_int(const struct cJSON *j, int64_t *out)
{
	const double v = json_number(j);

	if (!json_is_number(j) || fabs(v) > JSON_INT_MAX || v != floor(v))
		return false;
	*out = (int64_t)v;
	return true;
}

const char *json_text_at(const struct cJSON *j, const char *path)
{
	return json_text(json_get(j, path));
}

/* Members as an array sorted by name: comparing two objects stays n log n. free() it. */
static int compare_members(const void *left, const void *right)
{
	const cJSON *const *a = left, *const *b = right;

	return strcmp((*a)->string, (*b)->string);
}

static const cJSON **members_sorted(const cJSON *object, size_t n)
{
	const cJSON **members = mem_new(n * sizeof(*members));
	size_t i = 0;

	for (const cJSON *m = object->child; m != NULL; m = m->next)
		members[i++] = m;
	qsort(members, n, sizeof(*members), compare_members);
	return members;
}

static bool objects_equal(const cJSON *a, const cJSON *b)
{
	const size_t n = json_count(a);
	bool is_equal = n == json_count(b);

	if (!is_equal || n == 0)
		return is_equal;
	const cJSON **left = members_sorted(a, n), **right = members_sorted(b, n);
	for (size_t i = 0; is_equal && i < n; i++)
		is_equal = strcmp(left[i]->string, right[i]->string) == 0 &&
			   json_equal(left[i], right[i]);
	free(left);
	free(right);
	return is_equal;
}

bool json_equal(const struct cJSON *a, const struct cJSON *b)
{
	if (json_is_null(a) || json_is_null(b))
		return json_is_null(a) && json_is_null(b);
	if ((a->type & 0xff) != (b->type & 0xff))
		return false;
	if (json_is_string(a))
		return strcmp(a->valuestring, b->valuestring) == 0;
	if (json_is_number(a))
		return !(a->valuedouble < b->valuedouble) && !(a->valuedouble > b->valuedouble);
	if (json_is_object(a))
		return objects_equal(a, b);
	const cJSON *x = json_first(a), *y = json_first(b);
	for (; x != NULL && y != NULL; x = x->next, y = y->next) {
		if (!json_equal(x, y))
			return false;
	}
	return x == NULL && y == NULL;
}

static void print_string(const char *z, struct buf *b)
{
	static const char letters[] = "btn\0fr"; /* of 8, 9, 10, 12, 13 */
	size_t from = 0, i = 0;

	buf_addz(b, "\"");
	for (; z[i] != '\0'; i++) {
		const unsigned char c = (unsigned char)z[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, (struct str){ z + from, i - from });
		from = i + 1;
		if (c >= 0x20)
			buf_addf(b, "\\%c", c);
		else if (c >= 8 && c <= 13 && letters[c - 8] != '\0')
			buf_addf(b, "\\%c", letters[c - 8]);
		else
			buf_addf(b, "\\u%04x", c);
	}
	buf_add(b, (struct str){ z + from, i - from });
	buf_addz(b, "\"");
}

/* 15 digits, or the more that it takes to read back the same number; integers up to 2^53 as such;
 * not a number becomes null. */
static void print_number(double v, struct buf *b)
{
	char digits[40];

	if (!isfinite(v)) {
		buf_addz(b, "null");
		return;
	}
	if (v == floor(v) && fabs(v) <= JSON_INT_MAX) {
		buf_addf(b, "%" PRId64, (int64_t)v);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		(void)snprintf(digits, sizeof(digits), "%.*g", precision, v);
		const double again = strtod(digits, NULL);
		if (!(again < v) && !(again > v))
			break;
	}
	buf_addz(b, digits);
}

static void print_children(const cJSON *j, struct buf *b)
{
	const bool is_object = json_is_object(j);

	buf_addz(b, is_object ? "{" : "[");
	for (const cJSON *m = j->child; m != NULL && !b->broken; m = m->next) {
		if (m != j->child)
			buf_addz(b, ",");
		if (is_object) {
			print_string(m->string, b);
			buf_addz(b, ":");
		}
		json_print(m, b);
	}
	buf_addz(b, is_object ? "}" : "]");
}

void json_print(const struct cJSON *j, struct buf *b)
{
	if (json_is_object(j) || json_is_array(j))
		print_children(j, b);
	else if (json_is_string(j))
		print_string(j->valuestring, b);
	else if (json_is_number(j))
		print_number(j->valuedouble, b);
	else
		buf_addz(b, json_is_null(j) ? "null" : json_true(j) ? "true" : "false");
}

const char *json_print_arena(const struct cJSON *j, struct arena *a)
{
	struct buf CLEANUP(buf_free) b = BUF(a->limit);

	json_print(j, &b);
	must(!b.broken); /* as the arena itself would */
	return arena_str(a, buf_str(&b));
}

struct cJSON *json_object(void) { return have(cJSON_CreateObject()); }
struct cJSON *json_array(void) { return have(cJSON_CreateArray()); }
struct cJSON *json_num(double v) { return have(cJSON_CreateNumber(v)); }
struct cJSON *json_bool(bool v) { return have(cJSON_CreateBool(v)); }
struct cJSON *json_null(void) { return have(cJSON_CreateNull()); }

/* Every string of a tree is valid UTF-8 and ends where it says: what isn't is replaced by U+FFFD.
 */
static char *clean_text(struct str s)
{
	struct buf b = BUF(3 * s.n);
	uint32_t point;

	while (s.n > 0) {
		const size_t n = utf8_step(s, &point);
		buf_add(&b, n > 0 && point > 0 ? (struct str){ s.at, n } : STR("\xef\xbf\xbd"));
		const size_t step = n > 0 ? n : 1;
		s = (struct str){ s.at + step, s.n - step };
	}
	char *z = mem_str(buf_str(&b));
	buf_free(&b);
	return z;
}

struct cJSON *json_string_s(struct str s)
{
	char *z = utf8_valid(s) && !str_has(s, '\0') ? mem_str(s) : clean_text(s);
	cJSON *j = have(cJSON_CreateString(z));

	free(z);
	return j;
}

struct cJSON *json_string(const char *z)
{
	return utf8_valid(str_z(z)) ? have(cJSON_CreateString(z == NULL ? "" : z))
				    : json_string_s(str_z(z));
}

void json_append(struct cJSON *object, const char *key, struct cJSON *item)
{
	char *clean = utf8_valid(str_z(key)) ? NULL : clean_text(str_z(key));

	assert(json_is_object(object) && item != NULL);
	must(cJSON_AddItemToObject(object, clean != NULL ? clean : key, item));
	free(clean);
}

void json_put(struct cJSON *object, const char *key, struct cJSON *item)
{
	if (json_key(object, key) == NULL) {
		json_append(object, key, item);
		return;
	}
	/* cJSON does not look whether it could copy the key. */
	must(cJSON_ReplaceItemInObjectCaseSensitive(object, key, item) && item->string != NULL);
}

void json_put_text(struct cJSON *object, const char *key, const char *z)
{
	json_put(object, key, json_string(z));
}

void json_put_num(struct cJSON *object, const char *key, double v)
{
	json_put(object, key, json_num(v));
}

void json_put_bool(struct cJSON *object, const char *key, bool v)
{
	json_put(object, key, json_bool(v));
}

void json_push(struct cJSON *array, struct cJSON *item)
{
	assert(json_is_array(array) && item != NULL);
	must(cJSON_AddItemToArray(array, item));
}

void json_drop(struct cJSON *object, const char *key)
{
	if (json_key(object, key) != NULL)
		cJSON_DeleteItemFromObjectCaseSensitive(object, key);
}
