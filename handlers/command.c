/* command: cleaning what was typed, the table of commands, and the phrases that answer. Called by
 * intake and answer only; it assigns no state. The cleaning is that of dropbox/securitybot, which
 * people liked: "Yes, that was me." works. */
#include "handlers/command.h"

#include <string.h>

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/notification.h"

static const struct command commands[] = {
	{ "help", false, command_help }, { "status", false, command_status },
	{ "mine", false, command_mine }, { "show", true, command_show },
	{ "test", false, command_test },
};
enum { COMMANDS_N = sizeof(commands) / sizeof(commands[0]) };
static const char *const verbs[] = { "help", "status", "mine", "show", "test", NULL };

/* Whole sentences, for "no problem" is not a no, and "yes, but not the second one" no yes. */
static const struct {
	const char *phrase;
	enum typed_kind kind;
} phrases[] = {
	{ "yes", TYPED_YES },
	{ "y", TYPED_YES },
	{ "yes it was me", TYPED_YES },
	{ "yes that was me", TYPED_YES },
	{ "yes this was me", TYPED_YES },
	{ "it was me", TYPED_YES },
	{ "that was me", TYPED_YES },
	{ "yes i did", TYPED_YES },
	{ "no", TYPED_NO },
	{ "n", TYPED_NO },
	{ "no it wasnt me", TYPED_NO },
	{ "no that wasnt me", TYPED_NO },
	{ "no this wasnt me", TYPED_NO },
	{ "no it was not me", TYPED_NO },
	{ "no that was not me", TYPED_NO },
	{ "it wasnt me", TYPED_NO },
	{ "that wasnt me", TYPED_NO },
	{ "it was not me", TYPED_NO },
	{ "that was not me", TYPED_NO },
	{ "not me", TYPED_NO },
	{ "no not me", TYPED_NO },
	{ "wasnt me", TYPED_NO },
	{ "no i didnt", TYPED_NO },
	{ "no i did not", TYPED_NO },
};

/* --- cleaning --- */

/* What a code point is to us: a letter of a word (ASCII, lower case), a space, or nothing at all.
 */
static int plain(uint32_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (int)c - 'A' + 'a';
	if (c < 0x21 || c == 0x7f || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f ||
	    c == 0x205f || c == 0x3000)
		return ' ';
	if (c >= 0x2010 && c <= 0x2015) /* hyphens and dashes */
		return '-';
	if (c == 0x2212) /* minus */
		return '-';
	if (c == 0x2018 || c == 0x2019 || c == 0x201b || c == 0x2032)
		return '\'';
	if ((c >= 0x201a && c <= 0x201f) || c == 0x2033 || c == 0xab || c == 0xbb || c == 0x2039 ||
	    c == 0x203a)
		return '"';
	if (c == 0x2026) /* … */
		return '.';
	if ((c >= 0x200b && c <= 0x200d) || c == 0x2060 || c == 0xfeff || c == 0xfe0f)
		return 0;                      /* unseen */
	return c < 0x80 ? (int)c : '?' + 0x80; /* anything else makes it another word */
}

struct words {
	char at[COMMAND_WORDS_MAX][COMMAND_WORD_MAX + 1];
	size_t n;
	bool is_too_long;
};

static bool is_trim(char c) { return c && strchr(".,!?;:'\"`*_~()[]<>-", c) != NULL; }

/* A word ends: what surrounds it goes, and apostrophes inside. */
static void end_word(struct words *w, char *word, size_t n)
{
	size_t from = 0, kept = 0;
	while (n > 0 && is_trim(word[n - 1]))
		n--;
	while (from < n && is_trim(word[from]))
		from++;
	for (size_t i = from; i < n; i++)
		if (word[i] != '\'')
			word[kept++] = word[i];
	word[kept] = '\0';
	if (!kept)
		return;
	if (w->n == COMMAND_WORDS_MAX) {
		w->is_too_long = true;
		return;
	}
	if (kept > COMMAND_WORD_MAX) {
		w->is_too_long = true;
		kept = COMMAND_WORD_MAX;
	}
	memcpy(w->at[w->n], word, kept);
	w->at[w->n++][kept] = '\0';
}

/* Bytes that are no UTF-8 are letters of no word we know. */
static void words_of(struct str text, struct words *w)
{
	char word[COMMAND_BYTES_MAX + 1];
	size_t n = 0;
	*w = (struct words){ .n = 0 };
	w->is_too_long = text.n > COMMAND_BYTES_MAX;
	if (w->is_too_long)
		text = utf8_clip(text, COMMAND_WORD_MAX); /* for its first word */
	while (text.n > 0) {
		uint32_t point = 0xfffd;
		size_t step = utf8_step(text, &point);
		if (!step) {
			step = 1;
			point = 0xfffd;
		}
		int c = plain(point);
		text.at += step;
		text.n -= step;
		if (c == ' ') {
			end_word(w, word, n);
			n = 0;
		} else if (c)
			word[n++] = c < 0x80 ? (char)c : '?';
	}
	end_word(w, word, n);
}

/* --- what it means --- */

static enum typed_kind phrase_of(const struct words *w)
{
	char all[COMMAND_WORDS_MAX * (COMMAND_WORD_MAX + 1) + 1] = "";
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++) {
		size_t len = strlen(w->at[i]);
		if (i)
			all[n++] = ' ';
		memcpy(all + n, w->at[i], len);
		n += len;
	}
	all[n] = '\0';
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (strcmp(phrases[i].phrase, all) == 0)
			return phrases[i].kind;
	return TYPED_UNKNOWN;
}

/* "sb-7", "sb7", "7"; 0 for anything else. */
static int64_t case_of(const char *word)
{
	struct str s = str_z(word);
	int64_t id = 0;
	if (str_starts(s, STR("sb"))) {
		s = (struct str){ s.at + 2, s.n - 2 };
		if (str_starts(s, STR("-")))
			s = (struct str){ s.at + 1, s.n - 1 };
	}
	return str_int(s, &id) && id > 0 && s.at[0] != '-' ? id : 0;
}

void command_read(struct str text, struct typed *out)
{
	struct words w;
	words_of(text, &w);
	*out = (struct typed){ .kind = TYPED_UNKNOWN };
	if (!w.n) {
		out->kind = w.is_too_long ? TYPED_UNKNOWN : TYPED_NOTHING;
		return;
	}
	memcpy(out->word, w.at[0], sizeof(out->word));
	if (w.is_too_long)
		return;
	out->kind = phrase_of(&w);
	for (size_t i = 0; i < COMMANDS_N; i++) {
		const struct command *c = &commands[i];
		if (strcmp(c->verb, w.at[0]) != 0 || w.n != (c->takes_case ? 2u : 1u))
			continue;
		out->case_id = c->takes_case ? case_of(w.at[1]) : 0;
		if (c->takes_case && !out->case_id)
			continue;
		out->kind = TYPED_COMMAND;
		out->command = c;
	}
}

/* --- running it --- */

static struct decision run(const struct asked *q, const struct typed *typed)
{
	struct asked asked = *q;
	switch (typed->kind) {
	case TYPED_COMMAND:
		asked.case_id = typed->case_id;
		/* A decision is a value and keeps nothing of asked. */
		/* cppcheck-suppress returnDanglingLifetime */
		return typed->command->run(&asked);
	case TYPED_NOTHING: return command_unknown(q, "");
	case TYPED_YES:
	case TYPED_NO:
	case TYPED_UNKNOWN: break;
	}
	return command_unknown(q, typed->word[0] ? typed->word : "?");
}

static struct asked asked_by(const struct act *a, const char *user, bool is_new)
{
	struct asked q = { .a = a, .user = user, .is_new = is_new };
	for (size_t i = 0; i < a->policy->analysts_n; i++)
		q.is_analyst = q.is_analyst || strcmp(a->policy->analysts[i], user) == 0;
	return q;
}

struct decision command_slash(const struct act *a, const struct fact *f, bool is_new)
{
	struct typed typed;
	struct asked q = asked_by(a, f->as.command.user, is_new);
	command_read(str_z(f->as.command.text), &typed);
	return run(&q, &typed);
}

struct decision command_typed(const struct act *a, const struct fact *f, bool is_new,
			      const struct typed *typed)
{
	struct asked q = asked_by(a, f->as.message.user, is_new);
	return run(&q, typed);
}

bool command_is_open(const struct act *a, const struct inquiry *q)
{
	const struct outgoing *row = notification_of(a, q->id);
	int64_t end_ms = q->answer_ms ? q->answer_ms : q->undelivered_ms;
	bool is_late = q->state == INQUIRY_SILENT || q->state == INQUIRY_UNREACHABLE;
	if (!row || !row->first_ms)
		return false;
	return q->state == INQUIRY_OPEN ||
	       (is_late && !q->late[0] && a->at.now_ms < end_ms + COMMAND_LATE_MS);
}

struct decision command_sheet(const struct asked *q, const char *template)
{
	struct decision d = decide_begin(q->a);
	d.reply.kind = REPLY_SHEET;
	d.reply.sheet.template = template;
	d.reply.sheet.user = q->user;
	d.reply.sheet.is_analyst = q->is_analyst;
	d.reply.sheet.case_id = q->case_id;
	d.reply.sheet.words = "";
	d.reply.sheet.verbs = verbs;
	return d;
}

struct decision command_say(const struct asked *q, const char *text_key)
{
	struct decision d = decide_begin(q->a);
	d.reply.kind = REPLY_TEXT;
	d.reply.text_key = text_key;
	return d;
}

struct decision command_several(const struct act *a, const char *user)
{
	struct asked q = asked_by(a, user, true);
	struct decision d = command_sheet(&q, "mine");
	d.reply.sheet.words = "several";
	return d;
}

struct decision command_unknown(const struct asked *q, const char *words)
{
	struct decision d = command_sheet(q, "help");
	d.reply.sheet.words = arena_z(q->a->arena, words);
	return d;
}
