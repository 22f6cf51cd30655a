/* tests: runs the examples a connector document carries: the request must be the expected one, the
 * answer must be read as expected. Secrets show as "***". */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "vendor/inside.h"

enum { MASKED_MAX = 16 };
struct run {
	struct connector c;
	struct named_secret masked[MASKED_MAX];
	const char *file;
	void (*say)(void *self, const char *line);
	void *self;
	size_t number, failures;
	struct arena arena;
};

static void complain(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct run *r, const char *format, ...)
{
	char text[700], line[900];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s: test %zu: %s", r->file, r->number, text);
	r->say(r->self, line);
	r->failures++;
}

/* Every ${secret:NAME} of the document, also inside a longer text, reads "***". */
static void mask(struct run *r, const struct cJSON *j)
{
	struct str before, name, rest = str_z(json_text(j)), head = STR("{secret:");
	for (const struct cJSON *m = json_first(j); m; m = json_next(m))
		mask(r, m);
	while (str_cut(rest, '$', &before, &rest)) {
		if (!str_starts(rest, head) || r->c.secrets_n == MASKED_MAX)
			continue;
		rest = (struct str){ rest.at + head.n, rest.n - head.n };
		str_cut(rest, '}', &name, &rest);
		struct named_secret *n = &r->masked[r->c.secrets_n++];
		n->name = arena_str(&r->arena, name);
		n->value = secret_from(STR("***"));
	}
}

static void same(struct run *r, const char *what, const struct cJSON *wanted,
		 const struct cJSON *got)
{
	if (wanted && !json_equal(wanted, got))
		complain(r, "%s: expected %s, but it is %s", what,
			 json_print_arena(wanted, &r->arena),
			 got ? json_print_arena(got, &r->arena) : "nothing");
}

static void check_request(struct run *r, const struct cJSON *wanted, const struct request *rq)
{
	struct str path = str_z(rq->url), body = rq->body;
	struct fail fail;
	for (const struct cJSON *v = json_first(r->c.config); v; v = json_next(v)) {
		struct str base = str_z(json_text(v)); /* base_url, or what an operation has */
		if (!base.n || !str_starts(path, base))
			continue;
		path = (struct str){ path.at + base.n, path.n - base.n };
		break;
	}
	if (strcmp(json_text_at(wanted, "method"), rq->method) != 0)
		complain(r, "expected method %s, but it is %s", json_text_at(wanted, "method"),
			 rq->method);
	if (!str_is(path, json_text_at(wanted, "path")))
		complain(r, "expected path %s, but it is %.*s", json_text_at(wanted, "path"),
			 STR_ARG(path));
	CLEANUP(json_done) struct cJSON *got = body.n ? json_parse(body, &fail) : NULL;
	same(r, "body", json_key(wanted, "body"), got);
}

static void check_reply(struct run *r, const struct cJSON *t, const char *op)
{
	static const char *const names[] = {
#define X(n) #n,
		OUTCOMES(X)
#undef X
	};
	const struct cJSON *response = json_key(t, "response"), *expect = json_key(t, "expect"),
			   *input = json_key(t, "input");
	CLEANUP(buf_free) struct buf body = BUF(256 * 1024);
	if (json_key(response, "body"))
		json_print(json_key(response, "body"), &body);
	struct engine_reply reply = { .status = (int)json_number(json_key(response, "status")),
				      .retry_after_s = -1,
				      .body = buf_str(&body),
				      .error = "" };
	enum outcome outcome;
	CLEANUP(json_done) struct cJSON *output = engine_read(&r->c, op, input, &reply, &outcome);
	CLEANUP(json_done)
	struct cJSON *revert =
		outcome == OUTCOME_DONE ? engine_revert(&r->c, op, input, output) : NULL;
	if (strcasecmp(names[outcome], json_text_at(expect, "outcome")) != 0)
		complain(r, "expected outcome %s, but it is %s", json_text_at(expect, "outcome"),
			 names[outcome]);
	same(r, "output", json_key(expect, "output"), output);
	same(r, "revert", json_key(expect, "revert"), revert);
}

static void run_one(struct run *r, const struct cJSON *t)
{
	const char *op = json_text_at(t, "op");
	struct request rq;
	struct fail fail;
	CLEANUP(json_done)
	struct cJSON *config = json_is_object(json_key(t, "config"))
				       ? json_copy(json_key(t, "config"))
				       : json_object();
	if (!json_key(config, "base_url"))
		json_put_text(config, "base_url", "https://vendor.example");
	r->c.config = config;
	enum rc rc = engine_request(&r->c, op, json_key(t, "input"), &r->arena, &rq, &fail);
	const struct cJSON *refused = json_key(t, "expect_refused");
	if (rc != RC_OK && !refused)
		complain(r, "%s", fail.why);
	else if (rc == RC_OK && refused)
		complain(r, "expected the input to be refused, but it was taken");
	else if (rc == RC_OK) {
		check_request(r, json_key(t, "expect_request"), &rq);
		if (json_key(t, "response"))
			check_reply(r, t, op);
	}
	r->c.config = NULL;
}

size_t engine_tests(const struct connector *c, const char *file,
		    void (*say)(void *self, const char *line), void *self, size_t *run)
{
	struct run r = {
		.c = *c, .file = file, .say = say, .self = self, .arena = ARENA((size_t)32 << 20)
	};
	r.c.secrets = r.masked;
	r.c.secrets_n = 0;
	mask(&r, json_key(c->doc, "operations"));
	mask(&r, json_key(c->doc, "auth"));
	for (const struct cJSON *t = json_first(json_key(c->doc, "tests")); t; t = json_next(t)) {
		r.number++;
		run_one(&r, t);
	}
	if (!r.number)
		complain(&r, "a connector needs tests");
	*run = r.number;
	arena_clear(&r.arena);
	return r.failures;
}
