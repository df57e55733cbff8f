/* nasweep dump: one network opened up, for checking against another framework. */
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "cli/dump.h"
#include "net/naive.h"
#include "store/aside.h"

static const struct nsw_option options[] = {
    {"arch", "ID", NULL, "the architecture: index, module hash or architecture string", false},
    {"out", "FILE.h5", NULL, "file to write", false},
    {"data", "FOLDER|synthetic[:seed]", NULL,
     "images: a folder in a data set's own layout, or built-in ones (the default)", false},
    {"dataset", "NAME", NULL, "cifar10, cifar100 or ImageNet16-120, where the folder does not tell", false},
    {"samples", "N", "4", "images", false},
    {"seed", "S", "777", "seed of the weights", false},
    {"channels", "N", NULL, "channels of the first stage instead of the benchmark's", false},
    {"cells", "N", NULL, "cells a stage instead of the benchmark's", false},
    {"norm", "sample|batch|running", "sample",
     "what a normalisation averages over: each image (as KNAS does), all, or neither (running statistics)", false},
    {"weights", "own|absolute|normal|kaiming|affine", "own",
     "the benchmark's, those without signs (as synflow), normal with deviation 1 (as zen), He's normal (as az_nas), the "
     "benchmark's with normalisations' scales, shifts and running statistics drawn too",
     false},
    {"reference", NULL, NULL,
     "compute in double precision by the naive kernels, and write logits, loss and gradients so", false},
    {"sample-grad", NULL, NULL, "also write the gradient of every single image's loss", false},
    {0}};

/* ---- the request ---- */

static int read_size(const struct nsw_args *args, const char *option, int *value, struct nsw_error *err) {
  int64_t n = 0;
  int status = nsw_args_text(args, option) ? nsw_args_integer(args, option, 1, 4096, &n, err) : NSW_OK;
  *value = (int)n;
  return status;
}

static int read_rule(struct nsw_dump *d, struct nsw_error *err) {
  const char *word = nsw_args_text(d->args, "weights");
  for (int i = 0; i < NSW_DRAW_ZERO; i++)
    if (!strcmp(word, nsw_draw_names[i])) {
      d->rule = (enum nsw_draw)i;
      return NSW_OK;
    }
  return nsw_usage(err, "dump: --weights wants own, absolute, normal, kaiming or affine, got '%.40s'", word);
}

static int read_norm(struct nsw_dump *d, struct nsw_error *err) {
  static const char *const names[] = {
      [NSW_NORM_SAMPLE] = "sample", [NSW_NORM_BATCH] = "batch", [NSW_NORM_RUNNING] = "running"};
  const char *word = nsw_args_text(d->args, "norm");
  for (int i = 0; i <= NSW_NORM_RUNNING; i++)
    if (!strcmp(word, names[i])) {
      d->norm = (enum nsw_norm_mode)i;
      return NSW_OK;
    }
  return nsw_usage(err, "dump: --norm wants sample, batch or running, got '%.40s'", word);
}

static int read_request(struct nsw_dump *d, struct nsw_error *err) {
  const struct nsw_args *args = d->args;
  struct nsw_macro wish = {0};
  if (!nsw_args_text(args, "arch")) return nsw_usage(err, "dump: --arch ID is missing");
  if (!nsw_args_text(args, "out")) return nsw_usage(err, "dump: --out FILE.h5 is missing");
  int status = read_norm(d, err);
  if (!status) status = read_rule(d, err);
  if (!status) status = nsw_aside_check(nsw_args_text(args, "out"), err);
  if (!status) status = nsw_args_integer(args, "samples", 1, 100000, &d->samples, err);
  if (!status) status = nsw_args_integer(args, "seed", 0, INT64_MAX, &d->seed, err);
  if (!status) status = read_size(args, "channels", &wish.channels, err);
  if (!status) status = read_size(args, "cells", &wish.cells, err);
  if (!status) status = nsw_space_open(nsw_args_operand(args, 0), &d->space, err);
  if (!status && nsw_space_is_key(d->space, nsw_args_text(args, "arch"))) status = nsw_space_make_keys(d->space, err);
  if (!status) status = nsw_space_find(d->space, nsw_args_text(args, "arch"), &d->index, err);
  const char *data = nsw_args_text(args, "data");
  if (!status)
    status =
        nsw_images_load(data ? data : "synthetic", nsw_args_text(args, "dataset"), (size_t)d->samples, &d->images, err);
  if (status) return status;
  wish.classes = d->images->classes;
  wish.resolution = d->images->resolution;
  d->macro = nsw_space_macro(d->space, wish);
  return NSW_OK;
}

/* ---- the work ---- */

static size_t largest_param(const struct nsw_net *net) {
  size_t most = 1;
  for (int p = 0; p < net->params; p++)
    if (nsw_param_size(&net->param[p]) > most) most = nsw_param_size(&net->param[p]);
  return most;
}

static void free_arrays(double **arrays, int count) {
  for (int p = 0; arrays && p < count; p++) free(arrays[p]);
  free(arrays);
}

static void free_reference(struct nsw_dump *d) {
  struct nsw_dump_reference *r = &d->reference;
  int params = d->net ? d->net->params : 0;
  free_arrays(r->param, params);
  free_arrays(r->grad, params);
  free_arrays(r->mean, params);
  free_arrays(r->variance, params);
  free(r->logits);
  free(r->loss);
}

/* A parameter's values and room for its gradient; of a gamma, its running statistics. False: no memory. */
static bool fill_reference(struct nsw_dump *d, int p) {
  struct nsw_dump_reference *r = &d->reference;
  size_t size = nsw_param_size(&d->net->param[p]);
  r->param[p] = calloc(size, sizeof **r->param);
  r->grad[p] = calloc(size, sizeof **r->grad);
  r->mean[p] = calloc(size, sizeof **r->mean);
  r->variance[p] = calloc(size, sizeof **r->variance);
  if (!r->param[p] || !r->grad[p] || !r->mean[p] || !r->variance[p]) return false;
  nsw_weights_get(d->weights, p, d->buffer);
  for (size_t i = 0; i < size; i++) r->param[p][i] = d->buffer[i];
  if (d->net->param[p].kind != NSW_PARAM_GAMMA) return true;
  nsw_weights_running(d->weights, p, d->buffer, d->buffer + size);
  for (size_t i = 0; i < size; i++) {
    r->mean[p][i] = d->buffer[i];
    r->variance[p][i] = d->buffer[size + i];
  }
  return true;
}

static int run_reference(struct nsw_dump *d, struct nsw_error *err) {
  struct nsw_dump_reference *r = &d->reference;
  size_t params = (size_t)d->net->params, n = (size_t)d->samples;
  r->param = calloc(params, sizeof *r->param);
  r->grad = calloc(params, sizeof *r->grad);
  r->mean = calloc(params, sizeof *r->mean);
  r->variance = calloc(params, sizeof *r->variance);
  r->logits = calloc(n * (size_t)d->net->classes, sizeof *r->logits);
  r->loss = calloc(n, sizeof *r->loss);
  bool ok = r->param && r->grad && r->mean && r->variance && r->logits && r->loss;
  for (int p = 0; p < d->net->params && ok; p++) ok = fill_reference(d, p);
  if (!ok) return nsw_no_memory(err, "the reference's parameters");
  struct nsw_naive_run run = {.images = (int)d->samples,
                              .pixels = d->images->pixels,
                              .labels = d->images->labels,
                              .param = (const double *const *)r->param,
                              .mode = d->norm,
                              .mean = r->mean,
                              .variance = r->variance,
                              .logits = r->logits,
                              .loss = r->loss,
                              .grad = r->grad};
  return nsw_naive_run(d->net, &run, err);
}

int nsw_dump_run(struct nsw_dump *d, size_t first, size_t count, struct nsw_error *err) {
  const struct nsw_images *images = d->images;
  size_t image = 3 * (size_t)images->resolution * (size_t)images->resolution;
  struct nsw_run run = {.norm = d->norm, .wanted = NSW_WANT_WEIGHT_GRADS};
  int status = nsw_batch_fill(&d->batch, images->pixels + first * image, images->labels + first, (int)count,
                              images->resolution, err);
  if (!status) status = nsw_engine_bind(d->engine, d->net, d->weights, &d->batch, run, err);
  if (!status) nsw_engine_run(d->engine);
  return status;
}

static int run_network(struct nsw_dump *d, struct nsw_error *err) {
  int status = nsw_net_build_trained(d->space, d->index, &d->macro, &d->net, err);
  if (!status) status = nsw_weights_draw(&d->weights, d->net, d->rule, (uint64_t)d->seed, err);
  if (!status) status = nsw_engine_create(nsw_cpu_isa(), &d->engine, err);
  if (!status) status = nsw_dump_run(d, 0, (size_t)d->samples, err);
  if (status) return status;
  d->buffer = malloc(2 * largest_param(d->net) * sizeof *d->buffer);
  if (!d->buffer) return nsw_no_memory(err, "a parameter of %zu elements", largest_param(d->net));
  return nsw_args_flag(d->args, "reference") ? run_reference(d, err) : NSW_OK;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct nsw_dump d = {.args = args};
  int status = read_request(&d, err);
  if (!status) status = run_network(&d, err);
  if (!status) status = nsw_dump_write(&d, err);
  free_reference(&d);
  free(d.buffer);
  nsw_engine_free(&d.engine);
  nsw_batch_free(&d.batch);
  nsw_weights_free(&d.weights);
  nsw_net_free(&d.net);
  nsw_images_free(&d.images);
  nsw_space_close(&d.space);
  return status;
}

const struct nsw_command nsw_cmd_dump = {
    .name = "dump",
    .operands = "SPACE",
    .summary = "writes one network with weights, logits, loss and gradients, for checking against another framework",
    .text =
        "Opens up the network that KNAS scores: /x, /y, /logits, /loss, every parameter in the benchmark's "
        "definition order under /param/0000... and the gradient of the mean loss under /grad/0000..., in PyTorch's "
        "layouts, each with its name. Parameters on dead branches have zero gradient and the attribute live = 0. "
        "Where a convolution sees nothing but zeros, its normalisation alone is live: its shift has a gradient. "
        "The attribute gram_mean of a weight's gradient is that layer's part of KNAS. /running/... has mean and variance "
        "of every normalisation, under the number of its scale, and, with --norm batch, /tracked/... those that the "
        "images' own move them to.\n\n"
        "Example: nasweep dump nb201 --arch 123 --samples 8 --out net.h5",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .mpi = false,
    .blas = true,
    .run = run,
};
