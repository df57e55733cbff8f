#include "cli/help.h"

#include <string.h>

#include "base/version.h"

enum { WIDTH = 100, HELP_COLUMN = 26 };

static const char about[] =
    "nasweep scores every architecture of NAS-Bench-101 (423,624) and NAS-Bench-201 (15,625) with training-free "
    "proxies and says how well each score predicts trained accuracy. It runs alone or under mpirun and srun; results "
    "are one HDF5 file.";

static const char statuses[] =
    "Exit status: 0 done; 1 failed, or done with failed rows (--allow-failed: 0); 2 wrong usage; 75 stopped cleanly before the end: start the same command again to "
    "go on. Data goes to standard output, everything else to standard error.";

/* ---- text ---- */

/* Words of text from `column` on, broken before WIDTH, later lines indented. A newline in text is kept, and lines that
 * begin with a blank or with "Example:" are commands to be copied: never broken. */
static void wrap(FILE *out, const char *text, int column, int indent) {
  while (*text) {
    if (*text == '\n') {
      fputc('\n', out);
      column = 0;
      text++;
      if (*text == ' ' || !strncmp(text, "Example:", 8)) { /* as it is, to the end of the line */
        size_t n = strcspn(text, "\n");
        fprintf(out, "%.*s", (int)n, text);
        text += n;
      }
      continue;
    }
    size_t word = strcspn(text, " \n");
    if (column > indent && column + 1 + (int)word > WIDTH) {
      fputc('\n', out);
      column = 0;
    }
    if (column < indent)
      column += fprintf(out, "%*s", indent - column, "");
    else if (column > indent)
      column += fprintf(out, " ");
    column += fprintf(out, "%.*s", (int)word, text);
    text += word;
    while (*text == ' ') text++;
  }
  fputc('\n', out);
}

static void help_option(FILE *out, const struct nsw_option *o) {
  char text[1024];
  int n = fprintf(out, "  --%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
  if (n >= HELP_COLUMN - 1) {
    fputc('\n', out);
    n = 0;
  }
  snprintf(text, sizeof text, "%s%s%s%s%s", o->help, o->repeatable ? " (may be repeated)" : "",
           o->value ? " [default: " : "", o->value ? o->value : "", o->value ? "]" : "");
  fprintf(out, "%*s", HELP_COLUMN - n, "");
  wrap(out, text, HELP_COLUMN, HELP_COLUMN);
}

void nsw_help_program(FILE *out) {
  fprintf(out, "Usage: nasweep COMMAND [OPERANDS] [OPTIONS]\n\n");
  wrap(out, about, 0, 0);
  fprintf(out, "\nCommands:\n");
  for (size_t i = 0; nsw_commands[i]; i++) {
    int n = fprintf(out, "  %-12s", nsw_commands[i]->name);
    wrap(out, nsw_commands[i]->summary, n, n);
  }
  fprintf(out,
          "\nExamples:\n"
          "  mpirun -n 2 nasweep score nb201 --proxy sed,params,macs --out results/nb201.h5\n"
          "  nasweep import csv nb201_accuracy_200ep.csv --out results/nb201_accuracy.h5\n"
          "  nasweep correlate results/nb201.h5 --truth results/nb201_accuracy.h5\n"
          "  nasweep doctor\n\n");
  fprintf(out,
          "`nasweep COMMAND --help` explains a command and its options; `nasweep --version` prints the version.\n");
  wrap(out, statuses, 0, 0);
}

void nsw_help_next(FILE *out) {
  fputs(
      "nasweep: which command? To begin:\n"
      "  nasweep demo                                    the first steps, on this machine, in under a minute\n"
      "  nasweep score nb201 --proxy cheap --out f.h5    scores a whole space\n"
      "  nasweep correlate f.h5                          holds the scores against trained accuracies\n"
      "  nasweep doctor                                  what this machine and build will do\n"
      "  nasweep --help                                  all commands\n",
      out);
}

void nsw_help_command(FILE *out, const struct nsw_command *c) {
  fprintf(out, "Usage: nasweep %s%s%s%s\n\n", c->name, c->operands ? " " : "", c->operands ? c->operands : "",
          c->options && c->options->name ? " [OPTIONS]" : "");
  wrap(out, c->summary, 0, 0);
  if (c->text) {
    fputc('\n', out);
    wrap(out, c->text, 0, 0);
  }
  fprintf(out, "\nOptions:\n");
  for (const struct nsw_option *o = c->options; o && o->name; o++) help_option(out, o);
  help_option(out, &(struct nsw_option){.name = "help", .help = "this text"});
  if (c->mpi) fprintf(out, "\nRuns alone or on any number of ranks of mpirun or srun; results are the same.\n");
}

/* ---- man page ---- */

/* Text with what roff would take as its own made plain. */
static void roff(FILE *out, const char *text) {
  for (bool start = true; *text; text++) {
    if (start && (*text == '.' || *text == '\'')) fputs("\\&", out);
    if (*text == '\\')
      fputs("\\e", out);
    else if (*text == '-')
      fputs("\\-", out);
    else
      fputc(*text, out);
    start = *text == '\n';
  }
}

/* A paragraph or two; lines that begin with a blank are set as they are. */
static void roff_text(FILE *out, const char *text) {
  bool plain = true;
  while (*text) {
    size_t n = strcspn(text, "\n");
    bool example = *text == ' ';
    if (example && plain) fputs(".nf\n", out);
    if (!example && !plain) fputs(".fi\n", out);
    plain = !example;
    char line[4096];
    snprintf(line, sizeof line, "%.*s", (int)n, text);
    if (n) roff(out, line);
    fputs(n ? "\n" : ".PP\n", out);
    text += n + (text[n] == '\n');
  }
  if (!plain) fputs(".fi\n", out);
}

static void man_option(FILE *out, const struct nsw_option *o) {
  fputs(".TP\n.B \\-\\-", out);
  roff(out, o->name);
  if (o->argument) {
    fputs(" \\fI", out);
    roff(out, o->argument);
    fputs("\\fR", out);
  }
  fputc('\n', out);
  roff(out, o->help);
  if (o->repeatable) fputs(" (may be repeated)", out);
  if (o->value) {
    fputs(" (default: ", out);
    roff(out, o->value);
    fputc(')', out);
  }
  fputs(".\n", out);
}

void nsw_help_man(FILE *out) {
  fprintf(out, ".TH NASWEEP 1 \"\" \"nasweep %s\" \"User Commands\"\n", nsw_version());
  fputs(
      ".SH NAME\nnasweep \\- training\\-free scores of every architecture of two benchmarks, against trained accuracy\n"
      ".SH SYNOPSIS\n.B nasweep\n.I COMMAND\n[\\fIOPERANDS\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n",
      out);
  roff_text(out, about);
  fputs(".SH COMMANDS\n", out);
  for (size_t i = 0; nsw_commands[i]; i++) {
    const struct nsw_command *c = nsw_commands[i];
    fprintf(out, ".SS nasweep %s", c->name);
    if (c->operands) {
      fputc(' ', out);
      roff(out, c->operands);
    }
    fputc('\n', out);
    roff_text(out, c->summary);
    fputs(".PP\n", out);
    if (c->text) roff_text(out, c->text);
    for (const struct nsw_option *o = c->options; o && o->name; o++) man_option(out, o);
  }
  fputs(
      ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed; or done, and the file has failed rows (score and run; --allow-failed: 0)\n.TP\n.B 2\nwrong usage\n.TP\n.B 75\n"
      "stopped cleanly before the end; the same command goes on\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B NASWEEP_DATA\nfolder that is searched for data sets and accuracy tables\n"
      ".TP\n.B NASWEEP_HALT_STATUS\nexit status of a run that the file of --halt-file ended; 75 unless set. The batch "
      "script sets it, to tell an order to end from a time limit\n"
      ".TP\n.B NASWEEP_LOCK_WAIT\nseconds for which another run on the same file is waited for; 0 unless set\n"
      ".TP\n.B NASWEEP_ISA\nplain, avx2 or avx512: keeps the kernels below what the CPU has\n"
      ".TP\n.B OPENBLAS_CORETYPE\nthe kernels OpenBLAS uses; set by the program itself where OpenBLAS does not know "
      "the "
      "CPU, unless it is set\n"
      ".TP\n.B OPENBLAS_NUM_THREADS\nthreads of one rank; 1 unless set\n",
      out);
}
