/* slack/codes: the error codes of Slack's Web API by class (slack.md 2.4), and the names of the
 * methods. For answer.c and write.c beside it; what a class means for a row is decided there. */
#ifndef SLACK_CODES_H
#define SLACK_CODES_H
#include "slack/write.h"

enum code_class {
	CODE_TOKEN,     /* the token is dead: every call fails until somebody acts */
	CODE_SETUP,     /* this method is not allowed us until somebody changes the setup */
	CODE_LIMITED,   /* not done, later */
	CODE_AMBIGUOUS, /* part of it may have happened (slack.md 2.6) */
	CODE_GONE,      /* the message to change is not there */
	CODE_FIXED,     /* it is there, and closed to us */
	CODE_WORDS,     /* this message as it stands: plainer words may pass */
	CODE_PERSON,    /* this person: the same again fails again */
	CODE_PLACE,     /* this channel: somebody has to change it, or our right to it */
	CODE_NEVER,     /* this call: our mistake */
	CODE_OTHER,     /* not in the table */
};
/* Of an error as slack_answer tells it: only its first word counts. */
enum code_class code_class(const char *error);
/* What somebody has to do about it; "" where nobody has to. */
const char *code_fix(const char *error);
#endif
