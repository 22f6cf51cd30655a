/* vendor/engine: runs a connector document (connectors/NAME.yaml): builds the request of an
 * operation, reads its answer. Pure; secrets are merged after jq and never seen by it. Does
 * auth none, header and bearer; requests with path, params, query, accept and body; body_secrets;
 * base_url and auth of an operation's own; outcome, errors, output, revert; tests. It never repeats
 * a request (the caller does), follows pages, polls or fetches tokens. */
#ifndef VENDOR_ENGINE_H
#define VENDOR_ENGINE_H
#include "base/arena.h"
#include "base/fail.h"
#include "base/secret.h"
#include "model/event.h"
#include "model/net.h"
#include "model/policy.h"
struct cJSON;
struct jq_set;

struct connector {
	const struct cJSON *doc; /* as config/ made it: jq is replaced by its number in jq, like: is
				    filled in */
	const struct jq_set *jq;
	const struct cJSON *config; /* values for ${config.x} */
	const struct named_secret *secrets;
	size_t secrets_n;
};
/* The pager through whose gate a page goes; one that the configuration has no more is the first
 * one's: a page that waits must not wait for ever. */
size_t engine_pager(const struct policy *p, const char *gate);
struct connector engine_connector(const struct policy *p, size_t pager);
/* The request of operation op for input (checked against the operation's input:). RC_MALFORMED
 * names the field. */
MUST_CHECK enum rc engine_request(const struct connector *c, const char *op,
				  const struct cJSON *input, struct arena *a, struct request *out,
				  struct fail *fail);
/* How it ended, by outcome: then defaults.errors then permanent; status 0: TRANSIENT if it never
 * left us, else UNKNOWN. ref is output.key if there is one. */
struct engine_reply {
	int status;
	bool may_have_happened;
	int64_t retry_after_s;
	struct str body;
	const char *error;
};
void engine_answer(const struct connector *c, const char *op, const struct cJSON *input,
		   const struct engine_reply *reply, struct arena *a, struct result *out);
/* Runs the document's embedded tests with secrets shown as "***"; returns failures, each described
 * through say(). */
size_t engine_tests(const struct connector *c, const char *file,
		    void (*say)(void *self, const char *line), void *self, size_t *run);
#endif
