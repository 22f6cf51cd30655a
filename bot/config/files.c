/* files: the operator's files and secrets. A secret never stands in a file of ours and never in a
 * message. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/parts.h"

enum rc file_read(struct arena *a, const char *path, struct str *out, struct fail *fail)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return FAIL(fail, RC_ABSENT, "%s: %s", path, strerror(errno));
	char *text = mem_new(YAML_BYTES_MAX + 1);
	size_t n = fread(text, 1, YAML_BYTES_MAX + 1, f);
	bool bad = ferror(f) != 0;
	fclose(f);
	if (!bad && n <= YAML_BYTES_MAX)
		*out = (struct str){ arena_str(a, (struct str){ text, n }), n };
	free(text);
	if (bad)
		return FAIL(fail, RC_ABSENT, "%s: could not be read", path);
	return n > YAML_BYTES_MAX
		       ? FAIL(fail, RC_TOO_BIG, "%s: over %zu bytes", path, YAML_BYTES_MAX)
		       : RC_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum rc folder_list(struct arena *a, const char *folder, const char *suffix, struct names *out,
		    struct fail *fail)
{
	DIR *d = opendir(folder);
	out->n = 0;
	if (!d)
		return FAIL(fail, RC_ABSENT, "%s: %s", folder, strerror(errno));
	enum rc rc = RC_OK;
	for (const struct dirent *e; rc == RC_OK && (e = readdir(d));) {
		size_t len = strlen(e->d_name), tail = strlen(suffix);
		if (e->d_name[0] == '.' || len <= tail ||
		    strcmp(e->d_name + len - tail, suffix) != 0)
			continue;
		if (out->n == out->max)
			rc = FAIL(fail, RC_TOO_BIG, "%s: more than %zu files", folder, out->max);
		else
			out->at[out->n++] = arena_z(a, e->d_name);
	}
	closedir(d);
	qsort(out->at, out->n, sizeof(*out->at), by_name);
	return rc;
}

const char *secret_name(struct arena *a, struct str reference)
{
	struct str open = STR("${secret:");
	if (!str_starts(reference, open) || reference.n < open.n + 2 ||
	    reference.at[reference.n - 1] != '}')
		return NULL;
	const char *name =
		arena_str(a, (struct str){ reference.at + open.n, reference.n - open.n - 1 });
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	return name[n] || n > 64 ? NULL : name;
}

/* No stdio: its buffer would keep a copy. */
static struct secret secret_of_file(const char *path)
{
	struct secret made = { .n = 0 };
	char text[2 * SECRET_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return made;
	ssize_t n = read(fd, text, sizeof(text));
	close(fd);
	if (n > 0)
		made = secret_from(str_trim((struct str){ text, (size_t)n }));
	explicit_bzero(text, sizeof(text));
	return made;
}

enum rc secret_read(struct arena *a, const char *name, struct secret *out, struct fail *fail)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	*out = (struct secret){ .n = 0 };
	if (folder)
		*out = secret_of_file(arena_f(a, "%s/%s", folder, name));
	if (!out->n)
		*out = secret_from(str_trim(str_z(getenv(name))));
	for (size_t i = 0; i < out->n; i++)
		if (out->text[i] < ' ' || out->text[i] > '~') {
			secret_wipe(out);
			return FAIL(fail, RC_MALFORMED,
				    "the secret %s holds a character that is not printable ASCII",
				    name);
		}
	if (!out->n)
		return FAIL(fail, RC_ABSENT,
			    "the secret %s is missing, empty or over %d bytes: wanted a file of "
			    "that name in $CREDENTIALS_DIRECTORY, or the variable %s",
			    name, SECRET_MAX - 1, name);
	return RC_OK;
}
