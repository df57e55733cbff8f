/* The engine's way forward. */
#include <cblas.h>
#include <math.h>

#include "net/engine_state.h"

static void direct_forward(struct nsw_engine *e, const struct nsw_layer *l, const struct nsw_conv_place *c, int first,
                           int slot, int count) {
  for (int s = 0; s < count; s++) {
    const float *x = l->src == 0 ? image_pixels(e, first + s) : value_plane(e, l->src, slot + s).p;
    e->conv(&c->forward, x, e->packed.p + c->w, value_plane(e, l->dst, slot + s).p);
  }
}

void nsw_forward_conv(struct nsw_engine *e, int i, int first, int slot, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_conv_place *c = &e->place.layer[i].conv;
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (e->place.abreast && !c->wino) {
    nsw_abreast_forward(e, i, slot, count);
  } else if (c->wino) {
    struct nsw_wino_pass pass = nsw_wino_pass_of(&c->forward, count, value_step(e, l->src), value_step(e, l->dst));
    e->wino_conv(&pass, c->tile[0], value_plane(e, l->src, slot).p, e->packed.p + c->w, value_plane(e, l->dst, slot).p,
                 e->tiles.p);
  } else {
    direct_forward(e, l, c, first, slot, count);
  }
  nsw_engine_account(e, l->kernel == 3 ? NSW_WORK_CONV3 : NSW_WORK_CONV1, &since);
}

/* Whether a sum fills all channels of what it makes from tensors of as many: what fills up their blocks is zero in all
 * of them, as read too, and may be added up like the rest. */
static bool whole_blocks(const struct nsw_net *net, const struct nsw_layer *l, int made) {
  bool whole = l->first == 0 && l->count == net->tensor[made].channels;
  for (int k = 0; k < l->terms; k++) whole = whole && net->tensor[l->term[k]].channels == l->count;
  return whole;
}

void nsw_forward_combine(struct nsw_engine *e, int i, int slot, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  double since = e->timed ? nsw_thread_seconds() : 0;
  int made = l->dst >= 0 ? l->dst : l->relu_dst, col = e->place.tensor[made].col;
  bool whole = whole_blocks(e->net, l, made);
  const int abreast = abreast_of(e, made);
  for (int s = slot / abreast; s < (slot + count) / abreast; s++) {
    struct nsw_combine m = {.inputs = l->terms, .first = l->first, .count = whole ? col : l->count};
    for (int k = 0; k < l->terms; k++) m.input[k] = input_of(e, l->term[k], s);
    if (l->dst >= 0) m.dst = value_plane(e, l->dst, s);
    if (l->relu_dst >= 0) m.relu = value_plane(e, l->relu_dst, s);
    if (!whole && l->first + l->count == e->net->tensor[made].channels) m.pad = col - e->net->tensor[made].channels;
    e->pixel->combine(&m);
    if (l->dst >= 0 && e->place.tensor[l->dst].frame && l->first == 0) nsw_clear_frame(m.dst);
    if (l->relu_dst >= 0 && e->place.tensor[l->relu_dst].frame) nsw_clear_frame(m.relu);
  }
  nsw_engine_account(e, NSW_WORK_COMBINE, &since);
}

/* y = x times a coefficient. */
static void scale(struct nsw_plane x, float factor, struct nsw_plane y) {
  for (int h = 0; h < x.size; h++)
    for (int i = 0; i < x.size * x.col; i++) y.p[h * y.row + i] = factor * x.p[h * x.row + i];
}

void nsw_forward_pool(struct nsw_engine *e, int i, int slot, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  const struct nsw_pixel_kernels *k = e->pixel;
  nsw_pool_fn *pool[NSW_LAYER_KINDS] = {NULL, NULL, k->avgpool3, k->maxpool3, k->avgpool2, k->maxpool2, NULL};
  double since = e->timed ? nsw_thread_seconds() : 0;
  const int abreast = abreast_of(e, l->dst);
  for (int s = slot / abreast; s < (slot + count) / abreast; s++) {
    struct nsw_plane y = value_plane(e, l->dst, s);
    if (l->kind == NSW_LAYER_SCALE)
      scale(value_plane(e, l->src, s), l->factor, y);
    else
      pool[l->kind](value_plane(e, l->src, s), y, which_of(e, i, s));
    if (e->place.tensor[l->dst].frame) nsw_clear_frame(y);
  }
  nsw_engine_account(e, NSW_WORK_POOL, &since);
}

/* The stem is layer 0 of every network, from the same weights: its output is kept for all images of the batch. */
static bool stem_fits(const struct nsw_engine *e) {
  const struct nsw_net *net = e->net;
  return net->layers > 0 && net->layer[0].kind == NSW_LAYER_CONV && net->layer[0].src == 0 &&
         net->tensor[net->layer[0].dst].norm && e->run.norm == NSW_NORM_SAMPLE && !e->affine &&
         !e->place.tensor[net->layer[0].dst].frame;
}

bool nsw_forward_stem(struct nsw_engine *e) {
  struct nsw_stem *stem = &e->batch->stem;
  uint64_t seed = 0;
  if (!stem_fits(e) || !nsw_weights_own(e->weights, e->net->layer[0].param, &seed)) return false;
  const struct nsw_layer *l = &e->net->layer[0];
  const struct nsw_tensor_place *p = &e->place.tensor[l->dst];
  size_t image = (size_t)p->row * (size_t)e->net->tensor[l->dst].size;
  uint64_t key = e->net->param[l->param].key;
  if (stem->valid && stem->image == image && stem->key == key && stem->seed == seed) return true;
  stem->valid = false;
  stem->image = image;
  stem->key = key;
  stem->seed = seed;
  return nsw_floats_need(&stem->y, (size_t)e->images * image) &&
         nsw_floats_need(&stem->stats, (size_t)e->images * 2 * (size_t)p->col); /* else computed every time */
}

/* Brings the kept stem into the group's slots, or keeps what was just computed there. */
static void copy_stem(struct nsw_engine *e, int first, int count, bool keep) {
  const struct nsw_stem *stem = &e->batch->stem;
  int t = e->net->layer[0].dst;
  size_t stats = 2 * (size_t)e->place.tensor[t].col;
  for (int s = 0; s < count; s++) {
    float *y = stem->y.p + (size_t)(first + s) * stem->image, *kept = stem->stats.p + (size_t)(first + s) * stats;
    float *here = value_plane(e, t, s).p, *here_stats = stats_of(e, t, s);
    memcpy(keep ? y : here, keep ? here : y, stem->image * sizeof(float));
    memcpy(keep ? kept : here_stats, keep ? here_stats : kept, stats * sizeof(float));
  }
}

/* Which cell's output the layer has just finished; -1: none. A cell that hands on its input is not counted again. */
static int cell_made(const struct nsw_net *net, int layer) {
  for (int i = 0; i < net->cells; i++)
    if (net->tensor[net->cell[i]].producer == layer) return i;
  return -1;
}

/* As integers, whose order is that of the numbers, so that compilers vectorise it; all that is not a number is above.
 */
static float largest(struct nsw_plane x, float top) {
  int32_t most, bits;
  memcpy(&most, &top, sizeof most);
  for (int h = 0; h < x.size; h++)
    for (int i = 0; i < x.size * x.col; i++) {
      memcpy(&bits, x.p + h * x.row + i, sizeof bits);
      bits &= INT32_MAX;
      most = bits > most ? bits : most;
    }
  memcpy(&top, &most, sizeof top);
  return top;
}

/* Without normalisation values grow by orders of magnitude a cell. All that follows reads the cell's output alone, so a
 * power of two taken out of it scales the logits and every gradient, exactly. */
static void take_out(struct nsw_engine *e, int layer, int count) {
  const struct nsw_layer *l = &e->net->layer[layer];
  int cell = cell_made(e->net, layer), made[2] = {l->dst, l->relu_dst}, power = 0;
  if (cell < 0) return;
  float top = 0;
  for (int k = 0; k < 2; k++)
    for (int s = 0; s < count && made[k] >= 0; s++) top = largest(value_plane(e, made[k], s), top);
  if (top > 0 && isfinite(top)) (void)frexpf(top, &power);
  for (int k = 0; k < 2; k++)
    for (int s = 0; s < count && made[k] >= 0; s++) nsw_plane_scale(value_plane(e, made[k], s), ldexpf(1.0f, -power));
  e->taken[cell] = power;
  e->exponent += power;
}

void nsw_forward_layer(struct nsw_engine *e, int i, int first, int slot, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  if (l->kind == NSW_LAYER_CONV)
    nsw_forward_conv(e, i, first, slot, count);
  else if (l->kind == NSW_LAYER_COMBINE)
    nsw_forward_combine(e, i, slot, count);
  else
    nsw_forward_pool(e, i, slot, count);
}

/* Whether a convolution goes forward together with its lead. Normalised by sample, its few images are in cache when it
 * is done, and their statistics and sum are worth more than its input's. */
static bool goes_together(const struct nsw_engine *e, int i) {
  return e->net->layer[i].kind == NSW_LAYER_CONV && e->place.layer[i].conv.lead >= 0 && e->run.norm != NSW_NORM_SAMPLE;
}

static void layer_forward(struct nsw_engine *e, int i, int first, int count) {
  const struct nsw_layer *l = &e->net->layer[i];
  if (!goes_together(e, i))
    nsw_forward_layer(e, i, first, 0, count);
  else if (e->place.layer[i].conv.lead == i)
    nsw_forward_together(e, i, 0, count);
  if (e->run.norm == NSW_NORM_NONE) take_out(e, i, count);
  nsw_forward_norm(e, l->dst, count);
  if (e->observe) e->observe(e->with, e, i, NSW_AFTER_LAYER);
}

/* ---- head ---- */

/* Logits, loss and the slope of the loss, of one image. */
void nsw_forward_head(struct nsw_engine *e, int image, int slot) {
  const struct nsw_net *net = e->net;
  size_t n = (size_t)image, classes = (size_t)net->classes, channels = (size_t)net->feature_channels;
  float *feature = e->features.p + n * channels, *logit = e->logits.p + n * classes, *slope = e->slopes.p + n * classes;
  memset(feature, 0, channels * sizeof *feature);
  if (net->features >= 0) {
    const int abreast = abreast_of(e, net->features);
    struct nsw_view in = input_of(e, net->features, slot / abreast);
    e->pixel->average(&in, e->scratch.p);
    memcpy(feature, e->scratch.p + slot % abreast * (NSW_BLOCK / abreast), channels * sizeof *feature);
  }
  memcpy(logit, head_bias(e), classes * sizeof *logit);
  cblas_sgemv(CblasRowMajor, CblasNoTrans, net->classes, net->feature_channels, 1.0f, e->head.p, net->feature_channels,
              feature, 1, 1.0f, logit, 1);
  double top = logit[0], sum = 0;
  for (size_t k = 1; k < classes; k++) top = logit[k] > top ? logit[k] : top;
  for (size_t k = 0; k < classes; k++) sum += exp(logit[k] - top);
  e->losses[image] = log(sum) + top - logit[e->batch->labels[image]];
  for (size_t k = 0; k < classes; k++) slope[k] = (float)(exp(logit[k] - top) / sum);
  slope[e->batch->labels[image]] -= 1.0f;
}

void nsw_forward_group(struct nsw_engine *e, int first, int count, bool stem) {
  bool kept = stem && e->batch->stem.valid;
  if (kept) copy_stem(e, first, count, false);
  for (int i = kept; i < e->net->layers; i++) {
    layer_forward(e, i, first, count);
    if (i == 0 && stem) copy_stem(e, first, count, true);
  }
  double since = e->timed ? nsw_thread_seconds() : 0;
  for (int s = 0; s < count; s++) nsw_forward_head(e, first + s, s);
  nsw_engine_account(e, NSW_WORK_HEAD, &since);
}
