/* story: what happens in a lab, said in the words of the domain: who presses what, what stands in
 * whose channel, whom the pager woke, what the audit trail says. For tests/scenario only; it
 * decides nothing and reaches into the process only to read. What a function returns is borrowed
 * until the story ends, unless it says otherwise. A thing that should be there and is not fails the
 * test. */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"
#include "model/look.h"

/* An assertion that quotes the sentence it proves: id and words stand in tests/scenario/SENTENCES,
 * and tools/check-scenarios.sh holds one against the other. */
#define QUOTE(id, words, holds) story_quote((id), (words), (holds), __FILE__, __LINE__)
void story_quote(const char *id, const char *words, bool holds, const char *file, int line);

/* A test with a lab of its own as its state: born, connected to Slack, nothing has happened yet. */
#define STORY(test) cmocka_unit_test_setup_teardown(test, story_set_up, story_tear_down)
int story_set_up(void **state);
int story_tear_down(void **state);
/* The same by hand. */
struct lab *story_begin(const struct lab_options *o);
void story_end(struct lab *l);
struct arena *story_arena(void);

/* Labs from now on have that configuration; as a group's tear-down, the usual one again. */
void story_configure(const char *file);
int story_one_pager(void **state);

#define CHANNEL "C0SECALRT"

/* --- sources --- */

struct said { /* what a sender was told */
	int status;
	int64_t alert_id;
};
/* Posts a body for source "edr" and waits for the answer, at most ten seconds. */
struct said post(struct lab *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An alert of the playbook edr-process: 202, and two seconds later; returns its case. */
int64_t an_alert(struct lab *l, const char *id, const char *user, int priority);

/* --- people; names as in the sandbox's cast: "alice" --- */

struct seen { /* a message or private word as it stood when it was looked at */
	const char *channel, *ts;
	const char *thread_ts;         /* of the message it stands under, "" = none */
	const char *words;             /* all its text, one line an element; first the fallback */
	const char *json;              /* its blocks */
	const char *yes, *no, *not_me; /* the values of its buttons, NULL = no such button */
};
/* A message of the world's `state`. */
const struct seen *story_seen(const char *channel, const struct cJSON *message);
const char *id_of(struct lab *l, const char *name);
/* The newest message of ours in that person's direct messages, and how many stand there. */
const struct seen *the_question_to(struct lab *l, const char *name);
size_t questions_to(struct lab *l, const char *name);
/* The newest in which those words stand, NULL = none; and how many, replies in threads not counted.
 */
const struct seen *message_with(struct lab *l, const char *channel, const char *words);
size_t messages_with(struct lab *l, const char *channel, const char *words);
const struct seen *the_card_of(struct lab *l, int64_t case_id);
size_t cards_of(struct lab *l, int64_t case_id);
/* Private words (ephemeral messages) to a person: the newest ("" = none), and how many. */
const char *the_private_word_to(struct lab *l, const char *name);
size_t private_words_to(struct lab *l, const char *name);
/* The comment modal open before that person; "" = none. */
const char *the_modal_of(struct lab *l, const char *name);
bool says(const struct seen *m, const char *words);

/* Presses a button of a message as it was seen, whatever stands there now: phones show old
 * renderings. No time passes. Returns the envelope's id. */
const char *click(struct lab *l, const char *name, const struct seen *m, const char *button);
/* Presses a button that stands under the newest question now; two seconds pass. */
void press(struct lab *l, const char *name, const char *button);
bool is_acked(struct lab *l, const char *envelope_id);

/* --- the pager --- */

struct woken {
	const char *pager, *key, *summary, *details;
	int64_t first_ms;
	int triggers, notified;
};
/* Incidents of a case for a reason, "" = any. */
size_t incidents(struct lab *l, int64_t case_id, const char *reason);
const struct woken *the_incident(struct lab *l, int64_t case_id, const char *reason);
/* Of all cases, with or without details. */
size_t all_incidents(struct lab *l, const struct woken **newest);
/* Exactly one, which notified once. */
void expect_incident(struct lab *l, int64_t case_id, const char *reason);

/* --- the border --- */

struct call {
	int64_t seq, at_ms;
	int status;
	const char *method, *error, *channel, *ts, *marker;
};
/* Calls of that method, oldest first; method "" = all. */
size_t calls(struct lab *l, const char *method, const struct call **out);
/* Posts that Slack really made in that channel. */
size_t posts_in(struct lab *l, const char *channel);
void a_fault(struct lab *l, const char *where, const char *kind, int count);
/* A fault of another length, after letting some by. */
struct fault_plan {
	const char *where, *kind;
	int count, after;
	int64_t ms;
};
void a_fault_like(struct lab *l, const struct fault_plan *f);

/* --- the record; borrowed until time passes --- */

const struct casefile *case_of(struct lab *l, int64_t case_id);
const struct inquiry *inquiry_of(struct lab *l, int64_t case_id);
int64_t cases(struct lab *l);
/* The case of the newest trouble of that name, 0 = there was none; and whether it lasts. */
int64_t trouble_case(struct lab *l, const char *name);
bool trouble_lasts(struct lab *l, const char *name);
/* Audit rows of that action, "" = any, by that person, "" = anybody. */
int64_t audits(struct lab *l, const char *action, const char *name);
/* The answer to a question about the committed database: one number. */
int64_t number_in(struct lab *l, const char *sql);
const char *text_in(struct lab *l, const char *sql);
#endif
