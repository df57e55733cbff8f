#include "train/course.h"

#include <stdlib.h>
#include <string.h>

#include "files/crc32c.h"

static const char magic[16] = "nasweep train 1";

/* A pass over all parts, counting, writing or reading. */
struct walk {
  char *at;         /* NULL: count only */
  const char *from; /* reading */
  size_t size, left;
  bool reading, failed;
};

static void visit(struct walk *w, void *value, size_t size) {
  w->size += size;
  if (w->reading) {
    if (size > w->left) {
      w->failed = true;
      return;
    }
    memcpy(value, w->from, size);
    w->from += size;
    w->left -= size;
  } else if (w->at) {
    memcpy(w->at, value, size);
    w->at += size;
  }
}

/* A parameter's array, and, of a normalisation, its running statistics. */
static int visit_param(struct walk *w, const struct nsw_net *net, struct nsw_weights *weights, int p, bool running,
                       struct nsw_error *err) {
  const struct nsw_param *param = &net->param[p];
  size_t n = nsw_param_size(param);
  float *values = nsw_weights_edit(weights, p, err);
  if (!values) return NSW_FAILED;
  visit(w, values, n * sizeof *values);
  if (!running || param->kind != NSW_PARAM_GAMMA) return NSW_OK;
  float *both = malloc(2 * n * sizeof *both);
  if (!both) return nsw_no_memory(err, "running statistics");
  nsw_weights_running(weights, p, both, both + n);
  visit(w, both, 2 * n * sizeof *both);
  int status = w->reading && !w->failed ? nsw_weights_set_running(weights, p, both, both + n, err) : NSW_OK;
  free(both);
  return status;
}

static int visit_all(struct walk *w, const struct nsw_course_parts *parts, struct nsw_error *err) {
  const struct nsw_net *net = parts->net;
  int status = NSW_OK;
  visit(w, parts->now, sizeof *parts->now);
  for (int p = 0; p < net->params && !status; p++) {
    if (!net->param[p].live) continue;
    status = visit_param(w, net, parts->weights, p, true, err);
    if (!status) status = visit_param(w, net, parts->velocity, p, false, err);
  }
  if (parts->curve) visit(w, parts->curve, (size_t)parts->epochs * 4 * sizeof *parts->curve);
  return status;
}

int nsw_course_pack(const struct nsw_course_parts *parts, void **bytes, size_t *size, struct nsw_error *err) {
  struct walk count = {.at = NULL};
  int status = visit_all(&count, parts, err);
  if (status) return status;
  *size = sizeof magic + count.size + sizeof(uint32_t);
  char *made = malloc(*size);
  if (!made) return nsw_no_memory(err, "the state of a training, %zu bytes", *size);
  memcpy(made, magic, sizeof magic);
  struct walk write = {.at = made + sizeof magic};
  status = visit_all(&write, parts, err);
  uint32_t sum = nsw_crc32c_best()(made, *size - sizeof sum);
  memcpy(made + *size - sizeof sum, &sum, sizeof sum);
  *bytes = made;
  return status;
}

int nsw_course_unpack(const struct nsw_course_parts *parts, const void *bytes, size_t size, struct nsw_error *err) {
  const char *at = bytes;
  uint32_t sum;
  if (size < sizeof magic + sizeof sum || memcmp(at, magic, sizeof magic))
    return nsw_fail(err, "is no state of a training");
  memcpy(&sum, at + size - sizeof sum, sizeof sum);
  if (sum != nsw_crc32c_best()(at, size - sizeof sum)) return nsw_fail(err, "its checksum is wrong");
  struct walk read = {.reading = true, .from = at + sizeof magic, .left = size - sizeof magic - sizeof sum};
  int status = visit_all(&read, parts, err);
  if (status) return status;
  return read.failed || read.left ? nsw_fail(err, "is the state of another network or recipe") : NSW_OK;
}
