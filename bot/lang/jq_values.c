/* jq_values: see jq_values.h. Never prints or parses. */
#include "lang/jq_values.h"
#include "base/json.h"
#include "lang/jq.h"

#include <float.h>
#include <math.h>

#define VALUE_BYTES 16 /* what each value counts for, beside its text */

static jv cut_string(struct str s)
{
	size_t n = s.n;

	if (n > JQ_STRING_BYTES_MAX) {
		n = JQ_STRING_BYTES_MAX;
		while (n > 0 && ((unsigned char)s.at[n] & 0xc0) == 0x80)
			n--;
	}
	return jv_string_sized(s.at, (int)n);
}

static jv children_from_json(const struct cJSON *j)
{
	const bool is_object = json_is_object(j);
	jv made = is_object ? jv_object() : jv_array();

	for (const struct cJSON *m = json_first(j); m != NULL; m = json_next(m)) {
		if (is_object)
			made = jv_object_set(made, cut_string(str_z(json_name(m))),
					     jq_from_json(m));
		else
			made = jv_array_append(made, jq_from_json(m));
	}
	return made;
}

jv jq_from_json(const struct cJSON *j)
{
	if (json_is_object(j) || json_is_array(j))
		return children_from_json(j);
	if (json_is_string(j))
		return cut_string(str_z(json_text(j)));
	if (json_is_number(j))
		return jv_number(json_number(j));
	return json_is_null(j) ? jv_null() : jv_bool(json_true(j));
}

struct making {
	size_t left; /* bytes */
	unsigned depth;
	bool is_over;
};

static bool may_take(struct making *m, size_t n)
{
	if (n + VALUE_BYTES > m->left)
		m->is_over = true;
	else
		m->left -= n + VALUE_BYTES;
	return !m->is_over;
}

static struct cJSON *make(struct making *m, jv value);

static struct cJSON *make_string(struct making *m, jv value)
{
	const struct str s = { jv_string_value(value),
			       (size_t)jv_string_length_bytes(jv_copy(value)) };
	struct cJSON *made = may_take(m, s.n) ? json_string_s(s) : json_null();

	jv_free(value);
	return made;
}

static struct cJSON *make_array(struct making *m, jv value)
{
	const int n = jv_array_length(jv_copy(value));
	struct cJSON *made = json_array();

	for (int i = 0; i < n && !m->is_over; i++)
		json_push(made, make(m, jv_array_get(jv_copy(value), i)));
	jv_free(value);
	return made;
}

static struct cJSON *make_object(struct making *m, jv value)
{
	struct cJSON *made = json_object();

	for (int i = jv_object_iter(value); jv_object_iter_valid(value, i) && !m->is_over;
	     i = jv_object_iter_next(value, i)) {
		jv name = jv_object_iter_key(value, i);
		/* Two names may become one where a NUL was replaced: put, not append. */
		if (may_take(m, (size_t)jv_string_length_bytes(jv_copy(name))))
			json_put(made, jv_string_value(name),
				 make(m, jv_object_iter_value(value, i)));
		jv_free(name);
	}
	jv_free(value);
	return made;
}

static struct cJSON *make_number(jv value)
{
	const double v = jv_number_value(value);

	jv_free(value);
	if (isnan(v))
		return json_null();
	return json_num(isinf(v) ? copysign(DBL_MAX, v) : v);
}

static struct cJSON *make_nested(struct making *m, jv value)
{
	if (++m->depth > JSON_DEPTH_MAX)
		m->is_over = true;
	struct cJSON *made =
		jv_get_kind(value) == JV_KIND_ARRAY ? make_array(m, value) : make_object(m, value);
	m->depth--;
	return made;
}

static struct cJSON *make(struct making *m, jv value)
{
	const jv_kind kind = jv_get_kind(value);

	if (!may_take(m, 0) || kind == JV_KIND_NULL || kind == JV_KIND_INVALID) {
		jv_free(value);
		return json_null();
	}
	if (kind == JV_KIND_ARRAY || kind == JV_KIND_OBJECT)
		return make_nested(m, value);
	if (kind == JV_KIND_STRING)
		return make_string(m, value);
	if (kind == JV_KIND_NUMBER)
		return make_number(value);
	jv_free(value);
	return json_bool(kind == JV_KIND_TRUE);
}

enum rc jq_to_json(jv value, struct cJSON **out, struct fail *fail)
{
	struct making m = { .left = JQ_RESULT_BYTES_MAX };
	struct cJSON *made = make(&m, value);

	if (m.is_over) {
		json_free(made);
		return FAIL(fail, RC_TOO_BIG, "the result is over %zu KiB or nested deeper than %d",
			    JQ_RESULT_BYTES_MAX >> 10, JSON_DEPTH_MAX);
	}
	*out = made;
	return RC_OK;
}
