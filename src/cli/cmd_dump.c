/* nasweep dump: one network opened up, for checking against another framework. */
#include <stdlib.h>
#include <string.h>

#include "base/isa.h"
#include "base/version.h"
#include "cli/args.h"
#include "data/images.h"
#include "net/engine.h"
#include "store/aside.h"
#include "store/hdf5.h"

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
    {"norm", "sample|batch", "sample", "what a normalisation averages over: each image (as KNAS does), or all", false},
    {"weights", "own|absolute|normal|kaiming", "own",
     "the benchmark's, those without signs (as synflow), normal with deviation 1 (as zen), He's normal (as az_nas)",
     false},
    {"reference", NULL, NULL,
     "compute in double precision by the naive kernels, and write logits, loss and gradients so", false},
    {"sample-grad", NULL, NULL, "also write the gradient of every single image's loss", false},
    {0}};

/* What the naive kernels computed, where they were asked for. */
struct reference {
  double **param, **grad; /* [params][size] */
  double *logits, *loss;
};

/* Everything one dump needs. */
struct dump {
  const struct nsw_args *args;
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_macro macro;
  struct nsw_net *net;
  struct nsw_engine *engine;
  struct reference reference;
  enum nsw_norm_mode mode;
  enum nsw_weights weights;
  uint32_t index;
  int64_t samples, seed;
  float *buffer; /* as many floats as the largest parameter has, times the samples for single gradients */
};

/* ---- the request ---- */

static int read_size(const struct nsw_args *args, const char *option, int *value, struct nsw_error *err) {
  int64_t n = 0;
  int status = nsw_args_text(args, option) ? nsw_args_integer(args, option, 1, 4096, &n, err) : NSW_OK;
  *value = (int)n;
  return status;
}

static int read_weights(struct dump *d, struct nsw_error *err) {
  static const char *const names[] = {[NSW_WEIGHTS_OWN] = "own",
                                      [NSW_WEIGHTS_ABSOLUTE] = "absolute",
                                      [NSW_WEIGHTS_NORMAL] = "normal",
                                      [NSW_WEIGHTS_KAIMING] = "kaiming"};
  const char *word = nsw_args_text(d->args, "weights");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(word, names[i])) {
      d->weights = (enum nsw_weights)i;
      return NSW_OK;
    }
  return nsw_usage(err, "dump: --weights wants own, absolute, normal or kaiming, got '%.40s'", word);
}

static int read_request(struct dump *d, struct nsw_error *err) {
  const struct nsw_args *args = d->args;
  const char *norm = nsw_args_text(args, "norm");
  struct nsw_macro wish = {0};
  if (!nsw_args_text(args, "arch")) return nsw_usage(err, "dump: --arch ID is missing");
  if (!nsw_args_text(args, "out")) return nsw_usage(err, "dump: --out FILE.h5 is missing");
  if (strcmp(norm, "sample") && strcmp(norm, "batch"))
    return nsw_usage(err, "dump: --norm wants sample or batch, got '%.40s'", norm);
  d->mode = strcmp(norm, "batch") ? NSW_NORM_SAMPLE : NSW_NORM_BATCH;
  int status = read_weights(d, err);
  if (!status) status = nsw_aside_check(nsw_args_text(args, "out"), err);
  if (!status) status = nsw_args_integer(args, "samples", 1, 100000, &d->samples, err);
  if (!status) status = nsw_args_integer(args, "seed", 0, INT64_MAX, &d->seed, err);
  if (!status) status = read_size(args, "channels", &wish.channels, err);
  if (!status) status = read_size(args, "cells", &wish.cells, err);
  if (!status) status = nsw_space_open(nsw_args_operand(args, 0), &d->space, err);
  if (!status && strspn(nsw_args_text(args, "arch"), "0123456789") != strlen(nsw_args_text(args, "arch")))
    status = nsw_space_make_keys(d->space, err);
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

static void free_reference(struct dump *d) {
  struct reference *r = &d->reference;
  for (int p = 0; d->net && p < d->net->params; p++) {
    if (r->param) free(r->param[p]);
    if (r->grad) free(r->grad[p]);
  }
  free(r->param);
  free(r->grad);
  free(r->logits);
  free(r->loss);
}

static int run_reference(struct dump *d, struct nsw_error *err) {
  struct reference *r = &d->reference;
  size_t params = (size_t)d->net->params, n = (size_t)d->samples;
  r->param = calloc(params, sizeof *r->param);
  r->grad = calloc(params, sizeof *r->grad);
  r->logits = calloc(n * (size_t)d->net->classes, sizeof *r->logits);
  r->loss = calloc(n, sizeof *r->loss);
  bool ok = r->param && r->grad && r->logits && r->loss;
  for (size_t p = 0; p < params && ok; p++) {
    size_t size = nsw_param_size(&d->net->param[p]);
    r->param[p] = calloc(size, sizeof **r->param);
    r->grad[p] = calloc(size, sizeof **r->grad);
    ok = r->param[p] && r->grad[p];
    nsw_param_fill(&d->net->param[p], d->weights, (uint64_t)d->seed, d->buffer);
    for (size_t i = 0; i < size && ok; i++) r->param[p][i] = d->buffer[i];
  }
  if (!ok) return nsw_fail(err, "out of memory for the reference's parameters");
  struct nsw_naive_run run = {.images = (int)d->samples,
                              .pixels = d->images->pixels,
                              .labels = d->images->labels,
                              .param = (const double *const *)r->param,
                              .mode = d->mode,
                              .logits = r->logits,
                              .loss = r->loss,
                              .grad = r->grad};
  return nsw_naive_run(d->net, &run, err);
}

static int load_network(const struct dump *d, struct nsw_error *err) {
  return nsw_engine_load(d->engine, d->net,
                         &(struct nsw_load){.seed = (uint64_t)d->seed, .norm = d->mode, .weights = d->weights}, err);
}

static int run_network(struct dump *d, struct nsw_error *err) {
  int status = nsw_net_build(d->space, d->index, &d->macro, &d->net, err);
  if (!status) status = nsw_engine_create(nsw_cpu_isa(), &d->engine, err);
  if (!status)
    status = nsw_engine_set_images(d->engine, d->images->pixels, d->images->labels, (int)d->samples,
                                   d->images->resolution, err);
  if (!status) status = load_network(d, err);
  if (status) return status;
  nsw_engine_run(d->engine, true);
  d->buffer = malloc(largest_param(d->net) * sizeof *d->buffer);
  if (!d->buffer) return nsw_fail(err, "out of memory for a parameter of %zu elements", largest_param(d->net));
  return nsw_args_flag(d->args, "reference") ? run_reference(d, err) : NSW_OK;
}

/* ---- the file; everything below returns a negative number where HDF5 fails ---- */

/* Logits and losses of the reference, in double. */
static int write_exact(const struct dump *d, hid_t file) {
  size_t n = (size_t)d->samples, classes = (size_t)d->macro.classes;
  int bad = nsw_h5_write_array(file, "logits", H5T_NATIVE_DOUBLE, 2, (size_t[]){n, classes}, d->reference.logits);
  return bad | nsw_h5_write_array(file, "loss", H5T_NATIVE_DOUBLE, 1, (size_t[]){n}, d->reference.loss);
}

static int write_images(const struct dump *d, hid_t file) {
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
static int write_param(const struct dump *d, hid_t group, int p, bool gradient) {
  const struct nsw_param *param = &d->net->param[p];
  bool weight = param->kind == NSW_PARAM_CONV || param->kind == NSW_PARAM_LINEAR;
  size_t shape[5], size = nsw_param_size(param);
  char number[16];
  snprintf(number, sizeof number, "%04d", p);
  if (gradient)
    nsw_engine_gradient(d->engine, p, d->buffer);
  else
    nsw_engine_weights(d->engine, p, d->buffer);
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

static int write_params(const struct dump *d, hid_t file, const char *name, bool gradient) {
  hid_t group = nsw_h5_group(file, name);
  int bad = group < 0;
  for (int p = 0; p < d->net->params && !bad; p++) bad = write_param(d, group, p, gradient);
  if (group >= 0) H5Gclose(group);
  return bad;
}

/* The gradients of single images: the engine runs on one image at a time, and rows pile up in the data sets. */
static int write_sample_grads(const struct dump *d, hid_t file, struct nsw_error *err) {
  size_t image = 3 * (size_t)d->macro.resolution * (size_t)d->macro.resolution, n = (size_t)d->samples;
  float **all = calloc((size_t)d->net->params, sizeof *all);
  int status = all ? NSW_OK : nsw_fail(err, "out of memory for single gradients");
  for (int p = 0; p < d->net->params && !status; p++) {
    all[p] = malloc(n * nsw_param_size(&d->net->param[p]) * sizeof **all);
    if (!all[p]) status = nsw_fail(err, "out of memory for the gradients of %zu single images", n);
  }
  for (size_t i = 0; i < n && !status; i++) {
    status = nsw_engine_set_images(d->engine, d->images->pixels + i * image, d->images->labels + i, 1,
                                   d->macro.resolution, err);
    if (!status) status = load_network(d, err);
    if (status) break;
    nsw_engine_run(d->engine, true);
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

static int write_root(const struct dump *d, hid_t file) {
  const struct nsw_space_kind *kind = nsw_space_kind(d->space);
  int bad = nsw_h5_write_text(file, "format", "nasweep dump") | nsw_h5_write_integer(file, "format_version", 1);
  bad |= nsw_h5_write_text(file, "version", nsw_version()) | nsw_h5_write_text(file, "git", nsw_git());
  bad |= nsw_h5_write_text(file, "command", nsw_args_line(d->args)) | nsw_h5_write_text(file, "space", kind->name);
  bad |= nsw_h5_write_integer(file, "index", d->index) | nsw_h5_write_integer(file, "seed", d->seed);
  bad |=
      nsw_h5_write_integer(file, "channels", d->macro.channels) | nsw_h5_write_integer(file, "cells", d->macro.cells);
  bad |= nsw_h5_write_integer(file, "classes", d->macro.classes);
  bad |= nsw_h5_write_text(file, "norm", d->mode == NSW_NORM_BATCH ? "batch" : "sample");
  bad |= nsw_h5_write_text(file, "weights", nsw_args_text(d->args, "weights"));
  bad |= nsw_h5_write_text(file, "data", d->images->source) | nsw_h5_write_text(file, "data_sha256", d->images->sha256);
  struct nsw_cell cell;
  char ops[2 * NSW_MAX_EDGES + 1] = "", edges[12];
  nsw_space_cell(d->space, d->index, &cell);
  int n = kind->ops_on_vertices ? cell.vertices : cell.vertices * (cell.vertices - 1) / 2;
  for (int i = 0; i < n; i++) {
    ops[2 * i] = (char)('0' + (kind->ops_on_vertices ? cell.vertex_op[i] : cell.edge_op[i]));
    ops[2 * i + 1] = i + 1 < n ? ',' : 0;
  }
  snprintf(edges, sizeof edges, "%u", (unsigned)cell.edges);
  bad |= nsw_h5_write_integer(file, "vertices", cell.vertices) | nsw_h5_write_text(file, "edges", edges);
  return bad | nsw_h5_write_text(file, "ops", ops);
}

static int write_file(struct dump *d, struct nsw_error *err) {
  const char *path = nsw_args_text(d->args, "out");
  struct nsw_h5_image image = {0};
  struct nsw_h5_quiet quiet;
  nsw_h5_quiet_begin(&quiet);
  hid_t file = nsw_h5_create(&image, (size_t)1 << 22);
  int bad = file < 0, status = NSW_OK;
  if (!bad) bad = write_root(d, file) | write_images(d, file);
  if (!bad) bad = write_params(d, file, "param", false) | write_params(d, file, "grad", true);
  if (bad) status = nsw_h5_fail(err, path, "cannot write the network");
  if (!status && nsw_args_flag(d->args, "sample-grad")) status = write_sample_grads(d, file, err);
  if (file >= 0 && nsw_h5_finish(file, &image) < 0 && !status)
    status = nsw_h5_fail(err, path, "cannot finish the file");
  nsw_h5_quiet_end(&quiet);
  if (!status) status = nsw_aside_write(path, image.bytes, image.size, err);
  free(image.bytes);
  return status;
}

static int run(const struct nsw_args *args, struct nsw_error *err) {
  struct dump d = {.args = args};
  int status = read_request(&d, err);
  if (!status) status = run_network(&d, err);
  if (!status) status = write_file(&d, err);
  free_reference(&d);
  free(d.buffer);
  nsw_engine_free(&d.engine);
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
        "A convolution that sees nothing but zeros counts as dead with its normalisation. "
        "The attribute gram_mean of a weight's gradient is that layer's part of KNAS.\n\n"
        "Example: nasweep dump nb201 --arch 123 --samples 8 --out net.h5",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .mpi = false,
    .blas = true,
    .run = run,
};
