/* answer: what people send us in Slack: clicks, comments, typed words. Called by handlers only.
 * Whose click counts is decided here; what it means is inquiry's rule table. */
#ifndef HANDLERS_ANSWER_H
#define HANDLERS_ANSWER_H
#include "handlers/handlers.h"

/* Private words by their keys in templates/texts. */
#define TEXT_NOT_OURS    "not_ours" /* forged, unknown, or not on the inquiry's own message */
#define TEXT_STRANGER    "stranger" /* somebody else's question */
#define TEXT_ALREADY_YES "already_yes"
#define TEXT_ALREADY_NO  "already_no"
#define TEXT_LATE        "late_recorded"      /* "yes" after the deadline: the on-call decides */
#define TEXT_UNREACHABLE "unreachable_answer" /* "yes" to a question that came too late itself */
#define TEXT_DRILL       "drill_over"         /* any of those about a drill: nobody was told */
#define TEXT_TYPED       "typed_recorded"
#define TEXT_NONE_OPEN   "typed_none_open"

struct decision answer_click(const struct act *a, const struct fact *f, bool is_new);
struct decision answer_comment(const struct act *a, const struct fact *f, bool is_new);
/* Words typed to us: an answer if they are one, else a command. */
struct decision answer_message(const struct act *a, const struct fact *f, bool is_new);
#endif
