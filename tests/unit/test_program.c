/* Programs of layers, held to digests of those that version 0.1.0 built of the same architectures: the same layers in
 * the same order over the same tensors, the same parameters by the same names with the same keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "unit.h"

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
  const uint8_t *byte = data;
  for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
  return hash;
}

static uint64_t mix_number(uint64_t hash, int64_t number) { return mix(hash, &number, sizeof number); }

static uint64_t digest_layer(uint64_t h, const struct nsw_layer *l) {
  const int fields[] = {(int)l->kind, l->src,   l->dst,   l->relu_dst, l->kernel,
                        l->stride,    l->param, l->terms, l->first,    l->count};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) h = mix_number(h, fields[i]);
  /* Two terms have the same sum in either order. */
  bool swap = l->terms == 2 && l->term[0] > l->term[1];
  for (int i = 0; i < l->terms; i++) h = mix_number(h, l->term[swap ? 1 - i : i]);
  return h;
}

static uint64_t digest_net(uint64_t h, const struct nsw_net *net) {
  for (int i = 0; i < net->tensors; i++) {
    const struct nsw_tensor *t = &net->tensor[i];
    const int fields[] = {t->channels, t->size, t->norm, t->relu, t->gamma, t->producer, t->readers, t->kept};
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) h = mix_number(h, fields[k]);
  }
  for (int i = 0; i < net->layers; i++) h = digest_layer(h, &net->layer[i]);
  for (int i = 0; i < net->params; i++) {
    const struct nsw_param *p = &net->param[i];
    h = mix(h, p->name, strlen(p->name));
    const int fields[] = {(int)p->kind, p->shape[0], p->shape[1], p->shape[2], p->shape[3],
                          p->rank,      p->layer,    p->live,     (int)p->init};
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) h = mix_number(h, fields[k]);
    h = mix(mix(h, &p->scale, sizeof p->scale), &p->key, sizeof p->key);
  }
  for (int i = 0; i < net->cells; i++) h = mix_number(h, net->cell[i]);
  const int fields[] = {net->features,  net->feature_channels, net->head_weight,
                        net->head_bias, net->classes,          net->resolution};
  for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) h = mix_number(h, fields[k]);
  return h;
}

typedef int build_fn(const struct nsw_space *, uint32_t, const struct nsw_macro *, struct nsw_net **,
                     struct nsw_error *);

static uint64_t digest_space(const char *name, uint32_t step, struct nsw_macro wish) {
  build_fn *const builds[] = {nsw_net_build, nsw_net_build_kept, nsw_net_build_whole};
  uint64_t h = UINT64_C(14695981039346656037);
  struct nsw_space *space;
  assert_int_equal(nsw_space_open(name, &space, NULL), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(space, wish);
  for (uint32_t i = 0; i < nsw_space_count(space); i += step)
    for (int b = 0; b < 3; b++) {
      struct nsw_net *net = NULL;
      assert_int_equal(builds[b](space, i, &macro, &net, NULL), NSW_OK);
      h = digest_net(h, net);
      nsw_net_free(&net);
    }
  nsw_space_close(&space);
  return h;
}

static void builds_what_it_built(void **state) {
  (void)state;
  static const struct {
    const char *space;
    uint32_t step;
    struct nsw_macro wish;
    uint64_t digest;
  } cases[] = {
      {"nb201", 1, {.cells = 2}, UINT64_C(0x21284e0ade9a00ca)},
      {"nb201", 17, {.classes = 100, .resolution = 16, .channels = 9, .cells = 1}, UINT64_C(0x1272d306c9ec76d9)},
      {"nb101", 97, {.cells = 2}, UINT64_C(0xdf78de194cd1f340)},
      {"nb101", 1009, {.classes = 7, .channels = 20}, UINT64_C(0xa2f28e9a9fbcee91)}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t digest = digest_space(cases[i].space, cases[i].step, cases[i].wish);
    if (digest != cases[i].digest)
      fail_msg("%s, every %u: 0x%016llx", cases[i].space, cases[i].step, (unsigned long long)digest);
  }
}

static void gathers_the_units_it_gathered(void **state) {
  (void)state;
  struct nsw_space *space;
  assert_int_equal(nsw_space_open("nb201", &space, NULL), NSW_OK);
  uint32_t *unit = malloc(nsw_space_count(space) * sizeof *unit), own = 0;
  assert_int_equal(nsw_space_units(space, false, unit, NULL), NSW_OK);
  uint64_t h = UINT64_C(14695981039346656037);
  for (uint32_t i = 0; i < nsw_space_count(space); i++) own += unit[i] == i, h = mix_number(h, unit[i]);
  assert_int_equal(own, 5260);
  if (h != UINT64_C(0xa360a71eea1308c7)) fail_msg("units 0x%016llx", (unsigned long long)h);
  free(unit);
  nsw_space_close(&space);
}

/* Shifts of normalisations behind nothing but zeros: layers of no terms, live gammas and betas. All else stays. */
static int count_shifts(const struct nsw_net *net, const struct nsw_net *plain) {
  int shifts = 0, live = 0;
  for (int i = 0; i < net->layers; i++) shifts += net->layer[i].kind == NSW_LAYER_COMBINE && net->layer[i].terms == 0;
  assert_int_equal(net->params, plain->params);
  for (int p = 0; p < net->params; p++) {
    const struct nsw_param *a = &net->param[p], *b = &plain->param[p];
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->key, b->key);
    assert_true(a->live || !b->live);
    assert_true(a->live == b->live || a->kind == NSW_PARAM_GAMMA || a->kind == NSW_PARAM_BETA);
    live += a->live != b->live;
  }
  assert_int_equal(live, 2 * shifts);
  return shifts;
}

static void trains_what_untrained_gives_zeros(void **state) {
  (void)state;
  struct nsw_space *space;
  assert_int_equal(nsw_space_open("nb201", &space, NULL), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){.cells = 1});
  uint32_t count = nsw_space_count(space), cells = 0, own = 0, *unit = malloc(count * sizeof *unit);
  uint32_t *coarse = malloc(count * sizeof *coarse);
  assert_int_equal(nsw_space_units(space, true, unit, NULL), NSW_OK);
  assert_int_equal(nsw_space_units(space, false, coarse, NULL), NSW_OK);
  for (uint32_t i = 0; i < count; i++) {
    struct nsw_net *plain = NULL, *net = NULL;
    assert_int_equal(nsw_net_build(space, i, &macro, &plain, NULL), NSW_OK);
    assert_int_equal(nsw_net_build_trained(space, i, &macro, &net, NULL), NSW_OK);
    int shifts = count_shifts(net, plain);
    cells += shifts > 0;
    if (!shifts) assert_int_equal(digest_net(0, net), digest_net(0, plain));
    own += unit[i] == i;
    assert_int_equal(coarse[unit[i]], coarse[i]);
    nsw_net_free(&plain);
    nsw_net_free(&net);
  }
  assert_int_equal(cells, 2000);
  assert_int_equal(own, 5538);
  free(unit);
  free(coarse);
  nsw_space_close(&space);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(builds_what_it_built),
                                     cmocka_unit_test(gathers_the_units_it_gathered),
                                     cmocka_unit_test(trains_what_untrained_gives_zeros)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
