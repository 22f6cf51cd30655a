/* blocks: the tables of Block Kit: which thing has which fields, with which limits
 * (docs.slack.dev/reference/block-kit). Read by blocks.c only; data, no code. */
#ifndef SANDBOX_BLOCKS_H
#define SANDBOX_BLOCKS_H
#include <stdbool.h>
#include <stddef.h>

enum field_kind {
	FIELD_STRING,
	FIELD_BOOL,
	FIELD_INT,
	FIELD_WORD, /* WORD: one of the words in `of`, "a b c" */
	FIELD_DATE,
	FIELD_CLOCK, /* YYYY-MM-DD, HH:mm */
	FIELD_PLAIN,
	FIELD_TEXT,
	FIELD_TEXTS, /* text objects: plain only; either; an array of either */
	FIELD_CONFIRM,
	FIELD_OPTION,
	FIELD_OPTIONS,
	FIELD_GROUPS,
	FIELD_ELEMENT,
	FIELD_ELEMENTS, /* things of the roles in `roles` */
	FIELD_STYLES,
	FIELD_ANY,
};
enum role { /* where a thing may stand */
	    ROLE_BLOCK = 1,
	    ROLE_ACTIONS = 2,
	    ROLE_ACCESSORY = 4,
	    ROLE_INPUT = 8,
	    ROLE_CONTEXT = 16,
	    ROLE_RICH = 32,
	    ROLE_RICH_LEAF = 64,
	    ROLE_RICH_SECTION = 128,
	    ROLE_RICH_PLAIN = 256,
	    ROLE_MESSAGE_ONLY = 512,
};
struct field {
	const char *name;
	enum field_kind kind;
	size_t min, max; /* characters of a text, items of an array */
	bool is_needed;
	unsigned roles;
	const char *of;
};
struct shape {
	const char *type;
	unsigned roles;
	struct field fields[16];
};
extern const struct shape shapes[];
extern const size_t shapes_n;
#endif
