/* check_ledger: what the world saw of us: no rule broken, no vendor's patience strained, nothing
 * secret. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "sim/sim.h"

void check_secrets(struct sim *s, const char *where, struct str bytes)
{
	/* Tokens, keys, and response URLs ("/response/…"). */
	static const char *const secrets[] = { "xapp-1-A0SANDBOX",
					       "xoxb-T0SANDBOX",
					       "R0SANDBOXR0SANDBOX",
					       "lab-source-token",
					       "0123456789abcdef0123456789abcdef",
					       "fedcba9876543210fedcba9876543210",
					       "/response/actions/" };
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (bytes.n && memmem(bytes.at, bytes.n, secrets[i], strlen(secrets[i])))
			sim_break(s, "I-49 %s: \"%.12s…\"", where, secrets[i]);
}

static void check_refusals(struct sim *s, const struct cJSON *ledger)
{
	/* Facts of the world, not faults of ours: pacing, unknown and departed people, triggers
	 * that a fault delayed. */
	static const char *const fine[] = { "ratelimited",         "ratelimited_channel",
					    "users_not_found",     "user_disabled",
					    "expired_trigger_id",  "exchanged_trigger_id",
					    "expired_url",         "used_url",
					    "ack_missing",         "ack_late",
					    "too_many_websockets", NULL };
	for (const struct cJSON *r = json_first(json_key(ledger, "refusals")); r;
	     r = json_next(r)) {
		const char *rule = json_name(r);
		bool is_fine = false;
		for (size_t i = 0; fine[i]; i++)
			is_fine = is_fine || strcmp(rule, fine[i]) == 0;
		/* Suspended with its ticket in hand, which is good for thirty seconds. */
		if (strcmp(rule, "ticket") == 0 && lab_fired(s->lab, LAB_PAUSE))
			is_fine = true;
		if (!is_fine)
			sim_break(s, "refused by Slack's rules: %s", rule);
	}
}

/* A 429 is about the method, for all channels; but of posts it is one channel that is full. */
static bool is_same_line(const struct cJSON *c, const struct cJSON *d)
{
	const char *method = json_text_at(c, "method");
	return strcmp(method, json_text_at(d, "method")) == 0 &&
	       (strcmp(method, "chat.postMessage") != 0 ||
		strcmp(json_text_at(c, "channel"), json_text_at(d, "channel")) == 0);
}

/* What rows ask for. */
static bool is_row_of_ours(const struct cJSON *call)
{
	static const char *const methods[] = { "pagerduty",
					       "users.lookupByEmail",
					       "users.info",
					       "conversations.open",
					       "chat.postMessage",
					       "chat.update",
					       "conversations.history" };
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(json_text_at(call, "method"), methods[i]) == 0)
			return true;
	return false;
}

/* An answer that came to a dead process was never heard. */
static void check_patience(struct sim *s, const struct cJSON *calls)
{
	if (lab_lives(s->lab) || s->is_wall_wrong)
		return;
	for (const struct cJSON *c = json_first(calls); c; c = json_next(c)) {
		double wait = json_number(json_key(c, "wait_s")) * 1000.0;
		double at = json_number(json_key(c, "at_ms"));
		if (wait <= 3000.0 || !is_row_of_ours(c))
			continue;
		for (const struct cJSON *d = json_next(c); d; d = json_next(d)) {
			double after = json_number(json_key(d, "at_ms")) - at;
			if (after >= wait - 1000.0 - (double)s->drifted_ms)
				break;
			/* What was under way already is not called back. */
			if (after > 2000.0 && is_same_line(c, d))
				sim_break(s,
					  "I-39 %s \"%s\" again after %.0f s, told to wait %.0f s",
					  json_text_at(c, "method"), json_text_at(c, "channel"),
					  after / 1000.0, wait / 1000.0);
		}
	}
}

/* Eleven posts into one channel take ten seconds, whatever the network does to each. */
static void check_pace(struct sim *s, const struct cJSON *calls)
{
	enum { RUN = 11 };
	struct {
		char channel[24];
		double at[RUN];
		size_t n;
	} seen[32] = { { .n = 0 } };
	for (const struct cJSON *c = json_first(calls); c; c = json_next(c)) {
		const char *channel = json_text_at(c, "channel");
		size_t i = 0;
		if (strcmp(json_text_at(c, "method"), "chat.postMessage") != 0 || !channel[0])
			continue;
		while (i < 31 && seen[i].n && strcmp(seen[i].channel, channel) != 0)
			i++;
		snprintf(seen[i].channel, sizeof(seen[i].channel), "%s", channel);
		double now = json_number(json_key(c, "at_ms"));
		double *at = &seen[i].at[seen[i].n++ % RUN], old = *at;
		*at = now;
		if (seen[i].n > RUN && now - old < (RUN - 1) * 1000.0)
			sim_break(s, "I-40 %d posts in %s within %.1f s", RUN + 1, channel,
				  (now - old) / 1000.0);
	}
}

void check_ledger(struct sim *s, const struct cJSON *ledger)
{
	check_refusals(s, ledger);
	check_patience(s, json_key(ledger, "calls"));
	check_pace(s, json_key(ledger, "calls"));
}
