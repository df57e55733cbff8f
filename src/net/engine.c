#include "net/engine.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/pixel.h"
#include "net/plan.h"

const char *const nsw_work_names[NSW_WORKS] = {"conv 3x3", "conv 1x1", "norm", "combine", "pool", "head", "load"};

enum { ALIGN = 64 };

/* A block of floats that only grows. */
struct block {
  float *p;
  size_t size; /* floats */
};

/* What every architecture of a run has in common: the stem's output on the same images and weights. */
struct stem {
  struct block y, stats; /* raw output [images][...], scale and shift [images][2 * col] */
  uint64_t key;          /* of the weights it was made from; another seed makes it invalid */
  size_t image;          /* floats of one image's raw output */
  bool valid;
};

/* First gradient entries kept for every image. */
struct probe {
  const int *param;
  int count, elements;
  float *out; /* [images][count][elements] */
};

struct nsw_engine {
  enum nsw_isa isa;
  nsw_conv_fn *conv;
  nsw_conv_wgrad_fn *wgrad;
  nsw_conv_probe_fn *conv_probe;
  const struct nsw_pixel_kernels *pixel;

  int images, size;   /* n; height and width */
  struct block input; /* [images] framed, channels last, NSW_INPUT_COL channels */
  size_t input_image; /* floats of one */
  int32_t *labels;    /* [images] */

  const struct nsw_net *net;
  struct nsw_plan plan;
  enum nsw_norm_mode mode;
  uint64_t seed;
  int slots;                   /* images in a group */
  struct block arena, stats;   /* [slots][plan.slot], [slots][plan.stats] */
  struct block weights, grads; /* packed; see struct nsw_conv_plan */
  struct block norm_grads;     /* [plan.stats]: gradients of every gamma and beta, placed as scale and shift are */
  struct block head;           /* weight [classes][features], bias, their gradients */
  struct block scratch;        /* sums over channels, four vectors; parameters while they are packed */
  struct block features, slopes, logits; /* [images][...]: seen by the classifier, gradient of the logits, logits */
  double *losses;                        /* [images] */
  struct stem stem;
  struct probe probe;
  bool timed;
  double seconds[NSW_WORKS];
};

/* ---- memory ---- */

static void free_block(struct block *b) {
  free(b->p);
  *b = (struct block){0};
}

static bool need_block(struct block *b, size_t floats) {
  if (floats <= b->size) return true;
  free_block(b);
  b->p = aligned_alloc(ALIGN, (floats * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN);
  b->size = b->p ? floats : 0;
  return b->p != NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Adds the time since *since to a kind of work, and moves *since on. */
static void account(struct nsw_engine *e, enum nsw_work work, double *since) {
  if (!e->timed) return;
  double t = now();
  e->seconds[work] += t - *since;
  *since = t;
}

int nsw_engine_create(enum nsw_isa isa, struct nsw_engine **engine, struct nsw_error *err) {
  struct nsw_engine *e = calloc(1, sizeof *e);
  if (!e) return nsw_fail(err, "out of memory for an engine");
  e->isa = isa;
  e->conv = NSW_DISPATCH(isa, nsw_conv);
  e->wgrad = NSW_DISPATCH(isa, nsw_conv_wgrad);
  e->conv_probe = NSW_DISPATCH(isa, nsw_conv_probe);
  e->pixel = NSW_DISPATCH(isa, &nsw_pixel);
  *engine = e;
  return NSW_OK;
}

void nsw_engine_free(struct nsw_engine **engine) {
  struct nsw_engine *e = *engine;
  if (!e) return;
  struct block *blocks[] = {&e->input,   &e->arena,    &e->stats,  &e->weights, &e->grads,  &e->norm_grads, &e->head,
                            &e->scratch, &e->features, &e->slopes, &e->logits,  &e->stem.y, &e->stem.stats};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free_block(blocks[i]);
  free(e->labels);
  free(e->losses);
  nsw_plan_free(&e->plan);
  free(e);
  *engine = NULL;
}

int nsw_engine_set_images(struct nsw_engine *e, const float *pixels, const int32_t *labels, int images, int size,
                          struct nsw_error *err) {
  size_t side = (size_t)size + 2, n = (size_t)images;
  e->input_image = side * side * NSW_INPUT_COL;
  free(e->labels);
  free(e->losses);
  e->labels = malloc(n * sizeof *e->labels);
  e->losses = calloc(n, sizeof *e->losses);
  e->stem.valid = false;
  /* A block of room behind the last image: probes read 16 channels from every pixel, whatever it has. */
  size_t all = n * e->input_image + NSW_BLOCK;
  if (!need_block(&e->input, all) || !e->labels || !e->losses)
    return nsw_fail(err, "out of memory for %d images of %d x %d", images, size, size);
  e->images = images;
  e->size = size;
  memcpy(e->labels, labels, n * sizeof *labels);
  memset(e->input.p, 0, all * sizeof(float));
  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++)
      for (int h = 0; h < size; h++)
        for (int w = 0; w < size; w++)
          e->input.p[i * e->input_image + ((size_t)(h + 1) * side + (size_t)(w + 1)) * NSW_INPUT_COL + (size_t)c] =
              pixels[((i * 3 + (size_t)c) * (size_t)size + (size_t)h) * (size_t)size + (size_t)w];
  return NSW_OK;
}

/* ---- weights ---- */

/* From PyTorch's [out][in][k][k] to the two packed forms; padding is zero. */
static void pack_conv(const struct nsw_conv_plan *c, const struct nsw_param *param, const float *from, float *weights) {
  int out = param->shape[0], in = param->shape[1], taps = c->forward.w_taps;
  float *w = weights + c->w, *wb = weights + c->wb;
  memset(w, 0, (c->w_size + c->wb_size) * sizeof *w);
  for (int o = 0; o < out; o++)
    for (int i = 0; i < in; i++)
      for (int t = 0; t < taps; t++) {
        float v = *from++;
        w[(((size_t)(o / NSW_BLOCK) * (size_t)taps + (size_t)t) * (size_t)in + (size_t)i) * NSW_BLOCK +
          (size_t)(o % NSW_BLOCK)] = v;
        if (c->backs)
          wb[(((size_t)(i / NSW_BLOCK) * (size_t)taps + (size_t)t) * (size_t)out + (size_t)o) * NSW_BLOCK +
             (size_t)(i % NSW_BLOCK)] = v;
      }
}

/* Where the classifier's four arrays lie in its block. */
static size_t head_size(const struct nsw_net *net) {
  return (size_t)net->classes * ((size_t)net->feature_channels + 1);
}
static float *head_bias(const struct nsw_engine *e) {
  return e->head.p + (size_t)e->net->classes * (size_t)e->net->feature_channels;
}
static float *head_grad(const struct nsw_engine *e) { return e->head.p + head_size(e->net); }

static void load_weights(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  for (int p = 0; p < net->params; p++) {
    const struct nsw_param *param = &net->param[p];
    if (param->kind != NSW_PARAM_CONV || !param->live) continue;
    nsw_param_fill(param, e->seed, e->scratch.p);
    pack_conv(&e->plan.layer[param->layer].conv, param, e->scratch.p, e->weights.p);
  }
  nsw_param_fill(&net->param[net->head_weight], e->seed, e->head.p);
  nsw_param_fill(&net->param[net->head_bias], e->seed, head_bias(e));
  memset(head_grad(e), 0, head_size(net) * sizeof(float));
  memset(e->grads.p, 0, e->plan.grads * sizeof(float));
  memset(e->norm_grads.p, 0, e->plan.stats * sizeof(float));
}

/* Images in a group: one where a network's images are small enough to stay in the second cache, more where its weights
 * are what has to be fetched again for every group. */
static int choose_slots(const struct nsw_engine *e) {
  if (e->mode == NSW_NORM_BATCH) return e->images;
  size_t weights = e->plan.weights + e->plan.grads;
  int slots = weights > e->plan.slot ? (int)(weights / (e->plan.slot + 1)) + 1 : 1;
  if (slots > 10) slots = 10;
  return slots < e->images ? slots : e->images;
}

/* Memory that can still be had, in bytes: what the kernel says it could free up, else all there is. */
static double available_bytes(void) {
  char line[128];
  double kilobytes = 0;
  FILE *f = fopen("/proc/meminfo", "r");
  while (f && kilobytes == 0 && fgets(line, sizeof line, f)) (void)sscanf(line, "MemAvailable: %lf", &kilobytes);
  if (f) fclose(f);
  return kilobytes > 0 ? kilobytes * 1024 : (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

static int reserve(struct nsw_engine *e, struct nsw_error *err) {
  const struct nsw_net *net = e->net;
  size_t largest = 4 * (size_t)e->plan.widest, slots = (size_t)e->slots, n = (size_t)e->images;
  for (int p = 0; p < net->params; p++)
    if (nsw_param_size(&net->param[p]) > largest) largest = nsw_param_size(&net->param[p]);
  struct {
    struct block *block;
    size_t floats;
  } needs[] = {{&e->arena, slots * e->plan.slot + ALIGN},
               {&e->stats, slots * e->plan.stats + ALIGN},
               {&e->weights, e->plan.weights + ALIGN},
               {&e->grads, e->plan.grads + ALIGN},
               {&e->norm_grads, e->plan.stats + ALIGN},
               {&e->head, 2 * head_size(net)},
               {&e->scratch, largest + ALIGN},
               {&e->features, n * (size_t)(net->feature_channels + NSW_BLOCK)},
               {&e->slopes, n * (size_t)net->classes},
               {&e->logits, n * (size_t)net->classes}};
  double more = 0;
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
    if (needs[i].floats > needs[i].block->size) more += 4.0 * (double)(needs[i].floats - needs[i].block->size);
  bool ok = more < 1e7 || more < available_bytes();
  for (size_t i = 0; ok && i < sizeof needs / sizeof *needs; i++) ok = need_block(needs[i].block, needs[i].floats);
  return ok ? NSW_OK
            : nsw_fail(
                  err,
                  "not enough memory for a network of %.1f million weights: %.0f MB needed with %d images at a time",
                  (double)e->plan.weights / 2e6, more / 1e6, e->slots);
}

int nsw_engine_load(struct nsw_engine *e, const struct nsw_net *net, uint64_t seed, enum nsw_norm_mode mode, int slots,
                    struct nsw_error *err) {
  double since = e->timed ? now() : 0;
  if (net->resolution != e->size)
    return nsw_usage(err, "the network takes images of %d x %d, and these have %d x %d", net->resolution,
                     net->resolution, e->size, e->size);
  e->net = net;
  e->mode = mode;
  if (e->seed != seed) e->stem.valid = false;
  e->seed = seed;
  e->probe = (struct probe){0};
  nsw_plan_free(&e->plan);
  int status = nsw_plan_make(net, &e->plan, err);
  if (status != NSW_OK) return status;
  e->slots = slots > 0 && mode == NSW_NORM_SAMPLE ? (slots < e->images ? slots : e->images) : choose_slots(e);
  if (e->slots < 1) e->slots = 1;
  status = reserve(e, err);
  if (status != NSW_OK) return status;
  load_weights(e);
  account(e, NSW_WORK_LOAD, &since);
  return NSW_OK;
}

void nsw_engine_probe(struct nsw_engine *e, const int *param, int count, int elements, float *out) {
  e->probe = (struct probe){.param = param, .count = count, .elements = elements, .out = out};
  memset(out, 0, (size_t)e->images * (size_t)count * (size_t)elements * sizeof *out);
}

/* ---- where things are; image is counted from the start, slot within the group ---- */

static struct nsw_plane value_plane(const struct nsw_engine *e, int t, int slot) {
  const struct nsw_tensor_plan *p = &e->plan.tensor[t];
  return (struct nsw_plane){e->arena.p + (size_t)slot * e->plan.slot + p->value, p->row, p->col,
                            e->net->tensor[t].size};
}

static struct nsw_plane grad_plane(const struct nsw_engine *e, int t, int slot) {
  const struct nsw_tensor_plan *p = &e->plan.tensor[t];
  int size = e->net->tensor[t].size;
  return (struct nsw_plane){e->arena.p + (size_t)slot * e->plan.slot + p->grad, (ptrdiff_t)size * p->col, p->col, size};
}

static struct nsw_plane dy_plane(const struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_plan *c,
                                 int slot) {
  return (struct nsw_plane){e->arena.p + (size_t)slot * e->plan.slot + c->dy, c->dy_row, e->plan.tensor[l->dst].col,
                            e->net->tensor[l->dst].size};
}

static float *stats_of(const struct nsw_engine *e, int t, int slot) {
  return e->stats.p + (size_t)slot * e->plan.stats + e->plan.tensor[t].stats;
}

static struct nsw_input input_of(const struct nsw_engine *e, int t, int slot) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  struct nsw_input in = {.plane = value_plane(e, t, slot), .relu = x->relu};
  if (x->norm) {
    in.scale = stats_of(e, t, slot);
    in.shift = in.scale + e->plan.tensor[t].col;
  }
  return in;
}

static const float *image_pixels(const struct nsw_engine *e, int image) {
  return e->input.p + (size_t)image * e->input_image + ((size_t)e->size + 3) * NSW_INPUT_COL;
}

static uint8_t *which_of(const struct nsw_engine *e, int layer, int slot) {
  return (uint8_t *)(e->arena.p + (size_t)slot * e->plan.slot + e->plan.layer[layer].which);
}

/* ---- forward ---- */

/* Mean and 1/sqrt(variance + eps) over images of slots first..end-1, as scale and shift, the same for all of them. */
static void normalise_group(struct nsw_engine *e, int t, int first, int end) {
  int col = e->plan.tensor[t].col, size = e->net->tensor[t].size;
  float *mean = e->scratch.p, *square = mean + col, pixels = (float)(end - first) * (float)(size * size);
  memset(mean, 0, 2 * (size_t)col * sizeof *mean);
  for (int s = first; s < end; s++) e->pixel->sum(value_plane(e, t, s), mean);
  for (int c = 0; c < col; c++) mean[c] /= pixels;
  for (int s = first; s < end; s++) e->pixel->square(value_plane(e, t, s), mean, square);
  for (int s = first; s < end; s++) {
    float *scale = stats_of(e, t, s), *shift = scale + col;
    for (int c = 0; c < col; c++) {
      scale[c] = 1.0f / sqrtf(square[c] / pixels + (float)NSW_NORM_EPS);
      shift[c] = -mean[c] * scale[c];
    }
  }
}

static void normalise(struct nsw_engine *e, int t, int count) {
  double since = e->timed ? now() : 0;
  if (t < 0 || !e->net->tensor[t].norm) return;
  if (e->mode == NSW_NORM_BATCH)
    normalise_group(e, t, 0, count);
  else
    for (int s = 0; s < count; s++) normalise_group(e, t, s, s + 1);
  account(e, NSW_WORK_NORM, &since);
}

static void conv_forward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_plan *c = &e->plan.layer[i].conv;
  double since = e->timed ? now() : 0;
  struct nsw_conv_pass one = c->forward;
  size_t block = c->w_size / (size_t)one.blocks;
  one.blocks = 1; /* a block's weights stay in cache while all images of the group pass */
  for (int b = 0; b < c->forward.blocks; b++)
    for (int s = 0; s < count; s++) {
      const float *x = l->src == 0 ? image_pixels(e, first + s) : value_plane(e, l->src, s).p;
      e->conv(&one, x, e->weights.p + c->w + (size_t)b * block, value_plane(e, l->dst, s).p + b * NSW_BLOCK);
    }
  account(e, l->kernel == 3 ? NSW_WORK_CONV3 : NSW_WORK_CONV1, &since);
}

static void combine_forward(struct nsw_engine *e, int i, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  double since = e->timed ? now() : 0;
  for (int s = 0; s < count; s++) {
    struct nsw_combine m = {.inputs = l->terms, .first = l->first, .count = l->count};
    int made = l->dst >= 0 ? l->dst : l->relu_dst;
    for (int k = 0; k < l->terms; k++) m.input[k] = input_of(e, l->term[k], s);
    if (l->dst >= 0) m.dst = value_plane(e, l->dst, s);
    if (l->relu_dst >= 0) m.relu = value_plane(e, l->relu_dst, s);
    if (l->first + l->count == e->net->tensor[made].channels)
      m.pad = e->plan.tensor[made].col - e->net->tensor[made].channels;
    e->pixel->combine(&m);
    if (l->dst >= 0 && e->plan.tensor[l->dst].frame && l->first == 0) nsw_clear_frame(m.dst);
    if (l->relu_dst >= 0 && e->plan.tensor[l->relu_dst].frame) nsw_clear_frame(m.relu);
  }
  account(e, NSW_WORK_COMBINE, &since);
}

static void pool_forward(struct nsw_engine *e, int i, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_pixel_kernels *k = e->pixel;
  nsw_pool_fn *pool[NSW_LAYER_KINDS] = {NULL, NULL, k->avgpool3, k->maxpool3, k->avgpool2, k->maxpool2};
  double since = e->timed ? now() : 0;
  for (int s = 0; s < count; s++) {
    struct nsw_plane y = value_plane(e, l->dst, s);
    pool[l->kind](value_plane(e, l->src, s), y, which_of(e, i, s));
    if (e->plan.tensor[l->dst].frame) nsw_clear_frame(y);
  }
  account(e, NSW_WORK_POOL, &since);
}

/* The stem is layer 0 of every network, from the same weights: its output is kept for all images of the run. */
static bool stem_fits(const struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  return net->layers > 0 && net->layer[0].kind == NSW_LAYER_CONV && net->layer[0].src == 0 &&
         net->tensor[net->layer[0].dst].norm && e->mode == NSW_NORM_SAMPLE && !e->plan.tensor[net->layer[0].dst].frame;
}

static bool stem_ready(struct nsw_engine *e) {
  const struct nsw_layer *l = &e->net->layer[0];
  const struct nsw_tensor_plan *p = &e->plan.tensor[l->dst];
  size_t image = (size_t)p->row * (size_t)e->net->tensor[l->dst].size;
  uint64_t key = e->net->param[l->param].key;
  if (e->stem.valid && e->stem.image == image && e->stem.key == key) return true;
  e->stem.valid = false;
  e->stem.image = image;
  e->stem.key = key;
  if (!need_block(&e->stem.y, (size_t)e->images * image) ||
      !need_block(&e->stem.stats, (size_t)e->images * 2 * (size_t)p->col))
    e->stem.image = 0; /* no memory for it: computed every time */
  return false;
}

/* Brings the kept stem into the group's slots, or keeps what was just computed there. */
static void copy_stem(struct nsw_engine *e, int first, int count, bool keep) {
  int t = e->net->layer[0].dst;
  size_t stats = 2 * (size_t)e->plan.tensor[t].col;
  for (int s = 0; s < count; s++) {
    float *y = e->stem.y.p + (size_t)(first + s) * e->stem.image, *kept = e->stem.stats.p + (size_t)(first + s) * stats;
    float *here = value_plane(e, t, s).p, *here_stats = stats_of(e, t, s);
    memcpy(keep ? y : here, keep ? here : y, e->stem.image * sizeof(float));
    memcpy(keep ? kept : here_stats, keep ? here_stats : kept, stats * sizeof(float));
  }
}

static void layer_forward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  if (l->kind == NSW_LAYER_CONV)
    conv_forward(e, i, first, count);
  else if (l->kind == NSW_LAYER_COMBINE)
    combine_forward(e, i, count);
  else
    pool_forward(e, i, count);
  normalise(e, l->dst, count);
}

/* ---- head ---- */

/* Logits, loss and the slope of the loss, of one image. */
static void head_image(struct nsw_engine *e, int image, int slot) {
  const struct nsw_net *net = e->net;
  size_t n = (size_t)image, classes = (size_t)net->classes, channels = (size_t)net->feature_channels;
  float *feature = e->features.p + n * channels, *logit = e->logits.p + n * classes, *slope = e->slopes.p + n * classes;
  memset(feature, 0, channels * sizeof *feature);
  if (net->features >= 0) {
    struct nsw_input in = input_of(e, net->features, slot);
    e->pixel->average(&in, e->scratch.p);
    memcpy(feature, e->scratch.p, channels * sizeof *feature);
  }
  memcpy(logit, head_bias(e), classes * sizeof *logit);
  cblas_sgemv(CblasRowMajor, CblasNoTrans, net->classes, net->feature_channels, 1.0f, e->head.p, net->feature_channels,
              feature, 1, 1.0f, logit, 1);
  double top = logit[0], sum = 0;
  for (size_t k = 1; k < classes; k++) top = logit[k] > top ? logit[k] : top;
  for (size_t k = 0; k < classes; k++) sum += exp(logit[k] - top);
  e->losses[image] = log(sum) + top - logit[e->labels[image]];
  for (size_t k = 0; k < classes; k++) slope[k] = (float)(exp(logit[k] - top) / sum);
  slope[e->labels[image]] -= 1.0f;
}

/* The features' gradient: the same for every pixel. */
static void head_backward(struct nsw_engine *e, int image, int slot) {
  const struct nsw_net *net = e->net;
  if (net->features < 0) return;
  struct nsw_plane g = grad_plane(e, net->features, slot);
  float *feature = e->scratch.p;
  memset(feature, 0, (size_t)g.col * sizeof *feature);
  cblas_sgemv(CblasRowMajor, CblasTrans, net->classes, net->feature_channels, 1.0f / (float)(g.size * g.size),
              e->head.p, net->feature_channels, e->slopes.p + (size_t)image * (size_t)net->classes, 1, 0.0f, feature,
              1);
  for (int i = 0; i < g.size * g.size; i++)
    memcpy(g.p + (ptrdiff_t)i * g.col, feature, (size_t)g.col * sizeof *feature);
}

/* The classifier's gradient of all images at once: slopes' x features. */
static void head_gradient(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  float *grad = head_grad(e), *bias = grad + (size_t)net->classes * (size_t)net->feature_channels;
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, net->classes, net->feature_channels, e->images, 1.0f,
              e->slopes.p, net->classes, e->features.p, net->feature_channels, 1.0f, grad, net->feature_channels);
  for (int i = 0; i < e->images; i++)
    for (int k = 0; k < net->classes; k++) bias[k] += e->slopes.p[i * net->classes + k];
}

/* ---- probes: first gradient entries of single images ---- */

static float *probe_of(const struct nsw_engine *e, int param, int image) {
  for (int k = 0; k < e->probe.count; k++)
    if (e->probe.param[k] == param)
      return e->probe.out + ((size_t)image * (size_t)e->probe.count + (size_t)k) * (size_t)e->probe.elements;
  return NULL;
}

/* Entries of a vector parameter. */
static void probe_vector(const struct nsw_engine *e, int param, int image, const float *values) {
  float *out = probe_of(e, param, image);
  int n = e->net->param[param].shape[0];
  if (out) memcpy(out, values, (size_t)(n < e->probe.elements ? n : e->probe.elements) * sizeof *out);
}

/* Entries of a convolution's weight, in PyTorch's order: output channel, input channel, tap. */
static void probe_conv(const struct nsw_engine *e, int i, int image, const float *x, const float *dy) {
  const struct nsw_conv_plan *c = &e->plan.layer[i].conv;
  const struct nsw_param *param = &e->net->param[e->net->layer[i].param];
  float *out = probe_of(e, e->net->layer[i].param, image), part[NSW_MAX_TAPS * NSW_BLOCK];
  int in = param->shape[1], taps = c->weights.w_taps, row = in * taps;
  if (!out) return;
  for (int o = 0; o < param->shape[0] && o * row < e->probe.elements; o++)
    for (int b = 0; b < in; b += NSW_BLOCK) {
      if (o * row + b * taps >= e->probe.elements) break;
      e->conv_probe(&c->weights, x + b, dy + o, part);
      for (int k = b; k < b + NSW_BLOCK && k < in; k++)
        for (int t = 0; t < taps; t++)
          if (o * row + k * taps + t < e->probe.elements) out[o * row + k * taps + t] = part[t * NSW_BLOCK + k - b];
    }
}

static void probe_head(const struct nsw_engine *e, int image) {
  const struct nsw_net *net = e->net;
  const float *slope = e->slopes.p + (size_t)image * (size_t)net->classes;
  const float *feature = e->features.p + (size_t)image * (size_t)net->feature_channels;
  float *out = probe_of(e, net->head_weight, image);
  probe_vector(e, net->head_bias, image, slope);
  for (int k = 0; out && k < e->probe.elements && k < net->classes * net->feature_channels; k++)
    out[k] = slope[k / net->feature_channels] * feature[k % net->feature_channels];
}

/* ---- backward ---- */

/* Gradient sums of a normalised tensor over slots first..end-1, as means into scratch[0..col) and [col..2col). */
static void gradient_means(struct nsw_engine *e, int t, int group, int first, int end) {
  int col = e->plan.tensor[t].col, size = e->net->tensor[t].size, gamma = e->net->tensor[t].gamma;
  float *sum_g = e->scratch.p, *sum_gx = sum_g + col, pixels = (float)(end - first) * (float)(size * size);
  memset(sum_g, 0, 2 * (size_t)col * sizeof *sum_g);
  for (int s = first; s < end; s++) {
    struct nsw_input x = input_of(e, t, s);
    e->pixel->norm_sums(&x, grad_plane(e, t, s), sum_g, sum_gx);
  }
  float *total = e->norm_grads.p + e->plan.tensor[t].stats; /* gamma's gradient, then beta's */
  for (int c = 0; c < col; c++) {
    total[c] += sum_gx[c];
    total[col + c] += sum_g[c];
  }
  if (e->probe.count) {
    probe_vector(e, gamma, group + first, sum_gx);
    probe_vector(e, gamma + 1, group + first, sum_g);
  }
  for (int c = 0; c < 2 * col; c++) sum_g[c] /= pixels;
}

/* Takes a tensor's gradient through its post, from `grad` to d (one plane a slot). */
static void post_backward(struct nsw_engine *e, int t, int producer, int group, int count,
                          struct nsw_plane (*target)(const struct nsw_engine *, int producer, int t, int slot)) {
  const struct nsw_tensor *x = &e->net->tensor[t];
  int step = e->mode == NSW_NORM_BATCH ? count : 1, col = e->plan.tensor[t].col;
  for (int first = 0; first < count; first += step) {
    if (x->norm) gradient_means(e, t, group, first, first + step);
    for (int s = first; s < first + step; s++) {
      struct nsw_input in = input_of(e, t, s);
      e->pixel->norm_backward(&in, grad_plane(e, t, s), e->scratch.p, e->scratch.p + col, target(e, producer, t, s));
    }
  }
}

static struct nsw_plane to_dy(const struct nsw_engine *e, int producer, int t, int slot) {
  (void)t;
  return dy_plane(e, &e->net->layer[producer], &e->plan.layer[producer].conv, slot);
}

static struct nsw_plane in_place(const struct nsw_engine *e, int producer, int t, int slot) {
  (void)producer;
  return grad_plane(e, t, slot);
}

/* dw, one block of output channels after the other, so that it stays in cache while the group's images pass. */
static void weights_backward(struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_plan *c, int first,
                             int count) {
  struct nsw_conv_pass one = c->weights;
  size_t block = c->dw_size / (size_t)one.blocks;
  one.blocks = 1;
  for (int b = 0; b < c->weights.blocks; b++)
    for (int s = 0; s < count; s++) {
      const float *x = l->src == 0 ? image_pixels(e, first + s) : value_plane(e, l->src, s).p;
      e->wgrad(&one, x, dy_plane(e, l, c, s).p + b * NSW_BLOCK, e->grads.p + c->dw + (size_t)b * block);
    }
}

/* dx, likewise. */
static void input_backward(struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_plan *c, int count) {
  for (int k = 0; k < c->backs; k++) {
    struct nsw_conv_pass one = c->back[k];
    size_t block = c->wb_size / (size_t)one.blocks;
    one.blocks = 1;
    for (int b = 0; b < c->back[k].blocks; b++)
      for (int s = 0; s < count; s++)
        e->conv(&one, dy_plane(e, l, c, s).p, e->weights.p + c->wb + (size_t)b * block,
                grad_plane(e, l->src, s).p + c->back_y[k] + b * NSW_BLOCK);
  }
}

static void conv_backward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_plan *c = &e->plan.layer[i].conv;
  double since = e->timed ? now() : 0;
  if (!c->dy_is_grad) post_backward(e, l->dst, i, first, count, to_dy);
  account(e, NSW_WORK_NORM, &since);
  for (int s = 0; s < count; s++) {
    const float *x = l->src == 0 ? image_pixels(e, first + s) : value_plane(e, l->src, s).p;
    struct nsw_plane dy = dy_plane(e, l, c, s);
    if (c->dy_frame) nsw_clear_frame(dy);
    if (e->probe.count) probe_conv(e, i, first + s, x, dy.p);
  }
  weights_backward(e, l, c, first, count);
  input_backward(e, l, c, count);
  account(e, l->kernel == 3 ? NSW_WORK_CONV3 : NSW_WORK_CONV1, &since);
}

static void combine_backward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_layer_plan *p = &e->plan.layer[i];
  double since = e->timed ? now() : 0;
  if (l->dst >= 0 && (e->net->tensor[l->dst].norm || e->net->tensor[l->dst].relu))
    post_backward(e, l->dst, i, first, count, in_place);
  account(e, NSW_WORK_NORM, &since);
  for (int s = 0; s < count; s++) {
    struct nsw_plane g = {0};
    if (l->dst >= 0) g = grad_plane(e, l->dst, s);
    if (l->relu_dst >= 0) {
      struct nsw_plane gr = grad_plane(e, l->relu_dst, s), d = l->dst >= 0 ? g : gr;
      e->pixel->relu_backward(g, value_plane(e, l->relu_dst, s), gr, d);
      g = d;
    }
    for (int k = 0; k < l->terms; k++)
      if (!p->shared[k]) e->pixel->spread(g, l->first, l->count, grad_plane(e, l->term[k], s), p->add[k]);
  }
  account(e, NSW_WORK_COMBINE, &since);
}

static void pool_backward(struct nsw_engine *e, int i, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_pixel_kernels *k = e->pixel;
  nsw_pool_backward_fn *pool[NSW_LAYER_KINDS] = {
      NULL, NULL, k->avgpool3_backward, k->maxpool3_backward, k->avgpool2_backward, k->maxpool2_backward};
  double since = e->timed ? now() : 0;
  for (int s = 0; s < count; s++)
    pool[l->kind](grad_plane(e, l->dst, s), grad_plane(e, l->src, s), which_of(e, i, s), e->plan.layer[i].add[0]);
  account(e, NSW_WORK_POOL, &since);
}

static void layer_backward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  if (l->kind == NSW_LAYER_CONV)
    conv_backward(e, i, first, count);
  else if (l->kind == NSW_LAYER_COMBINE)
    combine_backward(e, i, first, count);
  else
    pool_backward(e, i, count);
}

static void run_group(struct nsw_engine *e, int first, int count, bool backward, bool stem, bool stem_kept) {
  if (stem && stem_kept) copy_stem(e, first, count, false);
  for (int i = stem && stem_kept ? 1 : 0; i < e->net->layers; i++) {
    layer_forward(e, i, first, count);
    if (i == 0 && stem && e->stem.image) copy_stem(e, first, count, true);
  }
  double since = e->timed ? now() : 0;
  for (int s = 0; s < count; s++) {
    head_image(e, first + s, s);
    if (backward) head_backward(e, first + s, s);
    if (backward && e->probe.count) probe_head(e, first + s);
  }
  account(e, NSW_WORK_HEAD, &since);
  for (int i = e->net->layers - 1; backward && i >= 0; i--) layer_backward(e, i, first, count);
}

void nsw_engine_run(struct nsw_engine *e, bool backward) {
  bool stem = stem_fits(e), kept = stem && stem_ready(e);
  for (int first = 0; first < e->images; first += e->slots) {
    int count = e->images - first < e->slots ? e->images - first : e->slots;
    run_group(e, first, count, backward, stem, kept);
  }
  if (stem && e->stem.image) e->stem.valid = true;
  if (backward) head_gradient(e);
}

/* ---- results ---- */

const float *nsw_engine_logits(const struct nsw_engine *e) { return e->logits.p; }
const double *nsw_engine_losses(const struct nsw_engine *e) { return e->losses; }

void nsw_engine_weights(const struct nsw_engine *e, int param, float *out) {
  nsw_param_fill(&e->net->param[param], e->seed, out);
}

/* The summed gradient of a gamma or beta; NULL for other and dead parameters. */
static const float *norm_gradient(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  bool beta = p->kind == NSW_PARAM_BETA;
  if (!p->live || (p->kind != NSW_PARAM_GAMMA && !beta)) return NULL;
  for (int t = 0; t < e->net->tensors; t++)
    if (e->net->tensor[t].gamma == param - beta)
      return e->norm_grads.p + e->plan.tensor[t].stats + (beta ? e->plan.tensor[t].col : 0);
  return NULL;
}

void nsw_engine_gradient(const struct nsw_engine *e, int param, float *out) {
  const struct nsw_param *p = &e->net->param[param];
  const float *norm = norm_gradient(e, param);
  size_t size = nsw_param_size(p);
  memset(out, 0, size * sizeof *out);
  if (norm) memcpy(out, norm, size * sizeof *out);
  if (p->kind == NSW_PARAM_LINEAR) memcpy(out, head_grad(e), size * sizeof *out);
  if (p->kind == NSW_PARAM_BIAS) memcpy(out, head_grad(e) + (head_size(e->net) - size), size * sizeof *out);
  if (p->kind != NSW_PARAM_CONV || !p->live) return;
  const struct nsw_conv_plan *c = &e->plan.layer[p->layer].conv;
  size_t in = (size_t)p->shape[1], depth = (size_t)nsw_conv_depth(p->shape[1]), taps = (size_t)c->weights.w_taps;
  const float *dw = e->grads.p + c->dw;
  for (size_t o = 0; o < (size_t)p->shape[0]; o++)
    for (size_t i = 0; i < in; i++)
      for (size_t t = 0; t < taps; t++)
        *out++ = dw[((o / NSW_BLOCK * taps + t) * depth + i) * NSW_BLOCK + o % NSW_BLOCK];
}

double nsw_engine_gradient_square(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  const float *from = head_grad(e);
  size_t size = nsw_param_size(p);
  if (p->kind == NSW_PARAM_BIAS) from += head_size(e->net) - size;
  if (p->kind == NSW_PARAM_CONV && p->live) {
    from = e->grads.p + e->plan.layer[p->layer].conv.dw;
    size = e->plan.layer[p->layer].conv.dw_size; /* padding is zero */
  } else if (p->kind != NSW_PARAM_LINEAR && p->kind != NSW_PARAM_BIAS) {
    return 0;
  }
  double sum = 0;
  for (size_t i = 0; i < size; i++) sum += (double)from[i] * from[i];
  return sum;
}

const double *nsw_engine_seconds(struct nsw_engine *e) {
  e->timed = true;
  return e->seconds;
}

size_t nsw_engine_bytes(const struct nsw_engine *e) {
  return sizeof(float) * ((size_t)e->slots * (e->plan.slot + e->plan.stats) + e->plan.weights + e->plan.grads +
                          2 * head_size(e->net) + (size_t)e->images * e->input_image + e->stem.y.size);
}
