/* What every space must keep to, and the interface around them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "nasweep/space.h"
#include "unit.h"

static void opens_by_name_alone(void **state) {
  (void)state;
  for (int k = 0; nsw_space_kinds[k]; k++) {
    struct nsw_space *space;
    assert_int_equal(nsw_space_open(nsw_space_kinds[k]->name, &space, NULL), NSW_OK);
    assert_ptr_equal(nsw_space_kind(space), nsw_space_kinds[k]);
    assert_int_equal(nsw_space_count(space), nsw_space_kinds[k]->count);
    nsw_space_close(&space);
    assert_null(space);
    nsw_space_close(&space);
  }
  static const char *const unknown[] = {"", "nb102", "NB101", "nb101 ", "a\nb"};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    struct nsw_space *space = NULL;
    struct nsw_error err = {""};
    assert_int_equal(nsw_space_open(unknown[i], &space, &err), NSW_USAGE);
    assert_null(space);
    assert_non_null(strstr(err.text, "nb101, nb201"));
    assert_null(strchr(err.text, '\n'));
  }
}

static struct nsw_space *spaces[8]; /* all there are, with keys; made once, as hashing is slow under sanitizers */

static int open_spaces(void **state) {
  struct nsw_error err;
  (void)state;
  for (int k = 0; nsw_space_kinds[k]; k++)
    if (nsw_space_open(nsw_space_kinds[k]->name, &spaces[k], &err) || nsw_space_make_keys(spaces[k], &err)) return 1;
  return 0;
}

static int close_spaces(void **state) {
  (void)state;
  for (int k = 0; nsw_space_kinds[k]; k++) nsw_space_close(&spaces[k]);
  return 0;
}

static void on_every_space(void (*check)(struct nsw_space *space)) {
  for (int k = 0; nsw_space_kinds[k]; k++) check(spaces[k]);
}

static void check_ids(struct nsw_space *space) {
  for (uint32_t i = 0; i < nsw_space_count(space); i++) {
    char id[256];
    uint32_t found = UINT32_MAX;
    nsw_space_id(space, i, id);
    assert_in_range(strlen(id), 1, nsw_space_kind(space)->id_size);
    assert_int_equal(nsw_space_find(space, id, &found, NULL), NSW_OK);
    assert_int_equal(found, i);
  }
}

static void finds_every_id(void **state) {
  (void)state;
  on_every_space(check_ids);
}

static void check_numbers(struct nsw_space *space) {
  char text[64];
  uint32_t found, count = nsw_space_count(space);
  struct nsw_error err;
  snprintf(text, sizeof text, "%u", count - 1);
  assert_int_equal(nsw_space_find(space, text, &found, &err), NSW_OK);
  assert_int_equal(found, count - 1);
  assert_int_equal(nsw_space_find(space, "007", &found, &err), NSW_OK);
  assert_int_equal(found, 7);
  snprintf(text, sizeof text, "%u", count);
  const char *const bad[] = {
      text,  "4294967296", "18446744073709551616", "99999999999999999999999999999999999999", "-1", "+1", "1.0",
      "0x1", "1e3"};
  assert_int_equal(nsw_space_find(space, " 1\r", &found, &err), NSW_OK); /* blanks around it are none of it */
  assert_int_equal(found, 1);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    found = 5;
    assert_int_equal(nsw_space_find(space, bad[i], &found, &err), NSW_USAGE);
    assert_int_equal(found, 5);
  }
}

static void finds_indexes_and_refuses_those_beyond_the_end(void **state) {
  (void)state;
  on_every_space(check_numbers);
}

static void check_keys(struct nsw_space *space) {
  size_t size = nsw_space_kind(space)->key_size;
  uint32_t count = nsw_space_count(space);
  const uint32_t *by_key = nsw_space_by_key(space);
  if (!size) {
    assert_null(by_key);
    return;
  }
  uint8_t *parts = malloc(count * size);
  assert_non_null(parts);
  for (uint32_t r = 0; r < 5; r++) {
    uint32_t first = (uint32_t)((uint64_t)count * r / 5), end = (uint32_t)((uint64_t)count * (r + 1) / 5);
    nsw_space_keys(space, first, end, parts + first * size);
  }
  for (uint32_t i = 1; i < count; i++)
    assert_true(memcmp(parts + by_key[i - 1] * size, parts + by_key[i] * size, size) < 0);
  /* A space that is handed its keys knows the same ids. */
  struct nsw_space *other;
  struct nsw_error err;
  char id[2][256];
  uint32_t found;
  assert_int_equal(nsw_space_open(nsw_space_kind(space)->name, &other, &err), NSW_OK);
  nsw_space_id(space, count - 1, id[0]);
  assert_int_equal(nsw_space_find(other, id[0], &found, &err), NSW_FAILED); /* no keys yet */
  assert_true(nsw_space_is_key(other, id[0]));
  for (uint32_t i = 7; i < count; i += count / 5) { /* one by one */
    nsw_space_id(space, i, id[0]);
    nsw_space_id(other, i, id[1]);
    assert_string_equal(id[0], id[1]);
  }
  for (int twice = 0; twice < 2; twice++) assert_int_equal(nsw_space_set_keys(other, parts, &err), NSW_OK);
  memset(parts, 0, count * size); /* they were copied */
  for (uint32_t i = count; i-- > 0;) {
    nsw_space_id(space, i, id[0]);
    nsw_space_id(other, i, id[1]);
    if (strcmp(id[0], id[1])) fail_msg("%u: %s in shares, %s at once", i, id[1], id[0]);
  }
  assert_int_equal(nsw_space_find(other, id[0], &found, &err), NSW_OK);
  assert_int_equal(found, 0);
  nsw_space_close(&other);
  free(parts);
}

static void makes_the_same_keys_in_shares(void **state) {
  (void)state;
  on_every_space(check_keys);
}

static void check_cells(struct nsw_space *space) {
  const struct nsw_space_kind *kind = nsw_space_kind(space);
  for (uint32_t i = 0; i < nsw_space_count(space) && kind->cell; i += 1 + i / 5000) {
    struct nsw_cell cell;
    int counts[NSW_OPS], present = 0;
    nsw_space_cell(space, i, &cell);
    assert_in_range(cell.vertices, 2, NSW_MAX_VERTICES);
    assert_int_equal(cell.vertex_op[0], NSW_OP_INPUT);
    assert_int_equal(cell.vertex_op[cell.vertices - 1], NSW_OP_OUTPUT);
    int edges = nsw_edge(0, cell.vertices);
    for (int e = 0; e < edges; e++) {
      assert_int_equal(cell.edges >> e & 1, cell.edge_op[e] != NSW_OP_NONE);
      present += cell.edge_op[e] != NSW_OP_NONE;
    }
    assert_int_equal(cell.edges >> edges, 0);
    cell_count_ops(&cell, counts);
    assert_int_equal(counts[NSW_OP_INPUT], 1);
    assert_int_equal(counts[NSW_OP_OUTPUT], 1);
    assert_int_equal(counts[NSW_OP_NONE], edges - present);
    int operations = counts[NSW_OP_CONV1] + counts[NSW_OP_CONV3] + counts[NSW_OP_AVGPOOL3] + counts[NSW_OP_MAXPOOL3];
    if (!strcmp(kind->name, "nb101")) { /* operations sit on vertices */
      assert_int_equal(operations, cell.vertices - 2);
      assert_int_equal(counts[NSW_OP_SKIP], present);
      assert_true(cell_has_path(&cell));
    } else {
      assert_int_equal(operations + counts[NSW_OP_SKIP], present);
    }
  }
}

static void decodes_whole_cells(void **state) {
  (void)state;
  on_every_space(check_cells);
}

static void sees_where_no_path_leads(void **state) {
  (void)state;
  struct nsw_graph g = {.nodes = 1, .node = {{.op = NSW_OP_INPUT}}};
  nsw_graph_add(&g, (struct nsw_node){.op = NSW_OP_CONV1, .inputs = 1});
  nsw_graph_add(&g, (struct nsw_node){.op = NSW_OP_NONE, .inputs = 1, .input = {1}});
  nsw_graph_add(&g, (struct nsw_node){.op = NSW_OP_SUM, .inputs = 1, .input = {2}});
  assert_false(nsw_graph_has_path(&g));
  assert_int_equal(nsw_graph_longest(&g, ~0u), -1);
  g.node[3].input[g.node[3].inputs++] = 1;
  assert_true(nsw_graph_has_path(&g));
  assert_int_equal(nsw_graph_longest(&g, NSW_COUNTED_OPS), 1);
  g.node[2].op = NSW_OP_SKIP;
  assert_int_equal(nsw_graph_longest(&g, NSW_COUNTED_OPS | 1 << NSW_OP_SKIP), 2);
}

static void fills_in_the_benchmarks_own_skeleton(void **state) {
  struct nsw_space *space;
  (void)state;
  assert_int_equal(nsw_space_open("nb201", &space, NULL), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(space, (struct nsw_macro){.classes = 120, .resolution = 16});
  assert_int_equal(macro.classes, 120);
  assert_int_equal(macro.resolution, 16);
  assert_int_equal(macro.channels, 16);
  assert_int_equal(macro.cells, 5);
  nsw_space_close(&space);
}

/* ---- words ---- */

static void check_words(struct nsw_space *space) {
  uint8_t genes[NSW_MAX_GENES];
  int length = nsw_space_genes(space);
  assert_in_range(length, 0, NSW_MAX_GENES);
  uint32_t step = nsw_space_count(space) > 50000 ? 37 : 1, found;
  for (uint32_t i = 0; i < nsw_space_count(space) && length; i += step) {
    nsw_space_genes_of(space, i, genes);
    for (int g = 0; g < length; g++) assert_in_range(genes[g], 0, nsw_space_gene_choices(space, g) - 1);
    assert_true(nsw_space_from_genes(space, genes, &found));
    assert_int_equal(found, i);
  }
}

static void spells_every_architecture(void **state) {
  (void)state;
  on_every_space(check_words);
}

static struct nsw_space *space_named(const char *name) {
  for (int k = 0; nsw_space_kinds[k]; k++)
    if (!strcmp(nsw_space_kinds[k]->name, name)) return spaces[k];
  return NULL;
}

static void one_changed_gene_is_one_changed_operation(void **state) {
  (void)state;
  struct nsw_space *space = space_named("nb201");
  for (uint32_t i = 0; i < nsw_space_count(space); i += 7)
    for (int g = 0; g < 6; g++) {
      uint8_t genes[NSW_MAX_GENES];
      struct nsw_cell before, after;
      uint32_t other;
      nsw_space_genes_of(space, i, genes);
      genes[g] = (uint8_t)((genes[g] + 1) % 5);
      assert_true(nsw_space_from_genes(space, genes, &other));
      nsw_space_cell(space, i, &before);
      nsw_space_cell(space, other, &after);
      for (int e = 0; e < 6; e++) assert_true((before.edge_op[e] == after.edge_op[e]) == (e != g));
    }
}

/* Any matrix of seven vertices: the word must lead where the text does, which is read by code of its own. */
static void words_of_nb101_are_its_matrices(void **state) {
  (void)state;
  static const char *const ops[] = {"conv3x3", "conv1x1", "maxpool3x3"};
  struct nsw_space *space = space_named("nb101");
  uint32_t noise = 12345, found = 0, refused = 0;
  for (int trial = 0; trial < 3000; trial++) {
    uint8_t genes[NSW_MAX_GENES];
    char text[256] = "";
    uint32_t by_word = 0, by_text = 1;
    for (int g = 0; g < 26; g++) {
      noise = noise * 1664525 + 1013904223;
      genes[g] = g < 21 ? (noise >> 16) % 5 < 2 : (uint8_t)((noise >> 16) % 3);
    }
    for (int row = 0; row < 7; row++) {
      for (int column = 0; column < 7; column++) strcat(text, row < column && genes[nsw_edge(row, column)] ? "1" : "0");
      strcat(text, row < 6 ? "|" : " input");
    }
    for (int v = 0; v < 5; v++) strcat(strcat(text, ","), ops[genes[21 + v]]);
    strcat(text, ",output");
    bool spelled = nsw_space_from_genes(space, genes, &by_word);
    assert_int_equal(spelled, nsw_space_find(space, text, &by_text, NULL) == NSW_OK);
    if (spelled) assert_int_equal(by_word, by_text);
    found += spelled;
    refused += !spelled;
  }
  assert_in_range(found, 1000, 2999);
  assert_in_range(refused, 1, 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(opens_by_name_alone),
                                     cmocka_unit_test(spells_every_architecture),
                                     cmocka_unit_test(one_changed_gene_is_one_changed_operation),
                                     cmocka_unit_test(words_of_nb101_are_its_matrices),
                                     cmocka_unit_test(finds_every_id),
                                     cmocka_unit_test(finds_indexes_and_refuses_those_beyond_the_end),
                                     cmocka_unit_test(makes_the_same_keys_in_shares),
                                     cmocka_unit_test(decodes_whole_cells),
                                     cmocka_unit_test(sees_where_no_path_leads),
                                     cmocka_unit_test(fills_in_the_benchmarks_own_skeleton)};
  return cmocka_run_group_tests(tests, open_spaces, close_spaces);
}
