/* main_page: the page that goes out when the database can't be used: no turn, and nothing can be
 * remembered. Its key is the same each time, so that the next start's joins the incident. */
#include <errno.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "io/io.h"
#include "main_parts.h"
#include "vendor/engine.h"
#include "view/view.h"

/* Between two starts that fail, so that they don't flood the pager; less than the 90 s in which
 * systemd wants to hear READY=1. */
enum { HOLD_MS = 60 * 1000, WORK_MAX = 4 << 20 };

struct call {
	const struct policy *policy;
	struct arena work;
	bool is_answered, is_taken, is_stopped;
};

static bool take(void *self, const struct arrival *a)
{
	struct call *c = self;

	c->is_stopped = c->is_stopped || a->kind == ARRIVAL_STOP;
	if (a->kind != ARRIVAL_REPLY)
		return true;
	const size_t pager = (size_t)a->ticket - 1;
	const char *name = c->policy->pagers[pager].name;
	const struct connector at = engine_connector(c->policy, pager);
	const struct engine_reply reply = { a->reply.status, a->reply.may_have_happened,
					    a->reply.retry_after_s, a->reply.body, a->reply.error };
	struct result r = { 0 };
	engine_answer(&at, "trigger", NULL, &reply, &c->work, &r);
	c->is_answered = true;
	c->is_taken = r.outcome == OUTCOME_DONE;
	if (c->is_taken)
		log_line(LOG_LEVEL_NOTICE, "page.taken", "pager=%s", name);
	else
		log_line(LOG_LEVEL_ERROR, "page.failed", "pager=%s status=%d why=\"%s\"", name,
			 a->reply.status, r.error ? r.error : "");
	return true;
}

/* Until it is answered, or time is up; a hold is a wait for nothing. */
static bool is_waiting(struct call *c, struct io *io, int64_t until_boot_ms)
{
	struct io_clocks now;

	io_clocks(&now);
	return !c->is_stopped && now.boot_ms < until_boot_ms &&
	       io_wait(io, now.wall_ms + (until_boot_ms - now.boot_ms));
}

static void call_one(struct call *c, size_t pager, struct io *io, const char *why,
		     int64_t until_boot_ms)
{
	const struct connector at = engine_connector(c->policy, pager);
	struct cJSON *input CLEANUP(json_done) = view_page_unusable(c->policy, why);
	struct request rq;
	struct fail fail = { 0 };

	if (engine_request(&at, "trigger", input, &c->work, &rq, &fail) != RC_OK) {
		log_line(LOG_LEVEL_ERROR, "page.failed", "pager=%s why=\"%s\"",
			 c->policy->pagers[pager].name, fail.why);
		return;
	}
	rq.is_page = true;
	c->is_answered = false;
	const struct net *net = io_net(io);
	net->http(net->self, pager + 1, &rq);
	while (!c->is_answered && is_waiting(c, io, until_boot_ms)) {
	}
}

void page_unusable(const struct config *config, const char *why)
{
	const struct config_place place = config_place(config);
	struct call c = { .policy = config_policy(config), .work = ARENA(WORK_MAX) };
	const struct io_options o = {
		.ca_file = place.ca_file, .proxy = place.proxy, .take = take, .self = &c
	};
	struct io *io = NULL;
	struct io_clocks now;
	struct fail fail = { 0 };

	/* A file that never was has nobody waiting: a word in the configuration, most likely. */
	if (access(place.database, F_OK) != 0 && errno == ENOENT)
		return;
	if (io_open(&o, &io, &fail) != RC_OK) {
		log_line(LOG_LEVEL_ERROR, "page.failed", "why=\"%s\"", fail.why);
		return;
	}
	io_clocks(&now);
	const int64_t until_boot_ms = now.boot_ms + HOLD_MS;
	for (size_t i = 0; i < c.policy->pagers_n && !c.is_taken && !c.is_stopped; i++)
		call_one(&c, i, io, why, until_boot_ms);
	while (is_waiting(&c, io, until_boot_ms)) {
	}
	io_close(io);
	arena_clear(&c.work);
}
