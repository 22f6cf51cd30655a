/* mutate: takes one term of a condition out of one SQL statement of the program. For
 * tools/mutants.sh: mutate list           every such mutant, one a line: "sql OUT_SET: flight = ?2"
 *   mutate make MUTANT    a header that puts the changed list in the place of the sound one
 * Its terms are those of every WHERE and CASE WHEN of what changes a row (UPDATE, DELETE, ON
 * CONFLICT … DO UPDATE) or chooses what goes out (the claim). A term becomes one that always holds
 * and still binds its parameters. The same term twice in a statement is one mutant. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/statements.h"

static const struct {
	const char *name, *text;
} all[] = {
#define X(name, text) { #name, text },
	STATEMENTS(X)
#undef X
};
enum { STATEMENTS_N = sizeof(all) / sizeof(all[0]), TERMS_MAX = 64, TEXT_MAX = 8192 };

struct term {
	const char *at;
	size_t n;
};
struct terms {
	struct term at[TERMS_MAX];
	size_t n;
};

static bool is_word(const char *at, const char *start, const char *word)
{
	size_t n = strlen(word);
	return strncmp(at, word, n) == 0 && !isalnum((unsigned char)at[n]) && at[n] != '_' &&
	       (at == start || (!isalnum((unsigned char)at[-1]) && at[-1] != '_'));
}

static bool is_end(const char *at, const char *start)
{
	static const char *const words[] = { "ORDER", "LIMIT", "RETURNING", "GROUP",
					     "UNION", "THEN",  "SELECT",    "AS" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(at, start, words[i]))
			return true;
	return false;
}

static void add(struct terms *t, const char *from, const char *to)
{
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].n == (size_t)(to - from) && memcmp(t->at[i].at, from, t->at[i].n) == 0)
			return;
	if (t->n < TERMS_MAX)
		t->at[t->n++] = (struct term){ from, (size_t)(to - from) };
}

/* The terms of the condition that begins here, up to the end of its clause. */
static void read_condition(const char *start, const char *at, struct terms *t)
{
	const char *from = at;
	int depth = 0;
	for (; *at; at++) {
		depth += *at == '(';
		depth -= *at == ')';
		if (depth < 0 || (depth == 0 && is_end(at, start)))
			break;
		if (*at == '\'')
			while (at[1] && *++at != '\'')
				continue;
		if (depth == 0 && is_word(at, start, "AND")) {
			add(t, from, at);
			from = at + 3;
		}
	}
	add(t, from, at);
}

static void read_terms(const char *text, struct terms *t)
{
	t->n = 0;
	for (const char *at = text; *at; at++)
		if (is_word(at, text, "WHERE"))
			read_condition(text, at + 5, t);
		else if (is_word(at, text, "WHEN"))
			read_condition(text, at + 4, t);
}

static bool is_judged(size_t i)
{
	static const char *const claims[] = { "LANE_READY", "GATE_GET", "GATE_HEADS" };
	for (size_t k = 0; k < sizeof(claims) / sizeof(claims[0]); k++)
		if (strcmp(all[i].name, claims[k]) == 0)
			return true;
	return strncmp(all[i].text, "UPDATE", 6) == 0 || strncmp(all[i].text, "DELETE", 6) == 0 ||
	       strstr(all[i].text, "DO UPDATE");
}

/* --- what is written --- */

static void put_quoted(const char *at, size_t n)
{
	for (; n; at++, n--) {
		if (*at == '"' || *at == '\\')
			putchar('\\');
		putchar(*at);
	}
}

/* "?1 IS ?1 AND ?2 IS ?2", or "1 = 1". */
static void put_truth(const struct term *term)
{
	const char *between = "(";
	for (size_t i = 0; i + 1 < term->n; i++)
		if (term->at[i] == '?') {
			long n = strtol(term->at + i + 1, NULL, 10);
			printf("%s?%ld IS ?%ld", between, n, n);
			between = " AND ";
		}
	fputs(between[0] == '(' ? "1 = 1" : ")", stdout);
}

static void put_mutated(const char *text, const struct term *term)
{
	struct terms here;
	while (*text) {
		bool is_it = strncmp(text, term->at, term->n) == 0;
		if (is_it) { /* as a whole term, not as a part of another */
			here.n = 0;
			read_condition(text, text, &here);
			is_it = here.at[0].n == term->n;
		}
		if (!is_it) {
			put_quoted(text++, 1);
			continue;
		}
		put_truth(term);
		text += term->n;
	}
}

static int make(size_t statement, const struct term *term)
{
	puts("#undef STATEMENTS");
	fputs("#define STATEMENTS(X)", stdout);
	for (size_t i = 0; i < STATEMENTS_N; i++) {
		printf(" \\\n\tX(%s, \"", all[i].name);
		if (i == statement)
			put_mutated(all[i].text, term);
		else
			put_quoted(all[i].text, strlen(all[i].text));
		fputs("\")", stdout);
	}
	puts("");
	return 0;
}

int main(int argc, char **argv)
{
	bool is_list = argc == 2 && strcmp(argv[1], "list") == 0;
	if (!is_list && (argc != 3 || strcmp(argv[1], "make") != 0)) {
		fputs("usage: mutate list | mutate make MUTANT\n", stderr);
		return 64;
	}
	for (size_t i = 0; i < STATEMENTS_N; i++) {
		struct terms t;
		read_terms(all[i].text, &t);
		for (size_t k = 0; k < t.n && is_judged(i); k++) {
			char name[TEXT_MAX];
			snprintf(name, sizeof(name), "sql %s: %.*s", all[i].name, (int)t.at[k].n,
				 t.at[k].at);
			if (is_list)
				puts(name);
			else if (strcmp(name, argv[2]) == 0)
				return make(i, &t.at[k]);
		}
	}
	return is_list ? 0 : 65;
}
