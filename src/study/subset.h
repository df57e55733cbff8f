/* Subsets of the rows of a table, by name. */
#ifndef NSW_STUDY_SUBSET_H
#define NSW_STUDY_SUBSET_H

#include "nasweep/space.h"
#include "store/table.h"

/* What subsets are cut by; made once a table, freed with nsw_facts_free. Cells are decoded only when asked for. */
struct nsw_facts {
  const struct nsw_table *table; /* borrowed */
  uint8_t *depth;                /* [rows] edges on the longest path from input to output, 0 without one; or NULL */
  uint8_t *skips;                /* [rows] skip connections (nsw_graph_skips); or NULL */
  uint8_t *first;                /* [rows] 1 where no row of the same class comes before it; or NULL */
  uint8_t *decile;               /* [rows] of parameters, 0 the smallest tenth .. 9; or NULL */
};

/* One subset: a kind and its number. */
struct nsw_subset {
  enum { NSW_ALL, NSW_UNIQUE, NSW_PATH, NSW_TOP, NSW_SIZE, NSW_DEPTH, NSW_SKIPS } kind;
  double number; /* top: percent; size: decile from 1; depth, skips: their value */
  char name[32]; /* as on the command line */
};

/* Reads a list such as "all,top:10,size,depth": size, depth and skips without a number stand for one subset for every
 * value found. Fills what facts need; *subsets is malloc'd. NSW_USAGE for a word that is none. */
int nsw_subsets_parse(const char *list, struct nsw_facts *facts, struct nsw_subset **subsets, size_t *count,
                      struct nsw_error *err);

/* NSW_USAGE where nsw_subsets_parse would find a word that is none. */
int nsw_subsets_check(const char *list, struct nsw_error *err);

/* in[rows]: whether each row belongs. accuracy: the column that top:P goes by (rows with the best P percent of the
 * known values, ties at the border included); may be NULL for other kinds. */
int nsw_subset_rows(const struct nsw_subset *subset, const struct nsw_facts *facts, const double *accuracy, uint8_t *in,
                    struct nsw_error *err);

void nsw_facts_free(struct nsw_facts *facts);

#endif
