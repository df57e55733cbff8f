/* nb101 against what the benchmark publishes, and its fast parts against plain ones. */
#include <math.h>
#include <string.h>

#include "base/isa.h"
#include "base/random.h"
#include "csv.h"
#include "naive_nb101.h"
#include "space/cell.h"
#include "space/nb101.h"
#include "space/nb101_lanes.h"
#include "unit.h"

static struct nsw_space *space;
static uint32_t *graphs; /* the enumeration */
static const struct nsw_macro own = {0};

static int open_space(void **state) {
  struct nsw_error err;
  (void)state;
  graphs = malloc(NSW_NB101_COUNT * sizeof *graphs);
  return !graphs || nsw_nb101_enumerate(graphs, &err) || nsw_space_open("nb101", &space, &err) ||
         nsw_space_make_keys(space, &err);
}

static int close_space(void **state) {
  (void)state;
  nsw_space_close(&space);
  free(graphs);
  return 0;
}

/* Uniform below n; a new number at every call of one test. */
static uint32_t draw(uint64_t *at, uint32_t n) {
  return (uint32_t)nsw_random_below((struct nsw_stream){.seed = 3, .purpose = NSW_FOR_SAMPLING}, (*at)++, n);
}

/* Writes a graph as "adjacency ops", its vertices moved to the places to[v]. */
static void write_text(uint32_t graph, const int *to, char *text) {
  static const char *const names[3] = {"conv3x3", "conv1x1", "maxpool3x3"};
  int vertices = nsw_nb101_vertices(graph), at[NSW_MAX_VERTICES], label[NSW_MAX_VERTICES];
  uint32_t labels = nsw_nb101_labels(graph);
  for (int v = 0; v < vertices; v++) at[to[v]] = v;
  for (int v = vertices - 2; v >= 1; v--, labels /= 3) label[v] = (int)(labels % 3);
  for (int row = 0; row < vertices; row++) {
    for (int column = 0; column < vertices; column++) {
      int x = at[row], y = at[column];
      *text++ = x < y && nsw_nb101_bits(graph) >> nsw_edge(x, y) & 1 ? '1' : '0';
    }
    *text++ = row < vertices - 1 ? '|' : ' ';
  }
  for (int row = 0; row < vertices; row++)
    text += sprintf(text, "%s%s", row ? "," : "",
                    row == 0              ? "input"
                    : row == vertices - 1 ? "output"
                                          : names[label[at[row]]]);
}

static void gives_the_published_hashes(void **state) {
  static const struct {
    uint32_t index;
    const char *id;
  } known[] = {{0, "043721b9c7fe8c5fad811d47d83132ec"},    {1, "b49ac8c578b4561d79ac7087988f1c61"},
               {2, "d1269d9156ddc027c40473008192958a"},    {98, "771a888531d1c59b6c81308ef2a8dad7"},
               {1000, "79df2f80c4cf400a44e0fdd9e2f2f092"}, {2146, "0ff8c81c6843ffb1f9867ef80066049b"}};
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char id[33];
    nsw_space_id(space, known[i].index, id);
    assert_string_equal(id, known[i].id);
  }
}

static void follows_the_published_enumeration(void **state) {
  struct csv csv;
  int rows = 0;
  (void)state;
  if (!csv_open(&csv, "nb101_hash_sample.csv")) skip();
  for (; csv_next(&csv); rows++) {
    uint32_t index = (uint32_t)atoi(csv.field[0]), found, labels = 0;
    char id[33];
    nsw_space_id(space, index, id);
    assert_string_equal(id, csv.field[1]);
    for (const char *c = csv.fields > 4 ? csv.field[4] : ""; *c; c++) labels = labels * 3 + (uint32_t)(*c - '0');
    assert_int_equal(graphs[index], nsw_nb101_pack(atoi(csv.field[2]), (uint32_t)atoi(csv.field[3]), labels));
    assert_int_equal(nsw_space_find(space, csv.field[1], &found, NULL), NSW_OK);
    assert_int_equal(found, index);
  }
  assert_int_equal(rows, 500);
}

static void has_exactly_the_published_hashes(void **state) {
  struct csv csv;
  uint32_t row = 0;
  (void)state;
  if (!csv_open(&csv, "nb101_accuracy_108ep.csv.gz")) skip();
  const uint32_t *by_key = nsw_space_by_key(space);
  for (; csv_next(&csv); row++) {
    char id[33];
    assert_in_range(row, 0, NSW_NB101_COUNT - 1);
    nsw_space_id(space, by_key[row], id);
    assert_string_equal(id, csv.field[0]);
  }
  assert_int_equal(row, NSW_NB101_COUNT);
}

static void lanes_equal_the_reference(void **state) {
  enum { TRIES = 60 };
  static uint8_t keys[40 * NSW_NB101_KEY_SIZE];
  const char *before = getenv("NASWEEP_ISA");
  char saved[32] = "";
  uint64_t at = 0;
  (void)state;
  if (before) snprintf(saved, sizeof saved, "%s", before);
  for (int isa = 0; isa < NSW_ISAS; isa++) {
    setenv("NASWEEP_ISA", nsw_isa_name((enum nsw_isa)isa), 1);
    for (int i = 0; i < TRIES; i++) {
      /* Stretches anywhere, also across edge masks and numbers of vertices. */
      uint32_t n = 1 + draw(&at, 40), first = i < 4 ? (uint32_t)(i * 30) : draw(&at, NSW_NB101_COUNT - n);
      if (i == 4) first = 64542 - n / 2;
      nsw_space_keys(space, first, first + n, keys);
      for (uint32_t j = 0; j < n; j++) {
        uint8_t key[NSW_NB101_KEY_SIZE];
        nsw_nb101_hash_naive(graphs[first + j], key);
        assert_memory_equal(keys + j * NSW_NB101_KEY_SIZE, key, sizeof key);
      }
    }
  }
  if (before)
    setenv("NASWEEP_ISA", saved, 1);
  else
    unsetenv("NASWEEP_ISA");
}

/* Puts the inner vertices into a random order. */
static void shuffle(int vertices, int *to, uint64_t *at) {
  for (int v = 0; v < vertices; v++) to[v] = v;
  for (int v = vertices - 2; v > 1; v--) {
    int other = 1 + (int)draw(at, (uint32_t)v), t = to[v];
    to[v] = to[other];
    to[other] = t;
  }
}

static void finds_a_cell_in_any_order_of_its_vertices(void **state) {
  uint64_t at = 0;
  (void)state;
  for (int i = 0; i < 3000; i++) {
    uint32_t index = i < 91 ? (uint32_t)i : draw(&at, NSW_NB101_COUNT), found;
    int to[NSW_MAX_VERTICES];
    char text[256];
    struct nsw_error err = {""};
    shuffle(nsw_nb101_vertices(graphs[index]), to, &at);
    write_text(graphs[index], to, text);
    assert_int_equal(nsw_space_find(space, text, &found, &err), NSW_OK);
    assert_int_equal(found, index);
  }
}

/* Every graph of five vertices the generator visits: its hash is the one of the canonical graph, and that is in the
 * table. */
static void brings_every_small_graph_to_the_class_of_its_hash(void **state) {
  int visited = 0;
  (void)state;
  for (uint32_t bits = 0; bits < 1 << 10; bits++) {
    uint32_t in = 0, out = 0;
    for (int y = 1; y < 5; y++)
      for (int x = 0; x < y; x++)
        if (bits >> nsw_edge(x, y) & 1) in |= 1u << y, out |= 1u << x;
    if (in != 0x1e || out != 0xf || __builtin_popcount(bits) > 9) continue;
    for (uint32_t labels = 0; labels < 27; labels++, visited++) {
      uint32_t graph = nsw_nb101_pack(5, bits, labels), canonical = nsw_nb101_canonical(graph), index = 91;
      uint8_t key[2][NSW_NB101_KEY_SIZE];
      nsw_nb101_hash_naive(graph, key[0]);
      nsw_nb101_hash_naive(canonical, key[1]);
      assert_memory_equal(key[0], key[1], sizeof key[0]);
      while (index < 2532 && graphs[index] != canonical) index++;
      assert_in_range(index, 91, 2531);
    }
  }
  assert_int_equal(visited, 3364 - 97); /* as the published generator counts them */
}

static void prunes_as_the_benchmark_does(void **state) {
  uint32_t index, other;
  (void)state;
  assert_int_equal(nsw_space_find(space, "011|001|000 input,conv3x3,output", &index, NULL), NSW_OK);
  /* A dead end, a vertex nothing leads to, and both at once with too many vertices. */
  const char *const equal[] = {
      "0111|0001|0000|0000 input,conv3x3,conv1x1,output", "0101|0001|0001|0000 input,conv3x3,maxpool3x3,output",
      ("0111000001|0000000001|0000111100|0000000000|0000000000|0000000000|0000000000|0000000000|0000000001|0000000000 "
       "input,conv3x3,conv1x1,0,0,1,1,2,2,output"),
      "  011|001|000\t -1,0,-2 ", "011|001|000 input,conv3x3-bn-relu,output"};
  for (size_t i = 0; i < sizeof equal / sizeof *equal; i++) {
    struct nsw_error err = {""};
    int status = nsw_space_find(space, equal[i], &other, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, NSW_OK);
    assert_int_equal(other, index);
  }
}

static void refuses_what_is_no_cell(void **state) {
  static const char *const bad[][2] = {
      {"", "no index"},
      {"abc", "no index"},
      {"043721b9c7fe8c5fad811d47d83132ed", "no architecture has the hash"},
      {"043721b9c7fe8c5fad811d47d83132e", "no index"},
      {"00000000000000000000000000000000", "no architecture has the hash"},
      {"|", "first row"},
      {"0|0 input,output", "first row"},
      {"01|0 input,output", "not 2 rows"},
      {"01|00|00 input,output", "not 2 rows"},
      {"01|0x input,output", "row 2"},
      {"02|00 input,output", "row 1"},
      {"01|00", "missing"},
      {"01|00 ", "missing"},
      {"01|00 input", "1 operations"},
      {"01|00 input,output,output", "goes on"},
      {"01|00 output,input", "first is the input"},
      {"010|001|000 input,input,output", "first is the input"},
      {"010|001|000 input,output,output", "first is the input"},
      {"010|001|000 input,conv5x5,output", "operation 2 of 3"},
      {"010|001|000 input,,output", "operation 2 of 3"},
      {"010|001|000 input,3,output", "operation 2 of 3"},
      {"010|001|010 input,0,output", "cycle"},
      {"010|011|000 input,0,output", "cycle"},
      {"0110|0011|0101|0000 input,0,0,output", "cycle"},
      {"010|000|000 input,0,output", "no path"},
      {"000|001|000 input,0,output", "no path"},
      {"00|00 input,output", "no path"},
      {"01111|00111|00011|00001|00000 input,0,0,0,output", "10 edges"},
      {"01000000|00100000|00010000|00001000|00000100|00000010|00000001|00000000 input,0,0,0,0,0,0,output",
       "8 vertices"},
      {"000000000000000000000000000000000|0 input,output", "first row"}};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct nsw_error err = {""};
    uint32_t index = 7;
    assert_int_equal(nsw_space_find(space, bad[i][0], &index, &err), NSW_USAGE);
    assert_int_equal(index, 7);
    if (!strstr(err.text, bad[i][1])) fail_msg("'%s' gave '%s', not '%s'", bad[i][0], err.text, bad[i][1]);
    assert_non_null(strstr(err.text, "nb101"));
  }
}

static void counts_the_worked_example(void **state) {
  uint32_t index, graph;
  struct nsw_arch arch;
  (void)state;
  const char *text =
      "0111010|0000001|0000001|0000100|0000001|0000001|0000000 input,conv1x1,conv3x3,conv3x3,conv3x3,maxpool3x3,output";
  assert_int_equal(nsw_nb101_parse(text, &graph, NULL), NSW_OK);
  struct nsw_macro macro = nsw_space_macro(space, own);
  nsw_nb101_describe(graph, &macro, &arch);
  assert_int_equal(nsw_arch_params(&arch), 2694282);
  assert_int_equal(nsw_arch_macs(&arch), 402002944);
  assert_int_equal(nsw_space_find(space, text, &index, NULL), NSW_OK);
}

static void divides_channels_as_the_benchmark_does(void **state) {
  uint32_t graph;
  struct nsw_graph cell = {.shape = 0};
  (void)state;
  /* Vertices 1, 3 and 5 feed the output (128 = 43 + 43 + 42); 2 feeds 3 and 5, and 4 feeds 5. */
  assert_int_equal(
      nsw_nb101_parse("0110100|0000001|0001010|0000001|0000010|0000001|0000000 -1,0,0,1,2,1,-2", &graph, NULL), NSW_OK);
  nsw_nb101_graph(graph, &cell);
  const int expected[] = {0, 43, 43, 43, 42, 42};
  int vertices = 0;
  for (int n = 1; n < cell.nodes; n++) {
    const struct nsw_node *node = &cell.node[n];
    if (node->op == NSW_OP_CONCAT || node->op == NSW_OP_OUTPUT) assert_int_equal(nsw_node_channels(node, 128), 128);
    if (!(node->around & NSW_CUT)) continue;
    vertices++;
    assert_int_equal(nsw_node_channels(node, 128), expected[node->place / 2]);
  }
  assert_int_equal(vertices, 5);
}

static void counts_the_published_parameters(void **state) {
  struct csv csv;
  struct nsw_macro macro = nsw_space_macro(space, own);
  int rows = 0, first = 0;
  (void)state;
  if (!csv_open(&csv, "nb101_sample_suite_zero.csv")) skip();
  for (; csv_next(&csv); rows++) {
    char text[512];
    uint32_t index, graph;
    struct nsw_arch arch;
    snprintf(text, sizeof text, "%s %s", csv.field[2], csv.field[3]);
    assert_int_equal(nsw_space_find(space, text, &index, NULL), NSW_OK);
    assert_int_equal(index, atoi(csv.field[1]));
    /* The counts belong to the graph as published, which need not be the first of its class. */
    assert_int_equal(nsw_nb101_parse(text, &graph, NULL), NSW_OK);
    nsw_nb101_describe(graph, &macro, &arch);
    uint64_t published = (uint64_t)llround(atof(csv.field[6]) * 1e6);
    assert_int_equal(nsw_arch_params(&arch), published);
    if (graph == graphs[index]) assert_int_equal(nsw_space_params(space, index, &own), published), first++;
  }
  assert_int_equal(rows, 146);
  assert_true(first > 90);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_published_hashes),
                                     cmocka_unit_test(follows_the_published_enumeration),
                                     cmocka_unit_test(has_exactly_the_published_hashes),
                                     cmocka_unit_test(lanes_equal_the_reference),
                                     cmocka_unit_test(finds_a_cell_in_any_order_of_its_vertices),
                                     cmocka_unit_test(brings_every_small_graph_to_the_class_of_its_hash),
                                     cmocka_unit_test(prunes_as_the_benchmark_does),
                                     cmocka_unit_test(refuses_what_is_no_cell),
                                     cmocka_unit_test(counts_the_worked_example),
                                     cmocka_unit_test(divides_channels_as_the_benchmark_does),
                                     cmocka_unit_test(counts_the_published_parameters)};
  return cmocka_run_group_tests(tests, open_space, close_space);
}
