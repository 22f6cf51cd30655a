/* command: what people type to us, after /securitybot or in a direct message. Called by handlers
 * only. Strict about what is said (a word more is another sentence), forgiving about how it is
 * written: capitals, smart quotes, long dashes, dots at the end. */
#ifndef HANDLERS_COMMAND_H
#define HANDLERS_COMMAND_H
#include "base/text.h"
#include "handlers/handlers.h"

/* Private words by their keys in templates/texts. */
#define TEXT_SHOW_NONE     "show_none" /* no such case, or not yours: the same words */
#define TEXT_DRILL_STARTED "drill_started"
#define TEXT_DRILL_RUNNING "drill_running"
#define TEXT_DRILL_ENOUGH  "drill_enough"
#define TEXT_DRILL_NOBODY  "drill_nobody"
/* What a drill's plan says. */
#define TEXT_DRILL_TITLE    "drill_title"
#define TEXT_DRILL_SUMMARY  "drill_summary"
#define TEXT_DRILL_QUESTION "drill_question"

enum {
	COMMAND_BYTES_MAX = 1024, /* what is longer is no command and no answer */
	COMMAND_WORDS_MAX = 6,    /* likewise */
	COMMAND_WORD_MAX = 24,    /* bytes of a word */
};

struct asked { /* by whom, and what for */
	const struct act *a;
	const char *user;
	bool is_new, is_analyst;
	int64_t case_id; /* show */
};
struct command {
	const char *verb;
	bool takes_case;
	struct decision (*run)(const struct asked *q);
};

enum typed_kind { TYPED_NOTHING, TYPED_YES, TYPED_NO, TYPED_COMMAND, TYPED_UNKNOWN };
struct typed {
	enum typed_kind kind;
	const struct command *command;   /* COMMAND */
	int64_t case_id;                 /* COMMAND, where it takes one */
	char word[COMMAND_WORD_MAX + 1]; /* UNKNOWN: the first word, cleaned; "" if there is none */
};
/* Any bytes will do. */
void command_read(struct str text, struct typed *out);

struct decision command_slash(const struct act *a, const struct fact *f, bool is_new);
/* The same in a direct message, for whatever is no answer. */
struct decision command_typed(const struct act *a, const struct fact *f, bool is_new,
			      const struct typed *typed);

/* A question that its addressee may still answer with words: posted (nobody can have seen it
 * otherwise), and over for no longer than a day. Buttons work for longer. */
#define COMMAND_LATE_MS DAY_MS
bool command_is_open(const struct act *a, const struct inquiry *q);
/* How many of the newest questions to a person, and cases that are open, are looked at. */
enum { COMMAND_INQUIRIES_MAX = 20, COMMAND_CASES_MAX = 1000 };

/* One file each. */
struct decision command_help(const struct asked *q);
struct decision command_status(const struct asked *q);
struct decision command_mine(const struct asked *q);
struct decision command_show(const struct asked *q);
struct decision command_test(const struct asked *q);
/* The list of commands, with what was not understood ("" = nothing was said). */
struct decision command_unknown(const struct asked *q, const char *words);
/* A layout of its own for who asked. */
struct decision command_sheet(const struct asked *q, const char *template);
struct decision command_say(const struct asked *q, const char *text_key);
/* What is typed where several questions are open: they are listed. */
struct decision command_several(const struct act *a, const char *user);
#endif
