/* nasweep help: the same texts as --help, the man page, and completion. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/help.h"

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *shell = nsw_args_text(args, "completion"), *name = nsw_args_operand(args, 0);
  if (shell && strcmp(shell, "bash")) return nsw_usage(err, "help: --completion knows bash only, not '%.80s'", shell);
  if (shell) {
    nsw_help_bash(stdout);
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
    {0}};

const struct nsw_command nsw_cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "tells what a command does, or lists them",
    .options = options,
    .max_operands = 1,
    .run = run,
};
