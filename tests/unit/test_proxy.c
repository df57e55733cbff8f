/* The table of proxies, and those that only count or draw. */
#include <stdlib.h>
#include <string.h>

#include "nasweep/proxy.h"
#include "proxy/measure.h"
#include "unit.h"

static void has_a_complete_entry_for_each(void **state) {
  (void)state;
  for (int p = 0; nsw_proxies[p]; p++) {
    const struct nsw_proxy *proxy = nsw_proxies[p];
    assert_non_null(proxy->name);
    assert_non_null(proxy->source);
    assert_non_null(proxy->group);
    assert_null(nsw_proxy_find(proxy->group, NULL)); /* a word on the command line means one thing */
    for (int q = 0; nsw_proxies[q]; q++) assert_string_not_equal(nsw_proxies[q]->name, proxy->group);
    if (proxy->measure) /* run by the joint evaluation */
      assert_true(!proxy->measure->take != !proxy->measure->term && !proxy->open && !proxy->score &&
                  !proxy->measure->open == !proxy->measure->close);
    else
      assert_true(proxy->open && proxy->close && proxy->score);
    if (proxy->needs & NSW_NEEDS_DATA) assert_true(proxy->samples > 0);
    assert_true(nsw_proxy_columns(proxy) > 0);
    for (int c = 0; c < nsw_proxy_columns(proxy); c++) {
      int place = -1;
      assert_ptr_equal(nsw_proxy_find(proxy->columns[c].name, &place), proxy); /* names are not used twice */
      assert_int_equal(place, c);
      assert_non_null(proxy->columns[c].long_name);
      assert_int_equal(abs(proxy->columns[c].direction), 1);
    }
    for (int o = 0; o < nsw_proxy_options(proxy); o++)
      assert_true(proxy->options[o].key && proxy->options[o].value && proxy->options[o].help);
  }
  assert_null(nsw_proxy_find("none_of_them", NULL));
  assert_null(nsw_proxy_find("", NULL));
}

static void is_asked_for_by_groups(void **state) {
  (void)state;
  for (int p = 0; nsw_proxies[p]; p++) {
    const struct nsw_proxy *proxy = nsw_proxies[p];
    bool control = !strcmp(proxy->name, "random") || !strcmp(proxy->name, "dummy");
    bool training = !strcmp(proxy->group, "training"); /* takes hours: asked for by its own names alone */
    assert_int_equal(nsw_proxy_in(proxy, "all"), !control && !training);
    assert_int_equal(nsw_proxy_in(proxy, "cheap"), !control && !(proxy->needs & NSW_NEEDS_NETWORK));
    assert_int_equal(nsw_proxy_in(proxy, "topology"), !strcmp(proxy->group, "topology"));
    assert_true(nsw_proxy_in(proxy, proxy->group));
    assert_false(nsw_proxy_in(proxy, "none_of_them"));
  }
  assert_true(nsw_proxy_in(nsw_proxy_find("sed", NULL), "topology"));
  assert_false(nsw_proxy_in(nsw_proxy_find("knas", NULL), "cheap"));
}

/* Scores index 0, step, 2*step... of nb201 with a proxy of one column and no options. */
static void score(const char *name, struct nsw_macro wish, uint64_t seed, uint32_t step, size_t n, double *values,
                  struct nsw_space **space) {
  const struct nsw_proxy *proxy = nsw_proxy_find(name, NULL);
  void *evaluator;
  assert_non_null(proxy);
  assert_int_equal(nsw_space_open("nb201", space, NULL), NSW_OK);
  struct nsw_context context = {.space = *space, .macro = nsw_space_macro(*space, wish)};
  assert_int_equal(proxy->open(&context, NULL, &evaluator, NULL), NSW_OK);
  uint32_t *members = malloc(n * sizeof *members);
  uint8_t *status = malloc(n);
  assert_true(members && status);
  for (size_t i = 0; i < n; i++) members[i] = (uint32_t)i * step;
  assert_int_equal(proxy->score(evaluator, seed, members, n, values, status, NULL), NSW_OK);
  for (size_t i = 0; i < n; i++) assert_int_equal(status[i], NSW_ROW_SCORED);
  proxy->close(evaluator);
  free(members);
  free(status);
}

static void counts_for_the_skeleton_asked(void **state) {
  struct nsw_macro macro = {.classes = 120, .resolution = 16};
  struct nsw_space *space;
  double values[10];
  (void)state;
  score("params", macro, 1, 7, 10, values, &space);
  for (uint32_t i = 0; i < 10; i++) assert_true(values[i] == (double)nsw_space_params(space, 7 * i, &macro));
  nsw_space_close(&space);
  score("macs", macro, 1, 7, 10, values, &space);
  for (uint32_t i = 0; i < 10; i++) assert_true(values[i] == (double)nsw_space_macs(space, 7 * i, &macro));
  nsw_space_close(&space);
}

static void draws_by_seed_and_index_alone(void **state) {
  enum { N = 15625 };
  static double a[N], b[N], c[N];
  struct nsw_space *space;
  double mean = 0, product = 0;
  (void)state;
  score("random", (struct nsw_macro){0}, 5, 1, N, a, &space);
  nsw_space_close(&space);
  score("random", (struct nsw_macro){0}, 5, 125, N / 125, b, &space);
  nsw_space_close(&space);
  for (int i = 0; i < N / 125; i++) assert_true(b[i] == a[125 * i]);
  score("random", (struct nsw_macro){0}, 6, 1, N, c, &space);
  nsw_space_close(&space);
  for (int i = 0; i < N; i++) {
    assert_true(a[i] >= 0 && a[i] < 1);
    mean += a[i] / N;
    product += (a[i] - 0.5) * (c[i] - 0.5) * 12 / N;
  }
  /* Five standard errors of a uniform mean, and of the correlation of independent numbers. */
  assert_true(mean > 0.5 - 5 * 0.2887 / 125 && mean < 0.5 + 5 * 0.2887 / 125);
  assert_true(product > -5.0 / 125 && product < 5.0 / 125);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_a_complete_entry_for_each), cmocka_unit_test(is_asked_for_by_groups),
      cmocka_unit_test(counts_for_the_skeleton_asked), cmocka_unit_test(draws_by_seed_and_index_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
