/* A training from start to end, by the engine in float and by the naive kernels in double, written out as numbers for
 * tests/system/train.t, which does the same in PyTorch.
 *
 * usage: train_dump SPACE INDEX SEED DATA SAMPLES OUT [KEY=VALUE...]
 * OUT.engine and OUT.naive: doubles: every live parameter in definition order, PyTorch's layout; mean and variance of
 * every live normalisation; then train_loss, train_accuracy, valid_loss, valid_accuracy, sotl. Skeleton and recipe by
 * KEY=VALUE as in --set train.KEY=VALUE.
 *
 * OUT "-", for tests/bench/bench_train.py: multiply-adds of an image and GFLOP/s of this core; then every line of
 * standard input is one step of training by the engine, answered by its CPU seconds, until there are no more. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/peak.h"
#include "data/images.h"
#include "net/naive.h"
#include "train/trainer.h"

struct job {
  struct nsw_space *space;
  struct nsw_images *images;
  struct nsw_recipe recipe;
  struct nsw_macro macro;
  struct nsw_net *net;
  struct nsw_trainer *trainer;
  uint64_t seed;
  const char *out;
};

static void put(FILE *f, const double *x, size_t n) { fwrite(x, sizeof *x, n, f); }

static FILE *open_out(const struct job *j, const char *what) {
  char path[1024];
  snprintf(path, sizeof path, "%s.%s", j->out, what);
  return fopen(path, "wb");
}

/* ---- by the engine ---- */

static int by_engine(struct job *j, struct nsw_error *err) {
  struct nsw_trained t;
  int status = nsw_trainer_run(j->trainer, j->net, j->seed, NULL, NULL, &t, err);
  FILE *f = status == NSW_OK ? open_out(j, "engine") : NULL;
  if (!f) return status;
  float values[1 << 20], mean[4096], variance[4096];
  for (int pass = 0; pass < 2; pass++)
    for (int p = 0; p < j->net->params; p++) {
      const struct nsw_param *param = &j->net->param[p];
      size_t n = nsw_param_size(param);
      if (!param->live || (pass && param->kind != NSW_PARAM_GAMMA)) continue;
      nsw_weights_get(nsw_trainer_weights(j->trainer), p, values);
      if (pass) nsw_weights_running(nsw_trainer_weights(j->trainer), p, mean, variance);
      for (int part = 0; part < 1 + pass; part++)
        for (size_t i = 0; i < n; i++) {
          double x = !pass ? values[i] : part ? variance[i] : mean[i];
          put(f, &x, 1);
        }
    }
  put(f, (double[]){t.train_loss, t.train_accuracy, t.valid_loss, t.valid_accuracy, t.sotl}, 5);
  return fclose(f) ? nsw_fail(err, "cannot write") : NSW_OK;
}

/* ---- step by step ---- */

/* Waits to be asked for a step. */
static bool asked(double *since) {
  char line[16];
  bool more = fgets(line, sizeof line, stdin) != NULL;
  *since = nsw_process_seconds();
  return more;
}

static bool answer(void *with) {
  double *since = with;
  printf("%.6f\n", nsw_process_seconds() - *since);
  fflush(stdout);
  return !asked(since);
}

static int by_steps(struct job *j, struct nsw_error *err) {
  double since;
  struct nsw_break rest = {.with = &since, .stop = answer};
  struct nsw_trained t;
  printf("%.0f %.2f\n", nsw_net_macs(j->net), nsw_peak(0.3));
  fflush(stdout);
  int status = asked(&since) ? nsw_trainer_run(j->trainer, j->net, j->seed, &rest, NULL, &t, err) : NSW_OK;
  return status == NSW_STOPPED ? NSW_OK : status;
}

/* ---- in double ---- */

struct naive {
  double **w, **v, **g, **mean, **variance, **batch_mean, **batch_variance;
  float *pixels;
  int32_t *labels;
  double *logits, *loss;
  double train_loss, right, seen, sotl;
};

static double **arrays(const struct nsw_net *net, double value) {
  double **a = calloc((size_t)net->params, sizeof *a);
  for (int p = 0; p < net->params; p++) {
    size_t n = nsw_param_size(&net->param[p]);
    a[p] = malloc(n * sizeof **a);
    for (size_t i = 0; i < n; i++) a[p][i] = value;
  }
  return a;
}

static double accuracy_of(const struct job *j, const struct naive *s, int count) {
  int classes = j->net->classes;
  double right = 0;
  for (int k = 0; k < count; k++) {
    int best = 0;
    for (int c = 1; c < classes; c++)
      if (s->logits[k * classes + c] > s->logits[k * classes + best]) best = c;
    right += best == s->labels[k];
  }
  return right;
}

/* PyTorch's SGD and clip_grad_norm_, in double. */
static void descend(const struct job *j, struct naive *s, int count, double rate, bool first) {
  const struct nsw_recipe *r = &j->recipe;
  double norm = 0;
  for (int p = 0; p < j->net->params; p++)
    for (size_t i = 0; j->net->param[p].live && i < nsw_param_size(&j->net->param[p]); i++)
      norm += pow(s->g[p][i] / count, 2);
  double factor = r->clip > 0 && r->clip / (sqrt(norm) + 1e-6) < 1 ? r->clip / (sqrt(norm) + 1e-6) : 1;
  for (int p = 0; p < j->net->params; p++)
    for (size_t i = 0; j->net->param[p].live && i < nsw_param_size(&j->net->param[p]); i++) {
      double d = s->g[p][i] / count * factor + r->decay * s->w[p][i];
      s->v[p][i] = first ? d : r->momentum * s->v[p][i] + d;
      s->w[p][i] -= rate * (r->nesterov ? d + r->momentum * s->v[p][i] : s->v[p][i]);
    }
}

static int run(const struct job *j, struct naive *s, int count, enum nsw_norm_mode mode, struct nsw_error *err) {
  struct nsw_naive_run run = {.images = count,
                              .pixels = s->pixels,
                              .labels = s->labels,
                              .param = (const double *const *)s->w,
                              .mode = mode,
                              .mean = mode == NSW_NORM_BATCH ? s->batch_mean : s->mean,
                              .variance = mode == NSW_NORM_BATCH ? s->batch_variance : s->variance,
                              .logits = s->logits,
                              .loss = s->loss,
                              .grad = mode == NSW_NORM_BATCH ? s->g : NULL};
  for (int p = 0; p < j->net->params; p++) memset(s->g[p], 0, nsw_param_size(&j->net->param[p]) * sizeof(double));
  return nsw_naive_run(j->net, &run, err);
}

static void track(const struct job *j, struct naive *s) {
  for (int p = 0; p < j->net->params; p++) {
    if (j->net->param[p].kind != NSW_PARAM_GAMMA || !j->net->param[p].live) continue;
    for (size_t i = 0; i < nsw_param_size(&j->net->param[p]); i++) {
      s->mean[p][i] += NSW_NORM_MOMENTUM * (s->batch_mean[p][i] - s->mean[p][i]);
      s->variance[p][i] += NSW_NORM_MOMENTUM * (s->batch_variance[p][i] - s->variance[p][i]);
    }
  }
}

static int epoch(const struct job *j, struct naive *s, int e, struct nsw_error *err) {
  const struct nsw_parts *parts = nsw_trainer_parts(j->trainer);
  size_t one = 3 * (size_t)parts->resolution * (size_t)parts->resolution;
  int batch = j->recipe.batch, steps = (int)((parts->train + (size_t)batch - 1) / (size_t)batch), status = NSW_OK;
  uint32_t *order = malloc(parts->train * sizeof *order);
  nsw_parts_order(parts, j->seed, e, order);
  s->train_loss = s->right = s->seen = 0;
  for (int k = 0; k < steps && status == NSW_OK; k++) {
    size_t first = (size_t)k * (size_t)batch, left = parts->train - first;
    int count = left < (size_t)batch ? (int)left : batch;
    double sum = 0;
    for (int i = 0; i < count; i++) {
      uint32_t image = parts->member[order[first + (size_t)i]];
      nsw_parts_apply(parts, image, nsw_parts_cut(&j->recipe, j->seed, e, image), s->pixels + (size_t)i * one);
      s->labels[i] = parts->labels[image];
    }
    status = run(j, s, count, NSW_NORM_BATCH, err);
    for (int i = 0; i < count; i++) sum += s->loss[i];
    s->train_loss += sum;
    s->right += accuracy_of(j, s, count);
    s->seen += count;
    s->sotl += sum / count;
    track(j, s);
    descend(j, s, count, nsw_recipe_rate(&j->recipe, e, k, steps), !e && !k);
  }
  free(order);
  return status;
}

static int validate(const struct job *j, struct naive *s, double *loss, double *accuracy, struct nsw_error *err) {
  const struct nsw_parts *parts = nsw_trainer_parts(j->trainer);
  size_t one = 3 * (size_t)parts->resolution * (size_t)parts->resolution;
  int n = (int)parts->valid, status;
  for (int i = 0; i < n; i++) {
    uint32_t image = parts->member[parts->train + (size_t)i];
    nsw_parts_apply(parts, image, (struct nsw_cut){0}, s->pixels + (size_t)i * one);
    s->labels[i] = parts->labels[image];
  }
  status = run(j, s, n, NSW_NORM_RUNNING, err);
  *loss = 0;
  for (int i = 0; i < n; i++) *loss += s->loss[i] / n;
  *accuracy = 100.0 * accuracy_of(j, s, n) / n;
  return status;
}

/* Nothing is freed: the program ends. */
static int by_naive(struct job *j, struct nsw_error *err) {
  const struct nsw_parts *parts = nsw_trainer_parts(j->trainer);
  size_t most = parts->count, one = 3 * (size_t)parts->resolution * (size_t)parts->resolution;
  struct nsw_weights *drawn = NULL;
  struct naive s = {arrays(j->net, 0),
                    arrays(j->net, 0),
                    arrays(j->net, 0),
                    arrays(j->net, 0),
                    arrays(j->net, 1),
                    arrays(j->net, 0),
                    arrays(j->net, 0),
                    NULL,
                    NULL,
                    NULL,
                    NULL,
                    0,
                    0,
                    0,
                    0};
  s.pixels = malloc(most * one * sizeof *s.pixels);
  s.labels = malloc(most * sizeof *s.labels);
  s.logits = malloc(most * (size_t)j->net->classes * sizeof *s.logits);
  s.loss = malloc(most * sizeof *s.loss);
  int status = nsw_weights_draw(&drawn, j->net, NSW_DRAW_OWN, j->seed, err);
  for (int p = 0; p < j->net->params && status == NSW_OK; p++) {
    size_t n = nsw_param_size(&j->net->param[p]);
    float *value = malloc(n * sizeof *value);
    nsw_weights_get(drawn, p, value);
    for (size_t i = 0; i < n; i++) s.w[p][i] = value[i];
    free(value);
  }
  for (int e = 0; e < j->recipe.epochs && status == NSW_OK; e++) status = epoch(j, &s, e, err);
  double loss = 0, accuracy = 0;
  if (status == NSW_OK) status = validate(j, &s, &loss, &accuracy, err);
  FILE *f = status == NSW_OK ? open_out(j, "naive") : NULL;
  if (!f) return status;
  for (int p = 0; p < j->net->params; p++)
    if (j->net->param[p].live) put(f, s.w[p], nsw_param_size(&j->net->param[p]));
  for (int p = 0; p < j->net->params; p++) {
    if (!j->net->param[p].live || j->net->param[p].kind != NSW_PARAM_GAMMA) continue;
    put(f, s.mean[p], nsw_param_size(&j->net->param[p]));
    put(f, s.variance[p], nsw_param_size(&j->net->param[p]));
  }
  put(f, (double[]){s.train_loss / s.seen, 100 * s.right / s.seen, loss, accuracy, s.sotl}, 5);
  return fclose(f) ? nsw_fail(err, "cannot write") : NSW_OK;
}

/* ---- the job ---- */

/* Which live: one number a parameter, 0 or 1, as text on standard output. */
static void print_live(const struct nsw_net *net) {
  for (int p = 0; p < net->params; p++) printf("%d", net->param[p].live);
  printf("\n");
}

static int read_settings(struct job *j, char **words, int count, struct nsw_error *err) {
  const char *values[NSW_SETTINGS];
  for (int k = 0; k < NSW_SETTINGS; k++) values[k] = nsw_settings[k].value;
  for (int i = 0; i < count; i++)
    for (int k = 0; k < NSW_SETTINGS; k++) {
      size_t n = strlen(nsw_settings[k].key);
      if (!strncmp(words[i], nsw_settings[k].key, n) && words[i][n] == '=') values[k] = words[i] + n + 1;
    }
  return nsw_recipe_read(values, &j->recipe, err);
}

int main(int argc, char **argv) {
  struct nsw_error err = {{0}};
  struct job j = {.out = argc > 6 ? argv[6] : NULL};
  if (argc < 7) return 2;
  j.seed = strtoull(argv[3], NULL, 10);
  int status = read_settings(&j, argv + 7, argc - 7, &err);
  if (!status) status = nsw_space_open(argv[1], &j.space, &err);
  if (!status) status = nsw_images_load(argv[4], "cifar10", strtoull(argv[5], NULL, 10), &j.images, &err);
  struct nsw_macro own = {0};
  if (!status) own = nsw_space_macro(j.space, (struct nsw_macro){0});
  if (!status) status = nsw_recipe_macro(&j.recipe, &own, &j.macro, &err);
  if (!status) status = nsw_net_build_trained(j.space, (uint32_t)atoi(argv[2]), &j.macro, &j.net, &err);
  if (!status) status = nsw_trainer_create(&j.recipe, j.images, j.macro.resolution, &j.trainer, &err);
  bool steps = !strcmp(j.out, "-");
  if (!status && !steps) print_live(j.net);
  if (!status) status = steps ? by_steps(&j, &err) : by_engine(&j, &err);
  if (!status && !steps) status = by_naive(&j, &err);
  if (status) fprintf(stderr, "train_dump: %s\n", err.text);
  return status;
}
