# SecurityBot. One tree, wildcards instead of lists (a new file needs no line here); variants by B=DIR.
#   make          build/securitybot and build/sandbox        make run      try it: bot + sandbox + one alert
#   make test     every C test; ends "N passed, N failed"    make lint     format, clang-tidy, cppcheck, layers, words
#   make valgrind the wire tests and the bot under memcheck  make check-asan  every test under the sanitizers
# One room at a time:  make B=/tmp/b ROOMS="base lang" UNIT=test_lang_jq unit
B      ?= build
ROOMS  ?=
UNIT   ?= test_*
SEEDS  ?= 1..2000
FUZZ_S ?= 60
SOAK_S ?= 7200
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
CFLAGS ?= -O2 -g
WERROR ?= -Werror
STRICT := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
          -Wmissing-prototypes -Wold-style-definition -Wcast-qual -Wcast-align=strict -Wpointer-arith \
          -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wformat-signedness -Wimplicit-fallthrough=5 \
          -Wnull-dereference -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init \
          -Wdouble-promotion -Wdate-time
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
SAN    :=
ASAN   := CFLAGS="-O1 -g" HARDEN= SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
PKGS   := libwebsockets libcurl libcjson sqlite3 yaml-0.1 libcrypto

Q   := $(if $(V),,@)
SAY := @$(if $(V),:,echo) # V=1 shows the whole commands

# Asked only when a recipe needs them: on a fresh machine tools/setup.sh has to install pkg-config first.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
COMPILE = $(CC) -D_GNU_SOURCE -Ibot -I. -Itests $(CPPFLAGS) $(PKG_CFLAGS) -std=c11 $(STRICT) $(WERROR) $(HARDEN) \
          $(CFLAGS) $(SAN) -MMD -MP -c
LINK    = $(CC) $(CFLAGS) $(SAN) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBS    = $(PKG_LIBS) -ljq -lpthread -lrt

O = $(patsubst %.c,$(B)/o/%.o,$(1))
ifeq ($(strip $(ROOMS)),)
BOT_C   := $(filter-out bot/main.c,$(wildcard bot/*.c)) $(wildcard bot/*/*.c handlers/*.c)
MODEL_C := $(filter-out sandbox/main.c sandbox/server%,$(wildcard sandbox/*.c))
else
BOT_C   := $(wildcard $(foreach r,$(ROOMS),bot/$(r)/*.c $(filter handlers/%,$(r)/*.c) $(filter bot/turn%,bot/$(r)*.c)))
MODEL_C := $(if $(filter sandbox,$(ROOMS)),$(filter-out sandbox/main.c sandbox/server%,$(wildcard sandbox/*.c)))
endif
MAIN_C     := $(wildcard bot/main.c)
SANDBOX_C  := $(wildcard sandbox/*.c)
TESTLIB_C  := $(wildcard tests/lib/*.c)
UNIT_C     := $(wildcard tests/unit/$(UNIT).c)
WIRE_C     := $(wildcard tests/wire/test_*.c)
SCENARIO_C := $(wildcard tests/scenario/*.c)
SIM_C      := $(wildcard tests/sim/*.c)
SOAK_C     := $(wildcard tests/soak/*.c)
DISK_C     := $(wildcard tests/disk/*.c)
FUZZ_C     := $(wildcard tests/fuzz/fuzz_*.c)
ALL_C      := $(sort $(BOT_C) $(MODEL_C) $(MAIN_C) $(SANDBOX_C) $(TESTLIB_C) $(UNIT_C) $(WIRE_C) $(SCENARIO_C) \
              $(SIM_C) $(DISK_C) $(SOAK_C) $(FUZZ_C) $(wildcard tools/*.c tests/bench/*.c tests/mutants/*.c))
EMBED := $(sort $(wildcard templates/*.jq templates/texts/*.yaml migrations/*.sql))
PAGE  := $(sort $(wildcard sandbox/page/*))

UNITS   := $(patsubst tests/unit/%.c,$(B)/%,$(UNIT_C))
WIRES   := $(patsubst tests/wire/%.c,$(B)/%,$(WIRE_C))
REPLAYS := $(patsubst tests/fuzz/%.c,$(B)/replay_%,$(FUZZ_C))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_C))
SCENARIO := $(if $(SCENARIO_C),$(B)/scenario)
SIM      := $(if $(SIM_C),$(B)/sim)
DISK     := $(if $(DISK_C),$(B)/disk)
PROGRAMS := $(if $(MAIN_C),$(B)/securitybot) $(if $(filter sandbox/main.c,$(SANDBOX_C)),$(B)/sandbox)
# Archives: a test pulls in what it uses and may bring its own in place of the rest.
GROUP = -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

.PHONY: all objs unit test check check-asan test-programs tidy lint lint-selftest valgrind fmt run browser conformance screenshots \
        mutants deaths disk soak kill refreshes fuzz \
        fuzzers setup setup-test install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS)
objs: $(call O,$(ALL_C)) $(B)/o/embedded.o

$(B)/o/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(COMPILE) $< -o $@
$(B)/o/embedded.o: $(B)/embedded.c
	$(SAY) CC $<
	$(Q)$(COMPILE) $< -o $@
$(B)/o/page_files.o: $(B)/page_files.c
	$(SAY) CC $<
	$(Q)$(COMPILE) $< -o $@

# Files become byte arrays (a string literal over 4,095 bytes is not C11). The .list notices a file that went away.
$(B)/embed: tools/embed.c
	@mkdir -p $(@D)/o
	$(SAY) CC $<
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(STRICT) $(WERROR) $(CFLAGS) $< -o $@
$(B)/%.list: FORCE
	@mkdir -p $(@D)
	@echo "$(LISTED)" | cmp -s - $@ || echo "$(LISTED)" >$@
FORCE:
$(B)/embedded.list: LISTED = $(EMBED)
$(B)/page_files.list: LISTED = $(PAGE)
$(B)/embedded.c: $(B)/embed $(EMBED) $(B)/embedded.list
	$(Q)$(B)/embed base/embedded.h embedded_file "" $(EMBED) >$@
$(B)/page_files.c: $(B)/embed $(PAGE) $(B)/page_files.list
	$(Q)$(B)/embed sandbox/page_files.h page_file sandbox/page/ $(PAGE) >$@

$(B)/libbot.a: $(call O,$(BOT_C)) $(B)/o/embedded.o
$(B)/libmodel.a: $(call O,$(MODEL_C))
$(B)/libtests.a: $(call O,$(TESTLIB_C))
$(B)/lib%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/securitybot: $(call O,$(MAIN_C)) $(B)/libbot.a
	$(SAY) LD $@
	$(Q)$(LINK) $^ $(LIBS) -o $@
$(B)/sandbox: $(call O,$(SANDBOX_C)) $(B)/o/page_files.o $(call O,$(wildcard bot/base/*.c))
	$(SAY) LD $@
	$(Q)$(LINK) $^ $(LIBS) -o $@

ARCHIVES := $(B)/libtests.a $(B)/libmodel.a $(B)/libbot.a
TEST_LINK = $(LINK) $(filter %.o,$^) $(GROUP) $(LIBS) -lssl -lcmocka -o $@
$(UNITS): $(B)/%: $(B)/o/tests/unit/%.o $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
$(WIRES): $(B)/%: $(B)/o/tests/wire/%.o $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
# For LD_PRELOAD into the bot, which then has a slow resolver, or a disk that syncs badly.
$(B)/preload_%.so: tests/wire/preload_%.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 $(STRICT) $(WERROR) $(CFLAGS) -fPIC -shared $< -o $@
$(B)/test_live_loop: | $(B)/preload_lookup.so
$(B)/test_live_disk: | $(B)/preload_sync.so
$(B)/scenario: $(call O,$(SCENARIO_C)) $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
$(B)/sim: $(call O,$(SIM_C)) $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
$(B)/soak: $(call O,$(SOAK_C)) $(ARCHIVES) | $(PROGRAMS)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
# The scenarios again, on a disk that remembers.
$(B)/disk: $(call O,$(DISK_C) $(filter-out tests/scenario/alone.c,$(SCENARIO_C))) $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
$(REPLAYS): $(B)/replay_%: $(B)/o/tests/fuzz/%.o $(B)/o/tools/replay.o $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK)
$(FUZZERS): $(B)/%: $(B)/o/tests/fuzz/%.o $(ARCHIVES)
	$(SAY) LD $@
	$(Q)$(TEST_LINK) -fsanitize=fuzzer

# Tests run in the root of the tree as $(B)/NAME: the programs under test lie beside them.
TESTS := $(SIM) $(DISK) $(SCENARIO) $(WIRES) $(UNITS) $(REPLAYS) # the longest first
SUBMAKE = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
test-programs: $(PROGRAMS) $(TESTS)
unit: $(UNITS)
	@tools/run-tests.sh $(UNITS)
check: test-programs
	@SEEDS=$(SEEDS) tools/run-tests.sh $(TESTS)
test:
	@tools/setup.sh test
	@$(SUBMAKE) check
# Wire tests, and the bot that they start, under memcheck: no error, no byte left, nothing suppressed. Not the one that
# kills: what is killed has no end to look at (check-asan runs it).
MEMCHECK = $$(command -v valgrind) -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all \
           --error-exitcode=99
valgrind:
	@tools/setup.sh valgrind
	@$(SUBMAKE) $(PROGRAMS) $(WIRES)
	@UNDER="$(MEMCHECK)" TEST_SLOW=10 LIMIT_S=1500 tools/run-tests.sh $(filter-out %/test_crash_kill,$(WIRES))
check-asan:
	@$(SUBMAKE) B=build/asan $(ASAN) SEEDS=1..200 check

# gcc is the judge of warnings, clang does not know them all; libFuzzer brings main().
fuzz:
	@tools/setup.sh fuzz
	@$(SUBMAKE) B=build/fuzz CC=clang CFLAGS="-O1 -g" HARDEN= STRICT= WERROR= \
		SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
		-fprofile-instr-generate -fcoverage-mapping" fuzzers
	@tools/fuzz.sh build/fuzz $(FUZZ_S)
fuzzers: $(FUZZERS)

# Linted again when the object was made again, that is when the source or a header of it changed.
TIDY_FLAGS = -D_GNU_SOURCE -Ibot -I. -Itests $(PKG_CFLAGS) -std=c11
$(B)/tidy/%: $(B)/o/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $*.c -- $(TIDY_FLAGS) >$@.out 2>&1 || { grep -v ' warnings* generated' $@.out; exit 1; }
	@touch $@
tidy: $(patsubst %.c,$(B)/tidy/%,$(ALL_C))
lint:
	@tools/setup.sh lint
	@tools/check-scenarios.sh
	@tools/lint.sh $(B)
lint-selftest:
	@tools/lint-selftest.sh
fmt:
	clang-format -i $$(find bot handlers sandbox tests tools -name '*.[ch]' -not -path '*/node_modules/*')
$(B)/mutate: tests/mutants/mutate.c bot/store/statements.h
	$(SAY) CC $<
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -Ibot $(STRICT) $(WERROR) $(CFLAGS) $< -o $@
# Lines broken by hand, for the simulator; then each rule by itself, for all tests.
mutants: $(SIM) $(DISK) $(SCENARIO) $(UNITS) $(B)/mutate
	@tools/mutants.sh $(B); by_hand=$$?; tools/mutants-each.sh $(B) && exit $$by_hand
deaths: $(SCENARIO) # kill -9 at every point of the tales of tests/scenario/deaths.c; make test has every fifth
	@DEATHS=all LIMIT_S=$(or $(LIMIT_S),900) tools/run-tests.sh $(SCENARIO)
disk: $(DISK) # every crash point of every scenario
	@DISK_POINTS=all LIMIT_S=$(or $(LIMIT_S),7200) tools/run-tests.sh $(DISK)
# SOAK_S seconds under load and faults (and up to five minutes to come to rest); figures in $(B)/soak.csv.
soak:
	@tools/setup.sh test
	@$(SUBMAKE) $(B)/soak
	SOAK_S=$(SOAK_S) SOAK_CSV=$(B)/soak.csv $(B)/soak
kill: # kill -9 at 100 moments; make test has 36
	@tools/setup.sh test
	@$(SUBMAKE) $(B)/test_crash_kill $(PROGRAMS)
	@KILLS=$(or $(KILLS),100) LIMIT_S=900 tools/run-tests.sh $(B)/test_crash_kill
refreshes: # fifty new sockets on one bot, one after the other; make test has five bots and ten of each
	@tools/setup.sh test
	@$(SUBMAKE) $(B)/test_live_refresh $(PROGRAMS)
	@REFRESHES=$(or $(REFRESHES),50) LIMIT_S=700 tools/run-tests.sh $(B)/test_live_refresh
browser:
	@tools/setup.sh browser
	@$(SUBMAKE) all
	@BUILD=$(B) tools/run-tests.sh $(wildcard tests/browser/*.test.mjs)
conformance: # against what others say Slack is
	@tools/setup.sh conformance
	@$(SUBMAKE) all
	@BUILD=$(B) tools/run-tests.sh $(wildcard tests/conformance/*.test.mjs)
screenshots: # the pictures in docs/
	@SCREENSHOTS=docs/screenshots $(SUBMAKE) browser
run:
	@tools/setup.sh build
	@$(SUBMAKE) all
	@tools/run-sandbox.sh $(B)
setup:
	tools/setup.sh build
setup-test:
	tools/setup.sh test
install: all
	install -D -m 0755 $(B)/securitybot $(DESTDIR)/usr/bin/securitybot
clean:
	rm -rf $(B)

-include $(patsubst %.c,$(B)/o/%.d,$(ALL_C)) $(B)/o/embedded.d $(B)/o/page_files.d
