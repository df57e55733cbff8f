/* Job files: what can be known to be wrong before the first section runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/job.h"
#include "nasweep/space.h"
#include "store/file.h"

/* The file a section writes, or NULL. */
static const char *output_of(const struct nsw_job_step *step) {
  for (const struct nsw_option *o = step->command->options; o && o->name; o++)
    if (!strcmp(o->name, "out")) return nsw_args_text(step->args, "out");
  return NULL;
}

/* The section before `end` that writes this file, or NULL. */
static const struct nsw_job_step *maker(const struct nsw_job *job, size_t end, const char *file) {
  for (size_t i = 0; i < end; i++) {
    const char *out = output_of(&job->step[i]);
    if (out && !strcmp(out, file)) return &job->step[i];
  }
  return NULL;
}

static bool is_space(const char *word) {
  for (size_t i = 0; nsw_space_kinds[i]; i++)
    if (!strcmp(nsw_space_kinds[i]->name, word)) return true;
  return false;
}

/* Operands that are files to be read: there, or made before. */
static int check_inputs(const struct nsw_job *job, size_t number, struct nsw_error *err) {
  const struct nsw_job_step *step = &job->step[number];
  const char *text = step->command->operands;
  char key[64] = "";
  bool many = false, file = false;
  for (size_t i = 0; i < nsw_args_operands(step->args); i++) {
    const char *operand = nsw_args_operand(step->args, i);
    if (!many && !nsw_job_operand(&text, key, &many)) break;
    file = !strcmp(key, "file") || !strcmp(key, "path");
    if (!file || is_space(operand) || !access(operand, F_OK) || maker(job, number, operand)) continue;
    return nsw_fail(err, "%s: %s, and no section before makes it", operand, strerror(errno));
  }
  return NSW_OK;
}

/* A file to be written: possible, and not another sweep's of this job. */
static int check_output(const struct nsw_job *job, size_t number, struct nsw_error *err) {
  const struct nsw_job_step *step = &job->step[number], *other;
  const char *out = output_of(step);
  if (!out) return NSW_OK;
  other = maker(job, number, out);
  if (other && !strcmp(other->command->name, "score") && !strcmp(step->command->name, "score"))
    return nsw_usage(err, "%s is written by [score%s%s] too", out, *other->label ? " " : "", other->label);
  return nsw_file_writable(out, err);
}

int nsw_job_check(const struct nsw_job *job, const char *path, struct nsw_error *err) {
  for (size_t i = 0; i < job->steps; i++) {
    const struct nsw_job_step *step = &job->step[i];
    if (step->needs && access(step->needs, F_OK)) continue;
    int status = check_output(job, i, err);
    if (!status && step->command->check) status = step->command->check(step->args, err);
    if (!status) status = check_inputs(job, i, err);
    if (status)
      return nsw_error_prefix(err, status, "%s: [%s%s%s]", path, step->command->name, *step->label ? " " : "",
                              step->label);
  }
  return NSW_OK;
}
