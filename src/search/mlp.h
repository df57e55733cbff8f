/* A multi-layer perceptron over a ground's inputs. */
#ifndef NSW_SEARCH_MLP_H
#define NSW_SEARCH_MLP_H

#include "search/adam.h"

enum { NSW_MLP_LAYERS = 8 };

/* Widths in, hidden..., 1; ReLU between. Owned. */
struct nsw_mlp {
  size_t layers; /* of weights */
  size_t width[NSW_MLP_LAYERS + 1];
  size_t at[NSW_MLP_LAYERS]; /* of each layer's weights in adam.w */
  struct nsw_adam adam;
  float *y[NSW_MLP_LAYERS]; /* [room][width] what each layer gives */
  float *dy[NSW_MLP_LAYERS];
  size_t room;
};

/* hidden layers of that width. False for lack of memory, or too many layers. */
bool nsw_mlp_make(struct nsw_mlp *mlp, size_t in, size_t hidden, size_t width);
void nsw_mlp_free(struct nsw_mlp *mlp);

/* New weights from dice. */
void nsw_mlp_begin(struct nsw_mlp *mlp, struct nsw_dice *dice);

/* Values of x[rows][in], good until the next call; NULL for lack of memory. */
const float *nsw_mlp_forward(struct nsw_mlp *mlp, const float *x, size_t rows);

/* The mean square error against target[rows]; adds its gradient to adam.g. NaN for lack of memory. */
double nsw_mlp_loss(struct nsw_mlp *mlp, const float *x, const float *target, size_t rows);

#endif
