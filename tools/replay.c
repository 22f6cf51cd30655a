/* replay: runs one fuzz target over kept inputs, without a fuzzer: each file given, and each file
 * in each folder given. Linked by the Makefile with one tests/fuzz/fuzz_*.c; never writes. An input
 * that breaks the target kills the program, which the test runner counts as failed. */
#include <err.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
	static uint8_t data[INPUT_BYTES_MAX];
	FILE *in = fopen(path, "rb");

	if (in == NULL)
		err(EX_NOINPUT, "%s", path);

	size_t n = fread(data, 1, sizeof data, in);
	uint8_t *exact =
		malloc(n > 0 ? n : 1); /* its own block, so that a read past the end is seen */

	fclose(in);
	if (exact == NULL)
		err(EX_OSERR, "out of memory");
	for (size_t i = 0; i < n; i++)
		exact[i] = data[i];
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

int main(int argc, char **argv)
{
	static const uint8_t nothing[1];
	int passed = 1;

	LLVMFuzzerTestOneInput(nothing, 0);
	if (argc > 1) {
		FTS *walk = fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

		if (walk == NULL)
			err(EX_OSERR, "fts_open");
		for (FTSENT *at = fts_read(walk); at != NULL; at = fts_read(walk)) {
			if (at->fts_info != FTS_F)
				continue;
			fprintf(stderr, "%s\n", at->fts_path);
			replay(at->fts_path);
			passed++;
		}
		fts_close(walk);
	}
	printf("%d passed, 0 failed\n", passed);
	return 0;
}
