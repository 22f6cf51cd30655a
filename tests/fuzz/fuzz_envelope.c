/* fuzz_envelope: any bytes as a Socket Mode frame. Called by libFuzzer and tools/replay.c only; it
 * never trusts slack_read: what a frame says is read again here and held against what came out. */
/* Covers: bot/slack/read.c bot/base/json_scan.c */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "slack/read.h"

#define MAC_KEY "a key of the fuzzer's, in no use"
#define ACK     "{\"response_action\":\"clear\"}"
enum { ID_MAX = 255, URL_MAX = 2048, WORDS_MAX = 3000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slack_self self = { "T0FUZZ", "A0FUZZ", STR_INIT(MAC_KEY), "U0FUZZ" };

static bool is_printable(const char *z)
{
	for (; *z; z++)
		if (*z < ' ' || *z > '~')
			return false;
	return true;
}

static void check_id(const char *z) { assert(*z && strlen(z) <= ID_MAX && is_printable(z)); }

static void check_words(const char *z)
{
	assert(utf8_valid(str_z(z)) && utf8_points(str_z(z)) <= WORDS_MAX);
}

/* A forged token names nothing: whoever gets an inquiry out has shown the very token made for it.
 */
static void check_token(const char *shown, int64_t inquiry_id)
{
	if (inquiry_id == 0)
		return;
	struct token made = token_make(self.mac_key, "inquiry", inquiry_id);
	assert(inquiry_id > 0 && strcmp(made.text, shown) == 0);
}

static void check_fact(const struct fact *f, const struct cJSON *payload)
{
	const char *team = "team.id";
	switch (f->kind) {
	case FACT_CLICK:
		check_id(f->as.click.user);
		check_id(f->as.click.channel);
		check_id(f->as.click.ts);
		check_token(json_text_at(json_at(json_get(payload, "actions"), 0), "value"),
			    f->as.click.inquiry_id);
		assert(f->as.click.what <= CLICK_UNKNOWN);
		assert(f->as.click.what != CLICK_UNKNOWN || f->as.click.inquiry_id == 0);
		break;
	case FACT_COMMENT:
		check_id(f->as.comment.user);
		check_words(f->as.comment.text);
		check_token(json_text_at(payload, "view.private_metadata"),
			    f->as.comment.inquiry_id);
		break;
	case FACT_COMMAND:
		check_id(f->as.command.user);
		check_id(f->as.command.channel);
		check_words(f->as.command.text);
		team = "team_id";
		break;
	case FACT_MESSAGE:
		check_id(f->as.message.user);
		check_id(f->as.message.channel);
		check_id(f->as.message.ts);
		check_words(f->as.message.text);
		assert(strcmp(f->as.message.user, self.user_id) != 0);
		team = "team_id";
		break;
	case FACT_ALERT: assert(!"no alert comes from Slack");
	}
	assert(strcmp(json_text_at(payload, team), self.team_id) == 0);
	assert(strcmp(json_text_at(payload, "api_app_id"), self.app_id) == 0);
}

/* Its acknowledgement names it and nothing else, with and without a payload. */
static void check_ack(const char *envelope_id, const char *payload)
{
	struct fail fail;
	struct buf CLEANUP(buf_free) b = BUF(64u << 10);
	assert(slack_ack(envelope_id, payload, &b, &fail) == RC_OK);
	struct cJSON CLEANUP(json_done) *j = json_parse(buf_str(&b), &fail);
	assert(j && json_count(j) == (*payload ? 2 : 1));
	assert(strcmp(json_text_at(j, "envelope_id"), envelope_id) == 0);
}

static void check_frame(const struct frame *f, const struct cJSON *j)
{
	const char *id = json_text_at(j, "envelope_id"), *type = json_text_at(j, "type");
	const bool is_ours = strcmp(type, "hello") == 0 || strcmp(type, "disconnect") == 0;
	const bool is_acked = *id && strlen(id) <= ID_MAX && !is_ours;

	assert(is_printable(f->odd) && strlen(f->odd) < 80); /* no payload's words in it */
	assert(!f->has_fact || (is_acked && !*f->odd && f->kind == FRAME_ENVELOPE));
	assert(!is_acked || (f->kind == FRAME_ENVELOPE && strcmp(f->envelope_id, id) == 0));
	assert(j || (f->kind == FRAME_OTHER && *f->odd && !*f->envelope_id));
	assert(strlen(f->response_url) <= URL_MAX && strlen(f->trigger_id) <= ID_MAX);
	assert(!*f->response_url || strncmp(f->response_url, "http", 4) == 0);
	assert(f->lives_s >= 0 && f->connections >= 0 && strlen(f->reason) <= ID_MAX);
	if (f->kind == FRAME_ENVELOPE && *f->envelope_id) {
		check_ack(f->envelope_id, "");
		check_ack(f->envelope_id, ACK);
	}
	if (f->has_fact) {
		const bool is_event =
			f->fact.kind == FACT_MESSAGE; /* repeated in other envelopes */
		const char *event_id = json_text_at(j, "payload.event_id");
		assert(strncmp(f->fact.key, is_event ? "event:" : "envelope:", is_event ? 6 : 9) ==
		       0);
		assert(strcmp(strchr(f->fact.key, ':') + 1, is_event ? event_id : id) == 0);
		check_fact(&f->fact, json_get(j, "payload"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	struct arena CLEANUP(arena_clear) arena = ARENA(8u << 20);
	struct frame frame;

	slack_read(text, &self, &arena, &frame);
	struct cJSON CLEANUP(json_done) *j = size <= 1u << 20 ? json_parse(text, NULL) : NULL;
	if (j && !json_is_object(j))
		assert(frame.kind == FRAME_OTHER && *frame.odd);
	else
		check_frame(&frame, j);
	return 0;
}
