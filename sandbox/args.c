/* args: from an HTTP request to the arguments and the token of a Web API call, by Slack's rules of
 * content types (docs.slack.dev, "Using the Slack Web API"), and the pacing of methods and
 * channels. Called by api.c only. */
#include "sandbox/inside.h"
#include <stdlib.h>
#include <string.h>

const char *arg_text(const struct call *c, const char *name)
{
	return json_text(json_key(c->args, name));
}
bool arg_given(const struct call *c, const char *name)
{
	return !json_is_null(json_key(c->args, name));
}

bool arg_true(const struct call *c, const char *name)
{
	const struct cJSON *v = json_key(c->args, name);
	const char *z = json_text(v);
	return json_true(v) || strcmp(z, "true") == 0 || strcmp(z, "1") == 0 || json_number(v) == 1;
}

int64_t arg_int(const struct call *c, const char *name, int64_t otherwise)
{
	int64_t n = otherwise;
	const struct cJSON *v = json_key(c->args, name);
	if (!json_int(v, &n))
		(void)str_int(str_z(json_text(v)), &n);
	return n;
}

struct cJSON *arg_json(const struct call *c, const char *name, bool *is_bad)
{
	const struct cJSON *v = json_key(c->args, name);
	*is_bad = false;
	if (json_is_null(v) || (!c->is_json && !*json_text(v)))
		return NULL;
	if (c->is_json) {
		*is_bad = !json_is_object(v) && !json_is_array(v);
		return *is_bad ? NULL : json_copy(v);
	}
	struct cJSON *j = json_parse(str_z(json_text(v)), NULL);
	*is_bad = !j;
	return j;
}

static int hex_digit(char x)
{
	if (x >= '0' && x <= '9')
		return x - '0';
	x |= 32;
	return x >= 'a' && x <= 'f' ? x - 'a' + 10 : -1;
}

/* False on a broken escape or a NUL. */
static bool unescape(struct str s, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < s.n; i++) {
		char x = s.at[i] == '+' ? ' ' : s.at[i];
		if (x == '%') {
			int a = i + 2 < s.n ? hex_digit(s.at[i + 1]) : -1,
			    b = i + 2 < s.n ? hex_digit(s.at[i + 2]) : -1;
			if (a < 0 || b < 0)
				return false;
			x = (char)(a * 16 + b);
			i += 2;
		}
		if (!x)
			return false;
		buf_add(out, (struct str){ &x, 1 });
	}
	return !out->broken;
}

bool form_read(struct str form, struct cJSON *args)
{
	struct buf name = BUF(256), value = BUF(BODY_MAX);
	bool fine = true;
	for (struct str pair, rest = form; fine && rest.n;) {
		struct str key, val;
		str_cut(rest, '&', &pair, &rest);
		str_cut(pair, '=', &key, &val);
		fine = unescape(key, &name) && unescape(val, &value);
		if (fine && key.n)
			json_put(args, buf_z(&name), json_string_s(buf_str(&value)));
	}
	buf_free(&name);
	buf_free(&value);
	return fine;
}

static bool media_is(struct str content_type, const char *media)
{
	struct str head, tail;
	str_cut(content_type, ';', &head, &tail);
	head = str_trim(head);
	return head.n == strlen(media) && strncasecmp(head.at, media, head.n) == 0;
}

static bool has_charset(struct str content_type)
{
	for (size_t i = 0; i + 8 <= content_type.n; i++)
		if (strncasecmp(content_type.at + i, "charset=", 8) == 0)
			return true;
	return false;
}

static void body_json(struct call *c, const struct world_request *rq)
{
	c->is_json = true;
	if (!has_charset(rq->content_type))
		call_warn(c, "missing_charset");
	struct cJSON *j = json_parse(rq->body, NULL);
	if (!j) {
		call_refuse(c, "invalid_json");
	} else if (!json_is_object(j)) {
		call_refuse(c, "json_not_object");
	} else if (!c->m->takes_json) {
		call_refuse_as(c, "invalid_arguments", "json_not_accepted");
	} else {
		json_free(c->args);
		c->args = j;
		json_drop(c->args, "token"); /* a token in a JSON body does not count */
		return;
	}
	json_free(j);
}

static void body_read(struct call *c, const struct world_request *rq)
{
	if (media_is(rq->content_type, "application/json")) {
		body_json(c, rq);
	} else if (media_is(rq->content_type, "application/x-www-form-urlencoded")) {
		if (has_charset(rq->content_type))
			call_warn(c, "superfluous_charset");
		if (!form_read(rq->body, c->args))
			call_refuse(c, "invalid_form_data");
	} else {
		call_refuse(c, rq->content_type.n ? "invalid_post_type" : "missing_post_type");
	}
}

void args_read(struct call *c, const struct world_request *rq, struct str *token)
{
	struct cJSON *query = json_object();
	bool query_is_fine = form_read(rq->query, query);
	bool token_in_query = json_key(query, "token") != NULL;
	c->args = json_object();
	c->is_post = str_is(rq->method, "POST");
	if (c->is_post && rq->body.n) {
		body_read(c, rq);
	} else if (query_is_fine) {
		struct cJSON *empty = c->args;
		c->args = query;
		query = empty;
	} else {
		call_refuse(c, "invalid_form_data");
	}
	json_free(query);
	if (token_in_query)
		call_refuse_as(c, "invalid_auth", "token_in_query");
	struct str head, tail;
	*token = str_z(arg_text(c, "token"));
	if (rq->authorization.n) {
		if (!str_cut(str_trim(rq->authorization), ' ', &head, &tail) || head.n != 6 ||
		    strncasecmp(head.at, "Bearer", 6) != 0)
			call_refuse(c, "invalid_auth");
		*token = str_trim(tail);
	} else if (token->n && strcmp(c->m->name, "apps.connections.open") == 0) {
		call_refuse_as(c, "invalid_auth",
			       "token_in_body"); /* docs.slack.dev: in the header only */
	}
}

/* A bucket of `size` tokens that refills at per_minute. */
static bool bucket_spend(struct bucket *b, double size, double per_minute, int64_t now_ms)
{
	if (!b->is_used)
		*b = (struct bucket){ .tokens = size, .at_ms = now_ms, .is_used = true };
	b->tokens += (double)(now_ms - b->at_ms) * per_minute / 60000.0;
	b->at_ms = now_ms;
	if (b->tokens > size)
		b->tokens = size;
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}

/* Tiers as documented: 1, 20, 50, 100 a minute; the special ones are "hundreds" (docs.slack.dev).
 */
bool rate_spent(struct call *c, int64_t *retry_after_s)
{
	if (!c->w->options.slack_limits)
		return false;
	double per_minute = 600;
	switch (c->m->tier) {
	case '1': per_minute = 1; break;
	case '2': per_minute = 20; break;
	case '3': per_minute = 50; break;
	case '4': per_minute = 100; break;
	default: break;
	}
	if (bucket_spend(&c->w->buckets[c->m - methods], per_minute, per_minute, c->now_ms))
		return false;
	*retry_after_s = 1 + (int64_t)(60 / per_minute);
	return true;
}

/* One message a second a channel, 400 ms of grace for a late predecessor; several hundred a minute
 * in all. */
bool rate_post_spent(struct call *c, struct channel *ch)
{
	if (!c->w->options.slack_limits)
		return false;
	if (ch->free_ms - c->now_ms > 400 || !bucket_spend(&c->w->posts, 300, 300, c->now_ms))
		return true;
	ch->free_ms = (ch->free_ms > c->now_ms ? ch->free_ms : c->now_ms) + SECOND_MS;
	return false;
}
