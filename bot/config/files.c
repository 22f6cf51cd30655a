/* files: the operator's files and secrets. A secret never stands in a file of ours and never in a
 * message. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parts.h"

enum rc file_read(struct arena *a, const char *path, struct str *out, struct fail *fail)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return FAIL(fail, RC_ABSENT, "%s: %s", path, strerror(errno));
	char *text = mem_new(YAML_BYTES_MAX + 1);
	size_t n = fread(text, 1, YAML_BYTES_MAX + 1, f);
	int bad = ferror(f);
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

enum rc folder_list(struct arena *a, const char *folder, const char *suffix, const char **out,
		    size_t max, size_t *n, struct fail *fail)
{
	DIR *d = opendir(folder);
	*n = 0;
	if (!d)
		return FAIL(fail, RC_ABSENT, "%s: %s", folder, strerror(errno));
	enum rc rc = RC_OK;
	for (const struct dirent *e; rc == RC_OK && (e = readdir(d));) {
		size_t len = strlen(e->d_name), tail = strlen(suffix);
		if (e->d_name[0] == '.' || len <= tail ||
		    strcmp(e->d_name + len - tail, suffix) != 0)
			continue;
		if (*n == max)
			rc = FAIL(fail, RC_TOO_BIG, "%s: more than %zu files", folder, max);
		else
			out[(*n)++] = arena_z(a, e->d_name);
	}
	closedir(d);
	qsort(out, *n, sizeof(*out), by_name);
	return rc;
}

const char *secret_name(struct arena *a, struct str reference)
{
	struct str open = STR("${secret:");
	if (!str_starts(reference, open) || reference.n < open.n + 2 ||
	    reference.at[reference.n - 1] != '}')
		return NULL;
	struct str name = { reference.at + open.n, reference.n - open.n - 1 };
	for (size_t i = 0; i < name.n; i++) {
		char ch = name.at[i];
		if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
		      (ch >= '0' && ch <= '9') || ch == '_'))
			return NULL;
	}
	return name.n <= 64 ? arena_str(a, name) : NULL;
}

enum rc secret_resolve(struct arena *a, struct str reference, struct secret *out, struct fail *fail)
{
	const char *name = secret_name(a, reference), *folder = getenv("CREDENTIALS_DIRECTORY");
	struct str text = { "", 0 };
	char read[SECRET_MAX + 2];
	if (!name)
		return FAIL(fail, RC_MALFORMED, "wanted ${secret:NAME}");
	FILE *f = folder ? fopen(arena_f(a, "%s/%s", folder, name), "re") : NULL;
	if (f) {
		text = (struct str){ read, fread(read, 1, sizeof(read), f) };
		fclose(f);
	} else
		text = str_z(getenv(name));
	*out = secret_from(str_trim(text));
	explicit_bzero(read, sizeof(read));
	if (!out->n)
		return FAIL(fail, RC_ABSENT,
			    "the secret %s is missing, empty or over %d bytes (a file in "
			    "$CREDENTIALS_DIRECTORY, or the variable %s)",
			    name, SECRET_MAX - 1, name);
	return RC_OK;
}
