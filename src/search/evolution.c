#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/run.h"

enum { POPULATION, SAMPLE };

enum { PLACE_BITS = 12, PLACES = 1 << PLACE_BITS, RANKS = 1 << (31 - PLACE_BITS) };

/* Who is alive, best first, so that a tournament is one draw: the winner of `sample` drawn with replacement (as the
 * released code draws them) is not among the best k with probability (1 - k / size)^sample. Searches are short and
 * many, and what comes next hangs on all of it: so there are no branches that go by what was drawn, and everything is
 * done over `room` elements whatever the case. */
struct parents {
  uint32_t size, room; /* room: size in whole vectors */
  int32_t *key;        /* [room] descending: rank and place in the ring of ages, see key_of; with one more before and
                        * after it. Places that nobody fills yet have the rank -1; INT32_MIN behind size. */
  int32_t *beyond;     /* [room] probability that the winner comes after it, of 2^31 */
  uint32_t *candidate; /* [size] by place in the ring */
  const int32_t *of;   /* [candidates] rank of each */
};

enum { SMALL = 16 }; /* a room whose loops are unrolled */

static inline int32_t key_of(int32_t rank, uint32_t place) { return rank * PLACES + (int32_t)place; }
static inline uint32_t place_of(int32_t key) { return (uint32_t)key & (PLACES - 1); }
static inline int32_t rank_of(int32_t key) { return key >> PLACE_BITS; }

/* Everything of p in one block; false for lack of memory. */
static bool make_parents(struct parents *p, uint32_t size, double sample) {
  p->size = size;
  p->room = (size + SMALL - 1) / SMALL * SMALL;
  int32_t *block = calloc(2 * (size_t)p->room + 2 + size, sizeof *block);
  if (!block) return false;
  p->key = block + 1;
  p->beyond = p->key + p->room + 1;
  p->candidate = (uint32_t *)(p->beyond + p->room);
  for (uint32_t k = 0; k < p->room; k++) {
    p->key[k] = k < size ? key_of(-1, size - 1 - k) : INT32_MIN;
    p->beyond[k] = k < size ? (int32_t)(pow(1 - (double)(k + 1) / size, sample) * 0x1p31) : 0;
  }
  p->key[-1] = INT32_MAX;
  p->key[p->room] = INT32_MIN;
  return true;
}

static inline void put_in(int32_t *key, int32_t room, int32_t place, int32_t new) {
  int32_t from = 0, to = 0, moved[SMALL];
  for (int32_t k = 0; k < room; k++) {
    from += -((key[k] & (PLACES - 1)) == place && key[k] != INT32_MIN) & k;
    to += key[k] > new;
  }
  to -= key[from] > new; /* the one that goes makes room */
  if (room != SMALL) {   /* large populations: move what lies between */
    int32_t low = from < to ? from : to, n = from < to ? to - from : from - to;
    memmove(key + low + (from > to), key + low + (from < to), (size_t)n * sizeof *key);
    key[to] = new;
    return;
  }
  for (int32_t k = 0; k < SMALL; k++) {
    int32_t up = -(k > to) & -(k <= from), down = -(k >= from) & -(k < to), here = -(k == to);
    moved[k] = (key[k - 1] & up) | (key[k + 1] & down) | (new &here) | (key[k] & ~(up | down | here));
  }
  memcpy(key, moved, sizeof moved);
}

/* Puts a candidate into a place of the ring, instead of the one there. */
static void put(struct parents *p, uint32_t place, uint32_t candidate) {
  int32_t new = key_of(p->of[candidate], place);
  p->candidate[place] = candidate;
  if (p->room == SMALL)
    put_in(p->key, SMALL, (int32_t)place, new);
  else
    put_in(p->key, (int32_t)p->room, (int32_t)place, new);
}

static inline uint32_t winner(const struct parents *p, uint32_t room, int32_t u) {
  uint32_t at = 0;
  for (uint32_t k = 0; k < room; k++) at += u < p->beyond[k];
  return at;
}

static uint32_t at_place(const struct parents *p, int32_t at) { return p->candidate[place_of(p->key[at])]; }

/* Of equal ones that are not the same the first drawn wins: any of them. */
static uint32_t among_equals(struct nsw_repeat *run, const struct parents *p, int32_t at) {
  int32_t first = at, last = at;
  while (rank_of(p->key[first - 1]) == rank_of(p->key[at])) first--;
  while (rank_of(p->key[last + 1]) == rank_of(p->key[at])) last++;
  return at_place(p, first + (int32_t)nsw_dice_below(&run->dice, (uint32_t)(last - first + 1)));
}

/* A mutant of a tournament's winner. */
static uint32_t child(struct nsw_repeat *run, const void *state) {
  const struct parents *p = state;
  int32_t u = (int32_t)(nsw_dice_word(&run->dice) >> 1);
  int32_t at = (int32_t)(p->room == SMALL ? winner(p, SMALL, u) : winner(p, p->room, u)), rank = rank_of(p->key[at]);
  uint32_t parent = at_place(p, at);
  if ((rank_of(p->key[at - 1]) == rank && at_place(p, at - 1) != parent) ||
      (rank_of(p->key[at + 1]) == rank && at_place(p, at + 1) != parent))
    parent = among_equals(run, p, at);
  return nsw_mutate(run, parent);
}

static int run(struct nsw_repeat *run, struct nsw_error *err) {
  uint32_t size = (uint32_t)run->search->set[POPULATION];
  struct parents p;
  if (!make_parents(&p, size, run->search->set[SAMPLE])) return nsw_no_memory(err, "a population of %u", size);
  p.of = run->state ? run->state : run->ground->rank;
  bool pays = true;
  for (uint32_t i = 0; i < size && pays; i++) {
    uint32_t candidate = nsw_first_ones(run);
    pays = nsw_train(run, candidate);
    put(&p, i, candidate);
  }
  for (uint32_t oldest = 0; pays; oldest = oldest + 1 == size ? 0 : oldest + 1) {
    uint32_t candidate = nsw_propose(run, child, &p);
    pays = nsw_train(run, candidate);
    put(&p, oldest, candidate);
  }
  free(p.key - 1);
  return NSW_OK;
}

/* Where a score breaks ties, ranks by accuracy and then by score; else the ground's will do. */
static int open_evolution(const struct nsw_ground *ground, const struct nsw_search *search, void **state,
                          struct nsw_error *err) {
  if (ground->n >= RANKS)
    return nsw_usage(err, "evolution: %zu candidates are more than the %d it can rank", ground->n, RANKS - 1);
  if (!(search->use & NSW_USE_TIES)) return NSW_OK;
  struct nsw_ranks scores, both;
  double *key = malloc((ground->n + 1) * sizeof *key);
  int32_t *rank = *state = malloc((ground->n + 1) * sizeof *rank);
  int status = nsw_ranks_make(ground->score[search->score], ground->n, &scores, err);
  if (!status && (!key || !rank)) status = nsw_no_memory(err, "%zu candidates", ground->n);
  for (size_t i = 0; i < ground->n && !status; i++)
    key[i] = (double)ground->rank[i] * (double)ground->n + (double)scores.code[i];
  if (!status) status = nsw_ranks_make(key, ground->n, &both, err);
  if (!status) {
    for (size_t i = 0; i < ground->n; i++) rank[i] = (int32_t)both.code[i];
    nsw_ranks_free(&both);
  }
  nsw_ranks_free(&scores);
  free(key);
  return status;
}

static const struct nsw_method_option options[] = {{"population", 10, 1, PLACES, "architectures alive"},
                                                   {"sample", 10, 1, 100000, "drawn for each tournament"},
                                                   {NULL, 0, 0, 0, NULL}};

const struct nsw_method nsw_method_evolution = {
    .name = "evolution",
    .summary = "regularised evolution: the winner of a tournament has a child with one gene changed, the oldest dies",
    .source = "Real et al., AAAI 2019",
    .kind = NSW_METHOD_GENES,
    .options = options,
    .open = open_evolution,
    .close = free,
    .run = run,
};
