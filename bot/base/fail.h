/* fail: a failure is a code and a sentence. The sentence is for the operator and names the thing.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#define RCS(X)                                                                                     \
	X(OK, "ok")                                                                                \
	X(AGAIN, "try later")                                                                      \
	X(REFUSED, "refused")                                                                      \
	X(MALFORMED, "malformed")                                                                  \
	X(TOO_BIG, "over its limit")                                                               \
	X(ABSENT, "not there")                                                                     \
	X(FULL, "no room")                                                                         \
	X(BROKEN, "cannot go on")
enum rc {
#define X(name, text) RC_##name,
	RCS(X)
#undef X
};
struct fail {
	enum rc rc;
	char why[320];
};
/* Fills *f (may be NULL) with the code and the printf sentence, cut at the field's size. */
void fail_set(struct fail *f, enum rc rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "context: " in front of the sentence. */
void fail_wrap(struct fail *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *rc_name(enum rc rc);
/* Keeps the code a constant, so that the compiler knows it is not OK. */
#define FAIL(f, code, ...) (fail_set((f), (code), __VA_ARGS__), (code))
#endif
