#include <stdlib.h>

#include "base/memory.h"
#include "net/engine_state.h"

const char *const nsw_work_names[NSW_WORKS] = {"conv 3x3", "conv 1x1", "norm", "combine", "pool", "head", "bind"};

int nsw_engine_create(enum nsw_isa isa, struct nsw_engine **engine, struct nsw_error *err) {
  struct nsw_engine *e = calloc(1, sizeof *e);
  if (!e) return nsw_no_memory(err, "an engine");
  e->isa = isa;
  e->conv = NSW_DISPATCH(isa, nsw_conv);
  e->wgrad = NSW_DISPATCH(isa, nsw_conv_wgrad);
  e->conv_probe = NSW_DISPATCH(isa, nsw_conv_probe);
  e->abreast_conv = NSW_DISPATCH(isa, nsw_abreast_conv);
  e->abreast_wgrad = NSW_DISPATCH(isa, nsw_abreast_wgrad);
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
  struct nsw_floats *blocks[] = {&e->arena,   &e->stats,   &e->packed,   &e->grads,  &e->norm_grads,
                                 &e->affines, &e->moments, &e->sums,     &e->dy,     &e->head,
                                 &e->tiles,   &e->scratch, &e->features, &e->slopes, &e->logits};
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) nsw_floats_free(blocks[i]);
  free(e->losses);
  free(e->taken);
  free(e->coefficients);
  nsw_placement_free(&e->place);
  free(e);
  *engine = NULL;
}

/* ---- binding ---- */

static bool wants(const struct nsw_engine *e, unsigned wanted) { return (e->run.wanted & wanted) != 0; }

/* Images in a group: enough to share a fetch of the weights, and few enough that a layer's input and output stay in the
 * third cache (src/net/NOTES.md). */
static void choose_slots(struct nsw_engine *e) {
  bool couples = e->run.norm == NSW_NORM_BATCH || e->run.norm == NSW_NORM_NONE;
  unsigned together = NSW_WANT_IMAGE_GRADS | NSW_WANT_TENSOR_GRADS | NSW_WANT_AGAIN | NSW_WANT_TOGETHER;
  int slots = e->run.group > 0 ? e->run.group : NSW_PIECE;
  if (couples || wants(e, together) || slots > e->images) slots = e->images;
  e->slots = wants(e, NSW_WANT_TANGENT) ? 2 * slots : slots;
  e->piece = e->place.abreast ? NSW_PIECE_ABREAST : NSW_PIECE;
  e->stats_step = e->run.norm == NSW_NORM_SAMPLE || wants(e, NSW_WANT_TANGENT) ? e->place.stats : 0;
}

/* Room for losses, for the powers of two taken out at cells, and for the coefficients' gradients. */
static bool reserve_lists(struct nsw_engine *e) {
  if (e->images > e->losses_room) {
    free(e->losses);
    e->losses = calloc((size_t)e->images, sizeof *e->losses);
    e->losses_room = e->losses ? e->images : 0;
  }
  if (e->net->cells > e->taken_room) {
    free(e->taken);
    e->taken = calloc((size_t)e->net->cells, sizeof *e->taken);
    e->taken_room = e->taken ? e->net->cells : 0;
  }
  if (e->net->coefficients > e->coefficients_room) {
    free(e->coefficients);
    e->coefficients = calloc((size_t)e->net->coefficients, sizeof *e->coefficients);
    e->coefficients_room = e->coefficients ? e->net->coefficients : 0;
  }
  return (e->losses || !e->images) && (e->taken || !e->net->cells) && (e->coefficients || !e->net->coefficients);
}

/* Slots of the arena: one for each image of a group, or for each piece of images that lie side by side. */
static size_t arena_slots(const struct nsw_engine *e) {
  return e->place.abreast ? (size_t)((e->slots + e->piece - 1) / e->piece) : (size_t)e->slots;
}

static size_t largest_param(const struct nsw_net *net) {
  size_t most = 0;
  for (int p = 0; p < net->params; p++)
    if (nsw_param_size(&net->param[p]) > most) most = nsw_param_size(&net->param[p]);
  return most;
}

static int reserve(struct nsw_engine *e, struct nsw_error *err) {
  const struct nsw_net *net = e->net;
  size_t sums = 4 * (size_t)e->place.widest, largest = largest_param(net), slots = (size_t)e->slots;
  size_t n = (size_t)e->images * (wants(e, NSW_WANT_TANGENT) ? 2 : 1);
  bool batch = e->run.norm == NSW_NORM_BATCH, moments = batch || e->run.norm == NSW_NORM_RUNNING;
  struct {
    struct nsw_floats *block;
    size_t floats;
  } needs[] = {{&e->arena, arena_slots(e) * e->place.slot + NSW_ALIGN},
               {&e->stats, (e->stats_step ? slots : 1) * e->place.stats + NSW_ALIGN},
               {&e->packed, e->place.weights + NSW_ALIGN},
               {&e->grads, e->place.grads + NSW_ALIGN},
               {&e->norm_grads, e->place.stats + NSW_ALIGN},
               {&e->affines, e->affine ? e->place.stats + NSW_ALIGN : 0},
               {&e->moments, moments ? e->place.stats + NSW_ALIGN : 0},
               {&e->sums, batch ? e->place.stats + NSW_ALIGN : 0},
               {&e->dy, batch ? (size_t)e->piece * e->place.dy + NSW_ALIGN : 0},
               {&e->head, 2 * head_size(net)},
               {&e->scratch, (sums > largest ? sums : largest) + NSW_ALIGN},
               {&e->tiles, e->place.wino},
               {&e->features, n * (size_t)(net->feature_channels + NSW_BLOCK)},
               {&e->slopes, n * (size_t)net->classes},
               {&e->logits, n * (size_t)net->classes}};
  double more = 0;
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
    if (needs[i].floats > needs[i].block->size) more += 4.0 * (double)(needs[i].floats - needs[i].block->size);
  bool ok = nsw_memory_holds(more) && reserve_lists(e);
  for (size_t i = 0; ok && i < sizeof needs / sizeof *needs; i++) ok = nsw_floats_need(needs[i].block, needs[i].floats);
  return ok ? NSW_OK
            : nsw_fail(
                  err,
                  "not enough memory for a network of %.1f million weights: %.0f MB needed with %d images at a time",
                  (double)e->place.weights / 2e6, more / 1e6, e->slots);
}

static int check_batch(const struct nsw_net *net, const struct nsw_batch *batch, struct nsw_error *err) {
  if (net->resolution != batch->size)
    return nsw_usage(err, "the network takes images of %d x %d, and these have %d x %d", net->resolution,
                     net->resolution, batch->size, batch->size);
  for (int i = 0; i < batch->images; i++)
    if (batch->labels[i] < 0 || batch->labels[i] >= net->classes)
      return nsw_usage(err, "image %d has the label %d, and the network has %d classes", i, (int)batch->labels[i],
                       net->classes);
  return NSW_OK;
}

/* Whether a batch goes through in pieces, as images side by side do; see in_pieces. */
static bool is_large(const struct nsw_engine *e) { return e->run.norm == NSW_NORM_BATCH && e->images > 4 * NSW_PIECE; }

/* Images fill whole blocks, so that no lanes have to be left out of sums. */
static bool may_lie_abreast(const struct nsw_engine *e) {
  return e->run.wanted == (NSW_WANT_WEIGHT_GRADS | NSW_WANT_ABREAST) && is_large(e) && e->images % NSW_QUADS == 0;
}

static int place(struct nsw_engine *e, struct nsw_error *err) {
  unsigned back = NSW_WANT_WEIGHT_GRADS | NSW_WANT_IMAGE_GRADS | NSW_WANT_TENSOR_GRADS | NSW_WANT_TANGENT;
  struct nsw_placement_wish wish = {.again = wants(e, NSW_WANT_AGAIN),
                                    .images = wants(e, NSW_WANT_IMAGE_GRADS),
                                    .back = wants(e, back),
                                    .weights = wants(e, NSW_WANT_WEIGHT_GRADS | NSW_WANT_TANGENT),
                                    .affine = e->affine,
                                    .abreast = may_lie_abreast(e) ? NSW_PIECE_ABREAST : 0};
  nsw_placement_free(&e->place);
  return nsw_placement_make(e->net, wish, &e->place, err);
}

static bool is_affine(const struct nsw_weights *weights, struct nsw_run run) {
  return run.norm != NSW_NORM_NONE && nsw_weights_affine(weights);
}

int nsw_engine_bind(struct nsw_engine *e, const struct nsw_net *net, const struct nsw_weights *weights,
                    struct nsw_batch *batch, struct nsw_run run, struct nsw_error *err) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  int status = check_batch(net, batch, err);
  if (status) return status;
  bool affine = is_affine(weights, run);
  if (run.wanted & NSW_WANT_TANGENT && (run.norm != NSW_NORM_BATCH || affine))
    return nsw_usage(err, "tangents want normalisation by batch with gamma 1 and beta 0");
  if (run.wanted & NSW_WANT_TANGENT && net->coefficients)
    return nsw_usage(err, "tangents go through no coefficients of operations");
  e->net = net;
  e->weights = weights;
  e->batch = batch;
  e->run = run;
  e->images = batch->images;
  e->affine = affine;
  e->probe = (struct probe){0};
  status = place(e, err);
  if (status) return status;
  choose_slots(e);
  status = reserve(e, err);
  if (status) return status;
  nsw_engine_pack(e);
  nsw_engine_clear(e);
  nsw_engine_account(e, NSW_WORK_BIND, &since);
  return NSW_OK;
}

int nsw_engine_show(struct nsw_engine *e, struct nsw_batch *batch, struct nsw_error *err) {
  int status = check_batch(e->net, batch, err);
  if (status) return status;
  bool same = e->images == batch->images;
  if (!same && wants(e, NSW_WANT_ABREAST)) return nsw_engine_bind(e, e->net, e->weights, batch, e->run, err);
  e->batch = batch;
  e->images = batch->images;
  if (same) return NSW_OK;
  choose_slots(e);
  return reserve(e, err);
}

int nsw_engine_reweigh(struct nsw_engine *e, const struct nsw_weights *weights, struct nsw_error *err) {
  double since = e->timed ? nsw_thread_seconds() : 0;
  if (is_affine(weights, e->run) != e->affine)
    return nsw_engine_bind(e, e->net, weights, e->batch, e->run, err); /* statistics need other room */
  e->weights = weights;
  nsw_engine_pack(e);
  nsw_engine_account(e, NSW_WORK_BIND, &since);
  return NSW_OK;
}

void nsw_engine_clear(struct nsw_engine *e) {
  memset(head_grad(e), 0, head_size(e->net) * sizeof(float));
  memset(e->grads.p, 0, e->place.grads * sizeof(float));
  memset(e->norm_grads.p, 0, e->place.stats * sizeof(float));
  for (int k = 0; k < e->net->coefficients; k++) e->coefficients[k] = 0;
}

void nsw_engine_probe(struct nsw_engine *e, const int *param, int count, int elements, float *out) {
  e->probe = (struct probe){.param = param, .count = count, .elements = elements, .out = out};
  memset(out, 0, (size_t)e->images * (size_t)count * (size_t)elements * sizeof *out);
}

/* ---- running ---- */

/* Whether images can go through in pieces, several layers at a time: nobody looks on, and there are enough of them. Few
 * do better where 1x1 convolutions share what they read (src/net/NOTES.md). */
static bool in_pieces(const struct nsw_engine *e) { return is_large(e) && !e->observe && !e->probe.count; }

static void forward(struct nsw_engine *e, int first, int count, bool stem) {
  if (in_pieces(e))
    nsw_forward_pieces(e);
  else
    nsw_forward_group(e, first, count, stem);
}

static void back(struct nsw_engine *e, int first, int count, bool weights) {
  if (in_pieces(e))
    nsw_backward_pieces(e, weights);
  else
    nsw_backward_group(e, first, count, weights);
}

static void run_groups(struct nsw_engine *e, bool backward) {
  bool stem = nsw_forward_stem(e);
  e->exponent = 0;
  memset(e->taken, 0, (size_t)e->taken_room * sizeof *e->taken);
  for (int first = 0; first < e->images; first += e->slots) {
    int count = e->images - first < e->slots ? e->images - first : e->slots;
    forward(e, first, count, stem);
    if (backward) back(e, first, count, true);
  }
  if (stem) e->batch->stem.valid = true;
  if (backward) nsw_backward_head(e);
}

void nsw_engine_run(struct nsw_engine *e) { run_groups(e, wants(e, NSW_WANT_WEIGHT_GRADS)); }

void nsw_engine_forward(struct nsw_engine *e) { run_groups(e, false); }

void nsw_engine_backward(struct nsw_engine *e, const float *slopes, unsigned wanted) {
  bool weights = (wanted & NSW_WANT_WEIGHT_GRADS) != 0;
  if (slopes) memcpy(e->slopes.p, slopes, (size_t)e->images * (size_t)e->net->classes * sizeof *slopes);
  back(e, 0, e->images, weights);
  if (weights) nsw_backward_head(e);
}

void nsw_engine_backward_features(struct nsw_engine *e, const float *gradient) {
  e->features_grad = gradient;
  back(e, 0, e->images, true);
  e->features_grad = NULL;
}

void nsw_engine_observe(struct nsw_engine *e, nsw_observe_fn *observe, void *with) {
  e->observe = observe;
  e->with = with;
}

/* ---- results ---- */

int nsw_engine_exponent(const struct nsw_engine *e) { return e->exponent; }
int nsw_engine_images(const struct nsw_engine *e) { return e->images; }
const struct nsw_net *nsw_engine_net(const struct nsw_engine *e) { return e->net; }
const struct nsw_weights *nsw_engine_weights(const struct nsw_engine *e) { return e->weights; }
const float *nsw_engine_logits(const struct nsw_engine *e) { return e->logits.p; }
const double *nsw_engine_losses(const struct nsw_engine *e) { return e->losses; }
const float *nsw_engine_slopes(const struct nsw_engine *e) { return e->slopes.p; }
const double *nsw_engine_coefficients(const struct nsw_engine *e) { return e->coefficients; }
const float *nsw_engine_features(const struct nsw_engine *e) { return e->features.p; }

const double *nsw_engine_seconds(struct nsw_engine *e) {
  e->timed = true;
  return e->seconds;
}

size_t nsw_engine_bytes(const struct nsw_engine *e) {
  return sizeof(float) * (arena_slots(e) * e->place.slot + (e->stats_step ? (size_t)e->slots : 1) * e->place.stats +
                          e->place.weights + e->place.grads + e->place.wino + 2 * head_size(e->net) +
                          (size_t)e->images * nsw_batch_image(e->batch->size) + e->batch->stem.y.size);
}
