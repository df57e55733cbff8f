/* The table of commands. A command is one file, cmd_NAME.c, that defines struct nsw_command nsw_cmd_NAME, and one line
 * here; the order is that of the help. */
#include "cli/args.h"

/* clang-format off */
#define COMMANDS(X) \
  X(demo)     \
  X(list)     \
  X(score)    \
  X(dump)     \
  X(images)   \
  X(import)   \
  X(correlate) \
  X(select)   \
  X(search)   \
  X(run)      \
  X(export)   \
  X(merge)    \
  X(simulate) \
  X(doctor)   \
  X(help)
/* clang-format on */

#define DECLARE(name) extern const struct nsw_command nsw_cmd_##name;
#define ENTRY(name) &nsw_cmd_##name,

COMMANDS(DECLARE)

const struct nsw_command *const nsw_commands[] = {COMMANDS(ENTRY) 0};
