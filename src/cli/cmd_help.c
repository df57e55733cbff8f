/* nasweep help: the same texts as --help, the man page, and completion. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/completion.h"
#include "cli/help.h"

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *shell = nsw_args_text(args, "completion"), *name = nsw_args_operand(args, 0);
  if (shell && strcmp(shell, "bash")) return nsw_usage(err, "help: --completion knows bash only, not '%.80s'", shell);
  if (shell) {
    nsw_complete_bash(stdout);
  } else if (nsw_args_given(args, "complete")) {
    nsw_complete(stdout, nsw_args_text(args, "complete"));
  } else if (nsw_args_flag(args, "man")) {
    nsw_help_man(stdout);
  } else if (name) {
    const struct nsw_command *command = nsw_command_find(name, err);
    if (!command) return NSW_USAGE;
    nsw_help_command(stdout, command);
  } else {
    nsw_help_program(stdout);
  }
  return NSW_OK;
}

static const struct nsw_option options[] = {
    {.name = "man", .help = "the man page of everything, for man(1): `nasweep help --man | man -l -`"},
    {.name = "completion",
     .argument = "bash",
     .help = "completion for this shell: `eval \"$(nasweep help --completion bash)\"`"},
    {.name = "complete",
     .argument = "LINE",
     .help = "what could come next on this command line, one a line; what completion asks"},
    {0}};

const struct nsw_command nsw_cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "explains a command, or lists them all",
    .options = options,
    .max_operands = 1,
    .run = run,
};
