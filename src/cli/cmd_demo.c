/* nasweep demo: the first steps, so that a newcomer sees real scores against real accuracies without any download. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/launch.h"
#include "cli/args.h"

enum { STEPS = 7, WORDS = 16 };

/* What is done and why. `@` stands for the folder. */
struct step {
  const char *why;
  const char *word[WORDS]; /* ends with NULL */
};

static const struct step steps[STEPS] = {
    {"Architectures have the benchmark's own indexes and names:", {"list", "nb201", "--range", "0:3"}},
    {"Scores of all 15,625, by topology alone, into one HDF5 file:",
     {"score", "nb201", "--proxy", "sed,params,macs,random", "--out", "@/nb201.h5"}},
    {"How well each ranks the accuracies that 200 epochs of training gave:",
     {"correlate", "@/nb201.h5", "--split", "test-200ep"}},
    {"What a search by each score would have found on CIFAR-10:",
     {"select", "@/nb201.h5", "--dataset", "cifar10", "--split", "test-200ep", "--proxy", "sed,params"}},
    {"What searches find that look at twelve epochs of training, alone and with a score's help:",
     {"search", "@/nb201.h5", "--method", "random,evolution", "--look", "cifar10/valid-12ep", "--report",
      "cifar10/test-200ep", "--proxy", "sed"}},
    {"Scores that run the networks, of 60 cells on built-in images:",
     {"score", "nb201", "--proxy", "knas,snip,naswot", "--sample", "60", "--samples", "8", "--out",
      "@/nb201-networks.h5"}},
    {"And how they do (few cells, few images that are no photographs: the wide intervals say so):",
     {"correlate", "@/nb201-networks.h5", "--dataset", "cifar10", "--split", "test-200ep", "--intervals", "500"}},
};

/* A word with the folder put in. */
static const char *expand(const char *word, const char *folder, char text[512]) {
  if (word[0] != '@') return word;
  snprintf(text, 512, "%s%s", folder, word + 1);
  return text;
}

static int run_step(const struct step *step, const char *folder, struct nsw_error *err) {
  char text[WORDS][512], *words[WORDS];
  int count = 0;
  for (; step->word[count]; count++) words[count] = (char *)expand(step->word[count], folder, text[count]);
  const struct nsw_command *command = nsw_command_find(words[0], err);
  struct nsw_args *args;
  if (!command) return NSW_FAILED;
  int status = nsw_args_parse(command, count - 1, words + 1, &args, err);
  if (status) return status;
  if (nsw_launch_rank() == 0) {
    printf("\n# %s\n$ nasweep", step->why);
    for (int i = 0; i < count; i++) printf(" %s", words[i]);
    printf("\n");
    fflush(stdout);
  }
  if (command->mpi || nsw_launch_rank() == 0) status = command->run(args, err);
  fflush(stdout);
  nsw_args_free(&args);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  const char *folder = nsw_args_operand(args, 0) ? nsw_args_operand(args, 0) : "nasweep-demo";
  if (strlen(folder) > 400) return nsw_usage(err, "%.60s...: the folder's name is too long", folder);
  if (mkdir(folder, 0777) && errno != EEXIST) return nsw_fail(err, "%s: %s", folder, strerror(errno));
  int status = NSW_OK;
  for (int i = 0; i < STEPS && !status; i++) status = run_step(&steps[i], folder, err);
  if (!status && nsw_launch_rank() == 0)
    printf("\nThe files are in %s/. `nasweep COMMAND --help` explains each command used here.\n", folder);
  return status;
}

static const struct nsw_option options[] = {{0}};

const struct nsw_command nsw_cmd_demo = {
    .name = "demo",
    .operands = "[FOLDER]",
    .summary = "the first steps: scores a space, holds it against trained accuracies",
    .text =
        "Runs the commands a newcomer would, showing each: lists architectures, scores all of nb201 by topology and a "
        "few cells by their networks, and correlates with the accuracies that come with the program. Its files go into "
        "FOLDER (nasweep-demo).\n\n"
        "Example: nasweep demo",
    .options = options,
    .max_operands = 1,
    .mpi = true,
    .blas = true,
    .stops = true,
    .run = run,
};
