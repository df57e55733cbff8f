#include <string.h>

#include "space/nb101.h"

enum { INNER = NSW_MAX_VERTICES - 2, PERMUTATIONS = 120 };

/* One way to put the inner vertices in another order: vertex v goes to place to[v]. */
struct permutation {
  int8_t to[NSW_MAX_VERTICES];
};

/* All permutations of the inner vertices of graphs with `vertices`, in list; the identity is the first. */
static int list_permutations(int vertices, struct permutation list[PERMUTATIONS]) {
  int inner = vertices - 2, count = 1;
  for (int i = 2; i <= inner; i++) count *= i;
  for (int k = 0; k < count; k++) {
    int8_t left[INNER] = {1, 2, 3, 4, 5};
    list[k].to[0] = 0;
    list[k].to[vertices - 1] = (int8_t)(vertices - 1);
    for (int v = 1, radix = count, rest = k; v <= inner; v++) {
      radix /= inner - v + 1;
      int pick = rest / radix;
      rest %= radix;
      list[k].to[v] = left[pick];
      memmove(left + pick, left + pick + 1, (size_t)(INNER - 1 - pick));
    }
  }
  return count;
}

/* The edges of a graph, one by one. */
struct edges {
  int count;
  int8_t from[NSW_MAX_EDGES], to[NSW_MAX_EDGES];
};

static void list_edges(int vertices, uint32_t bits, struct edges *edges) {
  edges->count = 0;
  for (int y = 1; y < vertices; y++)
    for (int x = 0; x < y; x++)
      if (bits >> nsw_edge(x, y) & 1) {
        edges->from[edges->count] = (int8_t)x;
        edges->to[edges->count++] = (int8_t)y;
      }
}

/* The edge bits after a permutation, or UINT32_MAX where an edge would point backward. */
static uint32_t permute_bits(const struct edges *edges, const struct permutation *p) {
  uint32_t bits = 0;
  for (int e = 0; e < edges->count; e++) {
    int x = p->to[edges->from[e]], y = p->to[edges->to[e]];
    if (x >= y) return UINT32_MAX;
    bits |= 1u << nsw_edge(x, y);
  }
  return bits;
}

static const uint8_t power3[INNER + 1] = {1, 3, 9, 27, 81, 243};

/* Labels (base three, vertex 1 first) as digits[v], v = 1..inner. */
static void label_digits(int inner, uint32_t labels, int8_t digit[NSW_MAX_VERTICES]) {
  for (int v = inner; v >= 1; v--, labels /= 3) digit[v] = (int8_t)(labels % 3);
}

static uint32_t permute_labels(int inner, const int8_t digit[NSW_MAX_VERTICES], const struct permutation *p) {
  uint32_t labels = 0;
  for (int v = 1; v <= inner; v++) labels += (uint32_t)digit[v] * power3[inner - p->to[v]];
  return labels;
}

uint32_t nsw_nb101_canonical(uint32_t graph) {
  struct permutation list[PERMUTATIONS];
  struct edges edges;
  int8_t digit[NSW_MAX_VERTICES];
  int vertices = nsw_nb101_vertices(graph), inner = vertices - 2, count = list_permutations(vertices, list);
  uint32_t best = graph;
  list_edges(vertices, nsw_nb101_bits(graph), &edges);
  label_digits(inner, nsw_nb101_labels(graph), digit);
  for (int k = 0; k < count; k++) {
    uint32_t bits = permute_bits(&edges, &list[k]);
    if (bits == UINT32_MAX) continue;
    uint32_t other = nsw_nb101_pack(vertices, bits, permute_labels(inner, digit, &list[k]));
    if (other < best) best = other;
  }
  return best;
}

/* ---- the enumeration ---- */

struct enumeration {
  int vertices, permutations;
  struct permutation list[PERMUTATIONS];
  int8_t digits[NSW_NB101_MAX_LABELLED][NSW_MAX_VERTICES]; /* of every labelling */
  uint32_t *graphs;                                        /* [NSW_NB101_COUNT] */
  uint32_t count;                                          /* kept so far, also beyond the end of graphs */
};

/* Keeps the labellings of one edge mask that are the first of their class. A permutation that gives smaller bits
 * rules out the whole mask; one that gives the same bits (an automorphism) rules out labellings it makes smaller. */
static void keep_mask(struct enumeration *en, uint32_t bits) {
  int automorphisms[PERMUTATIONS], count = 0, inner = en->vertices - 2;
  struct edges edges;
  list_edges(en->vertices, bits, &edges);
  for (int k = 1; k < en->permutations; k++) {
    uint32_t other = permute_bits(&edges, &en->list[k]);
    if (other < bits) return;
    if (other == bits) automorphisms[count++] = k;
  }
  for (uint32_t labels = 0; labels < power3[inner]; labels++) {
    bool first = true;
    for (int a = 0; a < count && first; a++)
      first = permute_labels(inner, en->digits[labels], &en->list[automorphisms[a]]) >= labels;
    if (!first) continue;
    if (en->count < NSW_NB101_COUNT) en->graphs[en->count] = nsw_nb101_pack(en->vertices, bits, labels);
    en->count++;
  }
}

/* Goes through all masks in ascending order, the highest column first: column y (edges into y) holds the bits from
 * y(y-1)/2 on, and may not be empty. covered: vertices that have an edge out so far. */
static void visit_column(struct enumeration *en, int y, uint32_t bits, int edges, uint32_t covered) {
  if (edges + y > NSW_NB101_MAX_EDGES) return; /* each column left needs an edge */
  if (y == 0) {
    keep_mask(en, bits);
    return;
  }
  /* After column y no edge leaves y - 1 any more. */
  for (uint32_t column = 1; column < 1u << y; column++) {
    uint32_t now = covered | column;
    if (now >> (y - 1) & 1)
      visit_column(en, y - 1, bits | column << nsw_edge(0, y), edges + __builtin_popcount(column), now);
  }
}

int nsw_nb101_enumerate(uint32_t *graphs, struct nsw_error *err) {
  static const uint32_t totals[NSW_MAX_VERTICES + 1] = {0, 0, 1, 7, 91, 2532, 64542, NSW_NB101_COUNT};
  struct enumeration en = {.graphs = graphs};
  for (int v = 2; v <= NSW_MAX_VERTICES; v++) {
    en.vertices = v;
    en.permutations = list_permutations(v, en.list);
    for (uint32_t labels = 0; labels < power3[v - 2]; labels++) label_digits(v - 2, labels, en.digits[labels]);
    visit_column(&en, v - 1, 0, 0, 0);
    if (en.count != totals[v])
      return nsw_fail(err, "nb101: %u cells of up to %d vertices enumerated, %u published", en.count, v, totals[v]);
  }
  return NSW_OK;
}
