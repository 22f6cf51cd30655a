/* page_files: the files of the page (sandbox/page), built into the program by tools/embed.c. Read
 * by server_http.c. */
#ifndef SANDBOX_PAGE_FILES_H
#define SANDBOX_PAGE_FILES_H
#include <stddef.h>

struct page_file {
	const char *name; /* "index.html" */
	const unsigned char *at;
	size_t n;
};
extern const struct page_file page_files[];
extern const size_t page_files_n;
#endif
