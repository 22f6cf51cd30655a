/* What the tests of Slack's answers share: the calls that are answered, and an answer as a result.
 * Used by test_slack_answer.c and test_slack_refusals.c beside it. */
#ifndef TEST_SLACK_ANSWER_H
#define TEST_SLACK_ANSWER_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "slack/write.h"

static struct arena arena = { .limit = 4 << 20 };

static inline int forget(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static const struct slack_asked POST = { OUT_QUESTION, PHASE_SEND, false, "out:9:ab" };
static const struct slack_asked UPDATE = { OUT_CARD, PHASE_SEND, true, "out:9:ab" };
static const struct slack_asked FIND = { OUT_CARD, PHASE_FIND, false, "out:9:ab" };
static const struct slack_asked EMAIL = { OUT_LOOKUP_EMAIL, PHASE_SEND, false, "" };
static const struct slack_asked OPEN = { OUT_OPEN_DM, PHASE_SEND, false, "" };
static const struct slack_asked REPLY = { OUT_QUESTION, PHASE_SEND, false, "" };

static inline struct result answer(const struct slack_asked *asked, int status, const char *body)
{
	const struct wire_reply reply = { status, false, -1, str_z(body), "" };
	struct result r;

	memset(&r, 0x5a, sizeof(r));
	slack_answer(asked, &reply, &arena, &r);
	return r;
}
#endif
