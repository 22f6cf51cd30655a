/* command_help: which commands there are, a line each. Called by command's table only. */
#include "handlers/command.h"

struct decision command_help(const struct asked *q) { return command_sheet(q, "help"); }
