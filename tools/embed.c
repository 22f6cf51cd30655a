/* embed: turns files into one C file of byte arrays, on standard output. A build helper: run by the
 * Makefile only, it reads the files it is given and nothing else. Each array ends with a NUL that
 * is not counted in n. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { BYTES_PER_LINE = 24 };

static void array_print(const char *path, int number)
{
	FILE *in = fopen(path, "rb");
	int c, column = 0;

	if (in == NULL)
		err(EX_NOINPUT, "%s", path);
	printf("\n/* %s */\nstatic const unsigned char file_%d[] = {", path, number);
	while ((c = getc(in)) != EOF)
		printf("%s%d,", column++ % BYTES_PER_LINE == 0 ? "\n" : "", c);
	puts("\n0};");
	if (ferror(in))
		err(EX_IOERR, "%s", path);
	fclose(in);
}

/* The name under which a file is found: its path without the prefix. */
static const char *name_of(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 ? path + n : path;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(EX_USAGE,
		     "usage: embed HEADER STRUCT PREFIX FILE... (makes STRUCTs[] and STRUCTs_n)");

	const char *structure = argv[2], *prefix = argv[3];

	printf("/* made by tools/embed.c: edit the files, not this */\n#include \"%s\"\n", argv[1]);
	for (int i = 4; i < argc; i++)
		array_print(argv[i], i - 4);
	printf("\nconst struct %s %ss[] = {\n", structure, structure);
	for (int i = 4; i < argc; i++)
		printf("\t{ \"%s\", file_%d, sizeof file_%d - 1 },\n", name_of(argv[i], prefix),
		       i - 4, i - 4);
	printf("\t{ 0, 0, 0 },\n};\nconst size_t %ss_n = %d;\n", structure, argc - 4);
	if (fflush(stdout) != 0)
		err(EX_IOERR, "standard output");
	return 0;
}
