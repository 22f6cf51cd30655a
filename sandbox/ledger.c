/* ledger: what was done, counted and kept: calls, acks, envelopes, refusals by rule, what people
 * saw fail, and a short ring of wire lines with tokens masked. Written by the model's files; never
 * decides anything. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void count(struct rule_count *at, size_t n, const char *rule)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i].count && strcmp(at[i].rule, rule) != 0)
			continue;
		TEXT_SET(at[i].rule, rule);
		at[i].count++;
		return;
	}
}

void refused(struct world *w, const char *rule) { count(w->refusals, RULES_MAX, rule); }
void warned(struct world *w, const char *what)
{
	count(w->warnings, sizeof w->warnings / sizeof *w->warnings, what);
}

void bitten(struct world *w, const char *name) { count(w->bites, BITES_MAX, name); }

struct cJSON *counts_json(const struct rule_count *at, size_t n)
{
	struct cJSON *j = json_object();
	for (size_t i = 0; i < n && at[i].count; i++)
		json_put_num(j, at[i].rule, (double)at[i].count);
	return j;
}

struct call_row *ledger_call(struct world *w, const char *method, int status, const char *error)
{
	if (w->calls.n >= LEDGER_MAX) {
		list_cut(&w->calls, sizeof(struct call_row), LEDGER_MAX / 4);
		w->rows_cut += LEDGER_MAX / 4;
	}
	struct call_row *r = list_add(&w->calls, sizeof *r);
	r->seq = ++w->seq;
	r->at_ms = w->now_ms;
	r->status = status;
	TEXT_SET(r->method, method);
	TEXT_SET(r->error, error ? error : "");
	return r;
}

void ledger_ack(struct world *w, const struct ack_row *row)
{
	if (w->acks.n >= LEDGER_MAX) {
		struct ack_row *a = w->acks.at;
		for (size_t i = 0; i < LEDGER_MAX / 4; i++)
			free(a[i].payload);
		list_cut(&w->acks, sizeof(struct ack_row), LEDGER_MAX / 4);
		w->rows_cut += LEDGER_MAX / 4;
	}
	struct ack_row *r = list_add(&w->acks, sizeof *r);
	*r = *row;
}

struct envelope_row *ledger_row(const struct world *w, uint64_t number)
{
	if (number < w->envelopes_cut || number - w->envelopes_cut >= w->envelopes.n)
		return NULL;
	return (struct envelope_row *)w->envelopes.at + (number - w->envelopes_cut);
}

struct envelope_row *ledger_envelope(struct world *w)
{
	if (w->envelopes.n >= LEDGER_MAX) {
		list_cut(&w->envelopes, sizeof(struct envelope_row),
			 LEDGER_MAX / 4); /* their frames are gone already */
		w->envelopes_cut += LEDGER_MAX / 4;
	}
	struct envelope_row *r = list_add(&w->envelopes, sizeof *r);
	if (w->envelopes.n > FRAMES_KEPT) {
		struct envelope_row *old =
			(struct envelope_row *)w->envelopes.at + (w->envelopes.n - 1 - FRAMES_KEPT);
		free(old->frame);
		old->frame = NULL;
	}
	return r;
}

struct envelope_row *ledger_envelope_by_id(const struct world *w, const char *envelope_id)
{
	struct envelope_row *r = w->envelopes.at;
	for (size_t i = w->envelopes.n; i-- > 0;)
		if (strcmp(r[i].envelope_id, envelope_id) == 0)
			return &r[i];
	return NULL;
}

/* What follows one of these words is a secret: the rest of the word is starred. */
static void mask(char *z)
{
	static const char *const words[] = { "xoxb-", "xapp-", "ticket=", "/response/",
					     ROUTING_KEY };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		for (char *at = z; (at = strstr(at, words[i]));) {
			char *end = at + strcspn(at, " \"&\\");
			for (char *p = at + 5; p < end; p++)
				*p = '*';
			at = end;
		}
}

void wire_note(struct world *w, const char *what, const char *detail)
{
	struct wire_line *l = &w->wire[w->wire_n++ % WIRE_MAX];
	free(l->detail);
	struct str cut = utf8_clip(str_z(detail), WIRE_DETAIL_MAX);
	l->detail = mem_str(cut);
	mask(l->detail);
	l->seq = ++w->seq;
	l->at_ms = w->now_ms;
	TEXT_SET(l->what, what);
}

void trouble_note(struct world *w, const char *user, const char *what)
{
	if (w->troubles.n >= TROUBLES_MAX)
		list_cut(&w->troubles, sizeof(struct trouble), TROUBLES_MAX / 4);
	struct trouble *t = list_add(&w->troubles, sizeof *t);
	TEXT_SET(t->user, user);
	TEXT_SET(t->what, what);
	t->at_ms = w->now_ms;
	w->changed++;
}

void ledger_free(struct world *w)
{
	struct ack_row *a = w->acks.at;
	for (size_t i = 0; i < w->acks.n; i++)
		free(a[i].payload);
	struct envelope_row *e = w->envelopes.at;
	for (size_t i = 0; i < w->envelopes.n; i++)
		free(e[i].frame);
	for (size_t i = 0; i < WIRE_MAX; i++)
		free(w->wire[i].detail);
	free(w->acks.at);
	free(w->envelopes.at);
	free(w->calls.at);
	free(w->troubles.at);
}

static void put_given(struct cJSON *j, const char *key, const char *z)
{
	if (*z)
		json_put_text(j, key, z);
}

static struct cJSON *call_json(const struct call_row *r)
{
	struct cJSON *j = json_object();
	json_put_num(j, "seq", (double)r->seq);
	json_put_num(j, "at_ms", (double)r->at_ms);
	json_put_text(j, "method", r->method);
	json_put_num(j, "status", r->status);
	put_given(j, "error", r->error);
	put_given(j, "channel", r->channel);
	put_given(j, "ts", r->ts);
	put_given(j, "marker", r->marker);
	if (r->wait_s)
		json_put_num(j, "wait_s", (double)r->wait_s);
	if (r->dup)
		json_put_bool(j, "dup", true);
	return j;
}

static struct cJSON *ack_json(const struct ack_row *r)
{
	struct cJSON *j = json_object();
	json_put_text(j, "envelope_id", r->envelope_id);
	json_put_num(j, "at_ms", (double)r->at_ms);
	json_put_num(j, "ms", (double)r->ms);
	struct cJSON *payload = r->payload ? json_parse(str_z(r->payload), NULL) : NULL;
	json_put(j, "payload", payload ? payload : json_null());
	if (r->is_late)
		json_put_bool(j, "late", true);
	if (r->is_dup)
		json_put_bool(j, "dup", true);
	return j;
}

static struct cJSON *envelope_json(const struct envelope_row *r)
{
	struct cJSON *j = json_object();
	json_put_text(j, "envelope_id", r->envelope_id);
	json_put_text(j, "type", delivery_kind_name(r->kind));
	json_put_text(j, "key", r->key);
	json_put_num(j, "sent_ms", (double)r->sent_ms);
	json_put_num(j, "attempt", r->attempt);
	json_put_num(j, "socket", r->socket);
	json_put_bool(j, "acked", r->acked);
	return j;
}

struct cJSON *control_sockets(struct world *w, const struct cJSON *args)
{
	(void)args;
	struct cJSON *j = said_yes();
	const struct socket_count *n = &w->sockets_count;
	json_put_num(j, "greeted", (double)n->greeted);
	json_put_num(j, "closed", (double)n->closed);
	json_put_num(j, "lost", (double)n->lost);
	json_put_num(j, "ended", (double)n->ended);
	json_put_num(j, "dropped", (double)n->dropped);
	json_put_num(j, "deaf", (double)n->deaf);
	json_put_num(j, "deaf_ms", (double)n->deaf_ms);
	return j;
}

struct cJSON *ledger_json(const struct world *w, const struct cJSON *args)
{
	int64_t since = 0, since_ms = 0;
	(void)json_int(json_get(args, "since"), &since);
	(void)json_int(json_get(args, "since_ms"), &since_ms);
	struct cJSON *j = said_yes(), *calls = json_array(), *acks = json_array(),
		     *envelopes = json_array();
	const struct call_row *c = w->calls.at;
	for (size_t i = 0; i < w->calls.n; i++)
		if ((int64_t)c[i].seq > since)
			json_push(calls, call_json(&c[i]));
	const struct ack_row *a = w->acks.at;
	for (size_t i = 0; i < w->acks.n; i++)
		if (a[i].at_ms >= since_ms)
			json_push(acks, ack_json(&a[i]));
	const struct envelope_row *e = w->envelopes.at;
	for (size_t i = 0; i < w->envelopes.n; i++)
		if (e[i].sent_ms >= since_ms)
			json_push(envelopes, envelope_json(&e[i]));
	json_put_num(j, "seq", (double)w->seq);
	json_put(j, "calls", calls);
	json_put(j, "acks", acks);
	json_put(j, "envelopes", envelopes);
	json_put(j, "refusals", counts_json(w->refusals, RULES_MAX));
	json_put(j, "warnings", counts_json(w->warnings, sizeof w->warnings / sizeof *w->warnings));
	json_put_num(j, "forgotten", (double)(w->rows_cut + w->envelopes_cut));
	return j;
}
