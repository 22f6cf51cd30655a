/* The world of the stories about slack/link: a virtual clock, and what the link wants as words:
 * "ask", "dial 2", "ping 1", "hang 1". Log lines are not part of a story unless it is about them.
 * Used by the test_slack_link_*.c beside it. */
#ifndef TEST_SLACK_LINK_H
#define TEST_SLACK_LINK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "slack/link.h"

#define URL "wss://wss-primary.slack.com/link/?ticket=1"

struct world {
	struct link *l;
	int64_t now_ms;
	struct chance chance;
	struct link_acts acts;
	struct buf words;
	char said[sizeof(((struct link_act *)NULL)->say)]; /* the newest */
	int said_n;
};
static struct world w;

static inline int begin(void **state)
{
	(void)state;
	w = (struct world){ .l = link_new(), .now_ms = 1000, .words = BUF(1000) };
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	link_free(w.l);
	buf_free(&w.words);
	return 0;
}

/* One step; the acts as words. */
static inline const char *step(const struct link_event *ev)
{
	static const char *const names[] = { "ask", "dial", "ping", "hang", "say" };

	w.chance.bytes[0]++;
	memset(&w.acts, 0x5a, sizeof(w.acts));
	link_step(w.l, ev, w.now_ms, &w.chance, &w.acts);
	buf_clear(&w.words);
	for (size_t i = 0; i < w.acts.n; i++) {
		const struct link_act *a = &w.acts.at[i];
		if (a->kind == LINK_SAY) {
			memcpy(w.said, a->say, sizeof(w.said));
			w.said_n++;
			continue;
		}
		buf_addf(&w.words, "%s%s", w.words.n > 0 ? ", " : "", names[a->kind]);
		if (a->socket != 0)
			buf_addf(&w.words, " %d", (int)a->socket);
		if (a->kind == LINK_DIAL)
			assert_string_equal(a->url, URL);
		if (a->kind == LINK_HANG_UP)
			assert_int_equal(a->code, 1000);
	}
	return buf_z(&w.words);
}

#define EV(...)           (&(struct link_event){ __VA_ARGS__ })
#define EXPECT(ev, words) assert_string_equal(step(ev), words)
#define TIMER             EV(.kind = LINK_TIMER)

static inline struct link_event on(enum link_event_kind kind, uint64_t socket)
{
	return (struct link_event){ .kind = kind, .socket = socket, .lives_s = 0 };
}

/* Time passes until the link wants to be called. */
static inline const char *wait_due(void)
{
	const int64_t due_ms = link_due_ms(w.l);

	assert_true(due_ms != NEVER_MS && due_ms >= w.now_ms);
	w.now_ms = due_ms;
	return step(TIMER);
}

static inline void get_up(uint64_t socket, int64_t lives_s)
{
	char dial[32];

	(void)snprintf(dial, sizeof(dial), "dial %d", (int)socket);
	EXPECT(EV(.kind = LINK_URL, .url = URL), dial);
	EXPECT(EV(.kind = LINK_UP, .socket = socket), "");
	EXPECT(EV(.kind = LINK_HELLO, .socket = socket, .lives_s = lives_s, .connections = 1), "");
	assert_true(link_is_up(w.l));
}

/* Alive for so long: every ping is answered. */
static inline void live_for(uint64_t socket, int64_t ms)
{
	const int64_t until_ms = w.now_ms + ms;

	while (link_due_ms(w.l) < until_ms) {
		(void)wait_due();
		const struct link_event heard = on(LINK_HEARD, socket);
		(void)step(&heard);
	}
	w.now_ms = until_ms;
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)
#endif
