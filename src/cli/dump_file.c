/* The file of `nasweep dump`. Functions that return a number return a negative one where HDF5 fails. */
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "cli/dump.h"
#include "store/aside.h"
#include "store/hdf5.h"

/* Logits and losses of the reference, in double. */
static int write_exact(const struct nsw_dump *d, hid_t file) {
  size_t n = (size_t)d->samples, classes = (size_t)d->macro.classes;
  int bad = nsw_h5_write_array(file, "logits", H5T_NATIVE_DOUBLE, 2, (size_t[]){n, classes}, d->reference.logits);
  return bad | nsw_h5_write_array(file, "loss", H5T_NATIVE_DOUBLE, 1, (size_t[]){n}, d->reference.loss);
}

static int write_images(const struct nsw_dump *d, hid_t file) {
  size_t n = (size_t)d->samples, side = (size_t)d->macro.resolution, classes = (size_t)d->macro.classes;
  float *loss = malloc(n * sizeof *loss);
  for (size_t i = 0; loss && i < n; i++) loss[i] = (float)nsw_engine_losses(d->engine)[i];
  int bad = loss ? 0 : -1;
  bad |= nsw_h5_write_array(file, "x", H5T_NATIVE_FLOAT, 4, (size_t[]){n, 3, side, side}, d->images->pixels);
  bad |= nsw_h5_write_array(file, "y", H5T_NATIVE_INT32, 1, (size_t[]){n}, d->images->labels);
  if (d->reference.grad) {
    free(loss);
    return bad | write_exact(d, file);
  }
  bad |= nsw_h5_write_array(file, "logits", H5T_NATIVE_FLOAT, 2, (size_t[]){n, classes}, nsw_engine_logits(d->engine));
  if (loss) bad |= nsw_h5_write_array(file, "loss", H5T_NATIVE_FLOAT, 1, (size_t[]){n}, loss);
  free(loss);
  return bad;
}

static void shape_of(const struct nsw_param *param, size_t shape[5]) {
  for (int i = 0; i < param->rank; i++) shape[i] = (size_t)param->shape[i];
}

/* One parameter's array under its number, with its name and, for weights, its part of KNAS. */
static int write_param(const struct nsw_dump *d, hid_t group, int p, bool gradient) {
  const struct nsw_param *param = &d->net->param[p];
  bool weight = param->kind == NSW_PARAM_CONV || param->kind == NSW_PARAM_LINEAR;
  size_t shape[5], size = nsw_param_size(param);
  char number[16];
  snprintf(number, sizeof number, "%04d", p);
  if (gradient)
    nsw_engine_gradient(d->engine, p, d->buffer);
  else
    nsw_weights_get(d->weights, p, d->buffer);
  for (size_t i = 0; gradient && i < size; i++) d->buffer[i] /= (float)d->samples;
  shape_of(param, shape);
  double *exact = gradient && d->reference.grad ? d->reference.grad[p] : NULL;
  for (size_t i = 0; exact && i < size; i++) exact[i] /= (double)d->samples;
  int bad = nsw_h5_write_array(group, number, exact ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, param->rank, shape,
                               exact ? (void *)exact : d->buffer);
  hid_t set = H5Dopen2(group, number, H5P_DEFAULT);
  bad |= nsw_h5_write_text(set, "name", param->name);
  bad |= nsw_h5_write_integer(set, "live", param->live);
  if (gradient && weight) {
    double n = (double)d->samples;
    bad |= nsw_h5_write_real(set, "gram_mean", nsw_engine_gradient_square(d->engine, p) / (n * n));
  }
  H5Dclose(set);
  return bad;
}

static int write_params(const struct nsw_dump *d, hid_t file, const char *name, bool gradient) {
  hid_t group = nsw_h5_group(file, name);
  int bad = group < 0;
  for (int p = 0; p < d->net->params && !bad; p++) bad = write_param(d, group, p, gradient);
  if (group >= 0) H5Gclose(group);
  return bad;
}

/* Mean and variance of a normalisation, [2][channels], under the number of its gamma. */
static int write_running(const struct nsw_dump *d, hid_t group, int p, const struct nsw_weights *from) {
  const struct nsw_param *param = &d->net->param[p];
  size_t size = nsw_param_size(param);
  char number[16];
  snprintf(number, sizeof number, "%04d", p);
  nsw_weights_running(from, p, d->buffer, d->buffer + size);
  int bad = nsw_h5_write_array(group, number, H5T_NATIVE_FLOAT, 2, (size_t[]){2, size}, d->buffer);
  hid_t set = H5Dopen2(group, number, H5P_DEFAULT);
  bad |= nsw_h5_write_integer(set, "live", param->live);
  H5Dclose(set);
  return bad;
}

static int write_all_running(const struct nsw_dump *d, hid_t file, const char *name, const struct nsw_weights *from) {
  hid_t group = nsw_h5_group(file, name);
  int bad = group < 0;
  for (int p = 0; p < d->net->params && !bad; p++)
    if (d->net->param[p].kind == NSW_PARAM_GAMMA) bad = write_running(d, group, p, from);
  if (group >= 0) H5Gclose(group);
  return bad;
}

/* The same as the naive kernels had or found them. */
static int write_exact_running(const struct nsw_dump *d, hid_t file, const char *name) {
  const struct nsw_dump_reference *r = &d->reference;
  hid_t group = nsw_h5_group(file, name);
  int bad = group < 0;
  for (int p = 0; p < d->net->params && !bad; p++) {
    size_t size = nsw_param_size(&d->net->param[p]);
    char number[32];
    if (d->net->param[p].kind != NSW_PARAM_GAMMA) continue;
    snprintf(number, sizeof number, "%04d.mean", p);
    bad = nsw_h5_write_array(group, number, H5T_NATIVE_DOUBLE, 1, &size, r->mean[p]);
    snprintf(number, sizeof number, "%04d.variance", p);
    bad |= nsw_h5_write_array(group, number, H5T_NATIVE_DOUBLE, 1, &size, r->variance[p]);
  }
  if (group >= 0) H5Gclose(group);
  return bad;
}

/* Running statistics before, and with --norm batch after the images have gone through. */
static int write_statistics(struct nsw_dump *d, hid_t file, struct nsw_error *err) {
  struct nsw_weights *after = NULL;
  int bad = write_all_running(d, file, "running", d->weights), status = NSW_OK;
  if (!bad && d->norm == NSW_NORM_BATCH) {
    status = nsw_weights_draw(&after, d->net, d->rule, (uint64_t)d->seed, err);
    if (!status) status = nsw_engine_track(d->engine, (float)NSW_NORM_MOMENTUM, after, err);
    if (!status) bad = write_all_running(d, file, "tracked", after);
    if (!status && !bad && d->reference.mean) bad = write_exact_running(d, file, "exact");
  }
  nsw_weights_free(&after);
  return bad ? nsw_h5_fail(err, nsw_args_text(d->args, "out"), "cannot write running statistics") : status;
}

/* The gradients of single images: the engine runs on one image at a time, and rows pile up in the data sets. */
static int write_sample_grads(struct nsw_dump *d, hid_t file, struct nsw_error *err) {
  size_t n = (size_t)d->samples;
  float **all = calloc((size_t)d->net->params, sizeof *all);
  int status = all ? NSW_OK : nsw_no_memory(err, "single gradients");
  for (int p = 0; p < d->net->params && !status; p++) {
    all[p] = malloc(n * nsw_param_size(&d->net->param[p]) * sizeof **all);
    if (!all[p]) status = nsw_no_memory(err, "the gradients of %zu single images", n);
  }
  for (size_t i = 0; i < n && !status; i++) {
    status = nsw_dump_run(d, i, 1, err);
    if (status) break;
    for (int p = 0; p < d->net->params; p++)
      nsw_engine_gradient(d->engine, p, all[p] + i * nsw_param_size(&d->net->param[p]));
  }
  hid_t group = status ? -1 : nsw_h5_group(file, "sample_grad");
  for (int p = 0; p < d->net->params && !status; p++) {
    char number[16];
    size_t shape[6] = {n};
    snprintf(number, sizeof number, "%04d", p);
    shape_of(&d->net->param[p], shape + 1);
    if (nsw_h5_write_array(group, number, H5T_NATIVE_FLOAT, d->net->param[p].rank + 1, shape, all[p]))
      status = nsw_h5_fail(err, nsw_args_text(d->args, "out"), "cannot write single gradients");
  }
  if (group >= 0) H5Gclose(group);
  for (int p = 0; all && p < d->net->params; p++) free(all[p]);
  free(all);
  return status;
}

static int write_root(const struct nsw_dump *d, hid_t file) {
  const struct nsw_space_kind *kind = nsw_space_kind(d->space);
  int bad = nsw_h5_write_text(file, "format", "nasweep dump") | nsw_h5_write_integer(file, "format_version", 1);
  bad |= nsw_h5_write_text(file, "version", nsw_version()) | nsw_h5_write_text(file, "git", nsw_git());
  bad |= nsw_h5_write_text(file, "command", nsw_args_line(d->args)) | nsw_h5_write_text(file, "space", kind->name);
  bad |= nsw_h5_write_integer(file, "index", d->index) | nsw_h5_write_integer(file, "seed", d->seed);
  bad |=
      nsw_h5_write_integer(file, "channels", d->macro.channels) | nsw_h5_write_integer(file, "cells", d->macro.cells);
  bad |= nsw_h5_write_integer(file, "classes", d->macro.classes);
  bad |= nsw_h5_write_text(file, "norm", nsw_args_text(d->args, "norm"));
  bad |= nsw_h5_write_text(file, "weights", nsw_args_text(d->args, "weights"));
  bad |= nsw_h5_write_text(file, "data", d->images->source) | nsw_h5_write_text(file, "data_sha256", d->images->sha256);
  char text[NSW_SPACE_TEXT];
  for (const struct nsw_space_text *t = kind->texts; t && t->name; t++)
    if (nsw_space_text(d->space, t->name, d->index, text)) bad |= nsw_h5_write_text(file, t->name, text);
  nsw_space_id(d->space, d->index, text);
  return bad | nsw_h5_write_text(file, "id", text);
}

int nsw_dump_write(struct nsw_dump *d, struct nsw_error *err) {
  const char *path = nsw_args_text(d->args, "out");
  struct nsw_h5_image image = {0};
  struct nsw_h5_quiet quiet;
  nsw_h5_quiet_begin(&quiet);
  hid_t file = nsw_h5_create(&image, (size_t)1 << 22);
  int bad = file < 0, status = NSW_OK;
  if (!bad) bad = write_root(d, file) | write_images(d, file);
  if (!bad) bad = write_params(d, file, "param", false) | write_params(d, file, "grad", true);
  if (bad) status = nsw_h5_fail(err, path, "cannot write the network");
  if (!status) status = write_statistics(d, file, err);
  if (!status && nsw_args_flag(d->args, "sample-grad")) status = write_sample_grads(d, file, err);
  nsw_h5_quiet_end(&quiet);
  return nsw_h5_put(path, file, &image, status, err);
}
