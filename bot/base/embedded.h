/* embedded: the files built into the program: templates, texts, migrations. Read by config, view
 * and store; the array is made by tools/embed.c from the tree and never changes at run time. */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H
#include <stddef.h>

struct embedded_file {
	const char
		*name; /* the path in the tree: "templates/ask.jq", "migrations/0001_start.sql" */
	const unsigned char *at; /* n bytes, then a NUL that n does not count */
	size_t n;
};
extern const struct embedded_file embedded_files[]; /* sorted by name */
extern const size_t embedded_files_n;
#endif
