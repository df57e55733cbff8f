#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/engine_state.h"

const char *const nsw_work_names[NSW_WORKS] = {"conv 3x3", "conv 1x1", "norm", "combine", "pool", "head", "load"};

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 }; /* bytes */

/* ---- memory ---- */

static void free_block(struct block *b) {
  free(b->p);
  *b = (struct block){0};
}

/* Large blocks ask for huge pages: fewer address translations, and lines of one page never compete for the same places
 * of the second cache, as those of small pages strewn over memory do (src/net/NOTES.md). */
bool nsw_block_need(struct block *b, size_t floats) {
  if (floats <= b->size) return true;
  free_block(b);
  size_t bytes = floats * sizeof(float), align = bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGN;
  bytes = (bytes + align - 1) / align * align;
  b->p = aligned_alloc(align, bytes);
#ifdef MADV_HUGEPAGE
  if (b->p && align == HUGE_PAGE) (void)madvise(b->p, bytes, MADV_HUGEPAGE); /* a wish, which may be refused */
#endif
  b->size = b->p ? floats : 0;
  return b->p != NULL;
}

int nsw_engine_create(enum nsw_isa isa, struct nsw_engine **engine, struct nsw_error *err) {
  struct nsw_engine *e = calloc(1, sizeof *e);
  if (!e) return nsw_fail(err, "out of memory for an engine");
  e->isa = isa;
  e->conv = NSW_DISPATCH(isa, nsw_conv);
  e->wgrad = NSW_DISPATCH(isa, nsw_conv_wgrad);
  e->conv_probe = NSW_DISPATCH(isa, nsw_conv_probe);
  e->wino_weights = NSW_DISPATCH(isa, nsw_wino_weights);
  e->wino_conv = NSW_DISPATCH(isa, nsw_wino_conv);
  e->wino_wgrad = NSW_DISPATCH(isa, nsw_wino_wgrad);
  e->wino_gradient = NSW_DISPATCH(isa, nsw_wino_gradient);
  e->pixel = NSW_DISPATCH(isa, &nsw_pixel);
  e->tangent = NSW_DISPATCH(isa, &nsw_tangent);
  *engine = e;
  return NSW_OK;
}

void nsw_engine_free(struct nsw_engine **engine) {
  struct nsw_engine *e = *engine;
  if (!e) return;
  struct block *blocks[] = {&e->input,      &e->arena,  &e->stats,   &e->weights,    &e->grads,
                            &e->norm_grads, &e->head,   &e->scratch, &e->tiles,      &e->features,
                            &e->slopes,     &e->logits, &e->stem.y,  &e->stem.stats, &e->drawn};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free_block(blocks[i]);
  free(e->labels);
  free(e->losses);
  free(e->taken);
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
  if (!nsw_block_need(&e->input, all) || !e->labels || !e->losses)
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

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* From PyTorch's [out][in][k][k] to the packed form of the way forward, [out / 16][k k][in][16]; padding is zero.
 * Square by square of 16 channels, which stays in the first cache. */
static void pack_forward(const float *from, size_t out, size_t in, size_t taps, float *w) {
  for (size_t first = 0; first < out; first += NSW_BLOCK, w += taps * in * NSW_BLOCK) {
    size_t n = least(out - first, NSW_BLOCK);
    if (n < NSW_BLOCK) memset(w, 0, taps * in * NSW_BLOCK * sizeof *w);
    for (size_t b = 0; b < in; b += NSW_BLOCK)
      for (size_t o = 0; o < n; o++)
        for (size_t i = b; i < least(in, b + NSW_BLOCK); i++)
          for (size_t t = 0; t < taps; t++) w[(t * in + i) * NSW_BLOCK + o] = from[((first + o) * in + i) * taps + t];
  }
}

/* To that of the way back, [in / 16][k k][out][16]. */
static void pack_back(const float *from, size_t out, size_t in, size_t taps, float *w) {
  for (size_t first = 0; first < in; first += NSW_BLOCK, w += taps * out * NSW_BLOCK) {
    size_t n = least(in - first, NSW_BLOCK);
    if (n < NSW_BLOCK) memset(w, 0, taps * out * NSW_BLOCK * sizeof *w);
    for (size_t o = 0; o < out; o++)
      for (size_t t = 0; t < taps; t++)
        for (size_t i = 0; i < n; i++) w[(t * out + o) * NSW_BLOCK + i] = from[(o * in + first + i) * taps + t];
  }
}

/* A parameter's values as this run wants them. */
static void fill(const struct nsw_engine *e, const struct nsw_param *param, float *out) {
  nsw_param_fill(param, e->how.weights, e->how.seed, out);
}

static bool is_live_conv(const struct nsw_param *param) { return param->kind == NSW_PARAM_CONV && param->live; }

/* Weights of live convolutions before a parameter. */
static size_t drawn_before(const struct nsw_net *net, int param) {
  size_t at = 0;
  for (int p = 0; p < param; p++)
    if (is_live_conv(&net->param[p])) at += nsw_param_size(&net->param[p]);
  return at;
}

static void load_weights(struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  float *own = e->drawn.p;
  for (int p = 0; p < net->params; p++) {
    const struct nsw_param *param = &net->param[p];
    if (!is_live_conv(param)) continue;
    float *drawn = e->how.drawn ? own : e->scratch.p;
    own += e->how.drawn ? nsw_param_size(param) : 0;
    fill(e, param, drawn);
    const struct nsw_conv_plan *c = &e->plan.layer[param->layer].conv;
    int out = param->shape[0], in = param->shape[1], taps = c->forward.w_taps;
    float *w = e->weights.p + c->w, *back = c->backs ? e->weights.p + c->wb : NULL;
    if (c->wino) {
      e->wino_weights(drawn, out, in, c->tile[0], w, c->tile[1], back);
      continue;
    }
    pack_forward(drawn, (size_t)out, (size_t)in, (size_t)taps, w);
    if (back) pack_back(drawn, (size_t)out, (size_t)in, (size_t)taps, back);
  }
  fill(e, &net->param[net->head_weight], e->head.p);
  fill(e, &net->param[net->head_bias], head_bias(e));
  nsw_engine_clear(e);
}

void nsw_engine_clear(struct nsw_engine *e) {
  memset(head_grad(e), 0, head_size(e->net) * sizeof(float));
  memset(e->grads.p, 0, e->plan.grads * sizeof(float));
  memset(e->norm_grads.p, 0, e->plan.stats * sizeof(float));
}

/* Images in a group: enough to share a fetch of the weights, and few enough that a layer's input and output stay in the
 * third cache (src/net/NOTES.md). */
static int choose_slots(const struct nsw_engine *e) {
  enum { GROUP = 6 };
  if (e->how.tangent) return 2 * e->images;
  if (e->how.norm != NSW_NORM_SAMPLE || e->how.whole) return e->images;
  int slots = e->how.slots > 0 ? e->how.slots : GROUP;
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
  size_t largest = 4 * (size_t)e->plan.widest, slots = (size_t)e->slots;
  size_t n = (size_t)e->images * (e->how.tangent ? 2 : 1);
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
               {&e->tiles, e->plan.wino},
               {&e->drawn, e->how.drawn ? drawn_before(net, net->params) : 0},
               {&e->features, n * (size_t)(net->feature_channels + NSW_BLOCK)},
               {&e->slopes, n * (size_t)net->classes},
               {&e->logits, n * (size_t)net->classes}};
  double more = 0;
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
    if (needs[i].floats > needs[i].block->size) more += 4.0 * (double)(needs[i].floats - needs[i].block->size);
  bool ok = more < 1e7 || more < available_bytes();
  for (size_t i = 0; ok && i < sizeof needs / sizeof *needs; i++) ok = nsw_block_need(needs[i].block, needs[i].floats);
  return ok ? NSW_OK
            : nsw_fail(
                  err,
                  "not enough memory for a network of %.1f million weights: %.0f MB needed with %d images at a time",
                  (double)e->plan.weights / 2e6, more / 1e6, e->slots);
}

/* Room for the powers of two taken out at cells. */
static bool need_taken(struct nsw_engine *e, int cells) {
  if (cells <= e->taken_room) return true;
  free(e->taken);
  e->taken = calloc((size_t)cells, sizeof *e->taken);
  e->taken_room = e->taken ? cells : 0;
  return e->taken != NULL;
}

int nsw_engine_load(struct nsw_engine *e, const struct nsw_net *net, const struct nsw_load *load,
                    struct nsw_error *err) {
  double since = e->timed ? nsw_engine_now() : 0;
  if (net->resolution != e->size)
    return nsw_usage(err, "the network takes images of %d x %d, and these have %d x %d", net->resolution,
                     net->resolution, e->size, e->size);
  e->net = net;
  if (e->how.seed != load->seed) e->stem.valid = false;
  e->how = *load;
  e->probe = (struct probe){0};
  nsw_plan_free(&e->plan);
  int status = nsw_plan_make(
      net, (struct nsw_plan_wish){.keep = load->keep, .input = load->input, .forward = load->forward}, &e->plan, err);
  if (status != NSW_OK) return status;
  if (!need_taken(e, net->cells)) return nsw_fail(err, "out of memory for the cells of a network");
  e->slots = choose_slots(e);
  if (e->slots < 1) e->slots = 1;
  status = reserve(e, err);
  if (status != NSW_OK) return status;
  load_weights(e);
  nsw_engine_account(e, NSW_WORK_LOAD, &since);
  return NSW_OK;
}

void nsw_engine_probe(struct nsw_engine *e, const int *param, int count, int elements, float *out) {
  e->probe = (struct probe){.param = param, .count = count, .elements = elements, .out = out};
  memset(out, 0, (size_t)e->images * (size_t)count * (size_t)elements * sizeof *out);
}

void nsw_engine_run(struct nsw_engine *e, bool backward) {
  bool stem = nsw_forward_stem(e);
  for (int first = 0; first < e->images; first += e->slots) {
    int count = e->images - first < e->slots ? e->images - first : e->slots;
    nsw_forward_group(e, first, count, stem);
    if (backward) nsw_backward_group(e, first, count, true);
  }
  if (stem) e->stem.valid = true;
  if (backward) nsw_backward_head(e);
}

/* ---- all images as one group ---- */

void nsw_engine_watch(struct nsw_engine *e, nsw_watch_fn *watch, void *with) {
  e->watch = watch;
  e->with = with;
}

void nsw_engine_forward(struct nsw_engine *e) {
  e->exponent = 0;
  memset(e->taken, 0, (size_t)e->taken_room * sizeof *e->taken);
  nsw_forward_group(e, 0, e->images, false);
}

void nsw_engine_backward(struct nsw_engine *e, const float *slopes, bool weights) {
  if (slopes) memcpy(e->slopes.p, slopes, (size_t)e->images * (size_t)e->net->classes * sizeof *slopes);
  nsw_backward_group(e, 0, e->images, weights);
  if (weights) nsw_backward_head(e);
}

struct nsw_view nsw_engine_value(const struct nsw_engine *e, int tensor, int image) {
  return input_of(e, tensor, image);
}

void nsw_engine_values(const struct nsw_engine *e, int tensor, int image, float *out) {
  struct nsw_view x = input_of(e, tensor, image);
  int channels = e->net->tensor[tensor].channels;
  for (int h = 0; h < x.plane.size; h++)
    for (int w = 0; w < x.plane.size; w++, out += channels) {
      const float *p = x.plane.p + h * x.plane.row + w * x.plane.col;
      for (int c = 0; c < channels; c++) out[c] = x.scale ? p[c] * x.scale[c] + x.shift[c] : p[c];
      for (int c = 0; c < channels && x.relu; c++) out[c] = !(out[c] > 0) ? 0.0f : out[c];
    }
}

struct nsw_plane nsw_engine_slope(const struct nsw_engine *e, int layer, int image) {
  return dy_plane(e, &e->net->layer[layer], &e->plan.layer[layer].conv, image);
}

void nsw_engine_input_gradient(const struct nsw_engine *e, int image, float *out) {
  size_t side = (size_t)e->size;
  if (!e->net->layers) {
    memset(out, 0, 3 * side * side * sizeof *out);
    return;
  }
  struct nsw_plane g = grad_plane(e, 0, image);
  for (int c = 0; c < 3; c++)
    for (int h = 0; h < g.size; h++)
      for (int w = 0; w < g.size; w++) *out++ = g.p[h * g.row + w * g.col + c];
}

int nsw_engine_exponent(const struct nsw_engine *e) { return e->exponent; }
int nsw_engine_images(const struct nsw_engine *e) { return e->images; }
const struct nsw_net *nsw_engine_net(const struct nsw_engine *e) { return e->net; }

/* ---- results ---- */

const float *nsw_engine_logits(const struct nsw_engine *e) { return e->logits.p; }
const double *nsw_engine_losses(const struct nsw_engine *e) { return e->losses; }
const float *nsw_engine_slopes(const struct nsw_engine *e) { return e->slopes.p; }

void nsw_engine_weights(const struct nsw_engine *e, int param, float *out) { fill(e, &e->net->param[param], out); }

const float *nsw_engine_drawn(const struct nsw_engine *e, int param) {
  return param == e->net->head_weight ? e->head.p : e->drawn.p + drawn_before(e->net, param);
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

/* The gradient of input channels from i and output channels from o, 16 each, of a convolution by Winograd's kernels. */
static void wino_part(const struct nsw_engine *e, int param, int o, int i,
                      float part[NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK]) {
  const struct nsw_param *p = &e->net->param[param];
  int depth = nsw_conv_blocks(p->shape[1]);
  const struct nsw_conv_plan *c = &e->plan.layer[p->layer].conv;
  size_t at = (size_t)(o / NSW_BLOCK * nsw_wino_square(c->tile[2]) * depth + i / NSW_BLOCK) * NSW_BLOCK * NSW_BLOCK;
  e->wino_gradient(c->tile[2], e->grads.p + c->dw + at, depth, part);
}

static void wino_whole(const struct nsw_engine *e, int param, float *out) {
  const struct nsw_param *p = &e->net->param[param];
  float part[NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK];
  for (int o = 0; o < p->shape[0]; o += NSW_BLOCK)
    for (int i = 0; i < p->shape[1]; i += NSW_BLOCK) {
      wino_part(e, param, o, i, part);
      for (int a = 0; a < NSW_BLOCK && o + a < p->shape[0]; a++)
        for (int b = 0; b < NSW_BLOCK && i + b < p->shape[1]; b++)
          for (int t = 0; t < NSW_MAX_TAPS; t++)
            out[((size_t)(o + a) * (size_t)p->shape[1] + (size_t)(i + b)) * NSW_MAX_TAPS + (size_t)t] =
                part[(t * NSW_BLOCK + b) * NSW_BLOCK + a];
    }
}

static double wino_square(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  float part[NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK];
  double sum = 0;
  for (int o = 0; o < p->shape[0]; o += NSW_BLOCK)
    for (int i = 0; i < p->shape[1]; i += NSW_BLOCK) {
      wino_part(e, param, o, i, part);
      for (int k = 0; k < NSW_MAX_TAPS * NSW_BLOCK * NSW_BLOCK; k++) sum += (double)part[k] * part[k];
    }
  return sum;
}

/* The gradient of a convolution by direct kernels, dw[out / 16][k k][depth][16], square by square. */
static void unpack_direct(const struct nsw_conv_plan *c, const struct nsw_param *p, const float *dw, float *out) {
  size_t outs = (size_t)p->shape[0], in = (size_t)p->shape[1], taps = (size_t)c->weights.w_taps;
  size_t depth = (size_t)nsw_conv_depth(p->shape[1]);
  for (size_t first = 0; first < outs; first += NSW_BLOCK, dw += taps * depth * NSW_BLOCK)
    for (size_t b = 0; b < in; b += NSW_BLOCK)
      for (size_t o = 0; o < least(outs - first, NSW_BLOCK); o++)
        for (size_t i = b; i < least(in, b + NSW_BLOCK); i++)
          for (size_t t = 0; t < taps; t++)
            out[((first + o) * in + i) * taps + t] = dw[(t * depth + i) * NSW_BLOCK + o];
}

void nsw_engine_gradient(const struct nsw_engine *e, int param, float *out) {
  const struct nsw_param *p = &e->net->param[param];
  const float *norm = norm_gradient(e, param);
  size_t size = nsw_param_size(p);
  bool conv = is_live_conv(p);
  if (!conv) memset(out, 0, size * sizeof *out);
  if (norm) memcpy(out, norm, size * sizeof *out);
  if (p->kind == NSW_PARAM_LINEAR) memcpy(out, head_grad(e), size * sizeof *out);
  if (p->kind == NSW_PARAM_BIAS) memcpy(out, head_grad(e) + (head_size(e->net) - size), size * sizeof *out);
  if (!conv) return;
  const struct nsw_conv_plan *c = &e->plan.layer[p->layer].conv;
  if (c->wino) {
    wino_whole(e, param, out);
    return;
  }
  unpack_direct(c, p, e->grads.p + c->dw, out);
}

double nsw_engine_gradient_square(const struct nsw_engine *e, int param) {
  const struct nsw_param *p = &e->net->param[param];
  const float *from = head_grad(e);
  size_t size = nsw_param_size(p);
  if (p->kind == NSW_PARAM_BIAS) from += head_size(e->net) - size;
  if (p->kind == NSW_PARAM_CONV && p->live && e->plan.layer[p->layer].conv.wino) return wino_square(e, param);
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
                          e->plan.wino + 2 * head_size(e->net) + (size_t)e->images * e->input_image + e->stem.y.size);
}
