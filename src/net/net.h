/* A network as a flat program: tensors, and layers over them in forward order. Built once for an architecture, then
 * run by the engine (net/engine.h) or by the naive reference (net/naive.h).
 *
 * A tensor may carry a normalisation and a ReLU that belong to it ("post"): its stored value is raw, and every reader
 * applies them. So a convolution, its normalisation and its ReLU are one layer and one tensor. */
#ifndef NSW_NET_NET_H
#define NSW_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "nasweep/error.h"
#include "nasweep/space.h"

enum { NSW_MAX_TERMS = 12, NSW_NO_TENSOR = -1 };

#define NSW_NORM_EPS 1e-5 /* PyTorch's and both benchmarks' epsilon of batch normalisation */

/* A tensor: [images][size][size][channels]. */
struct nsw_tensor {
  int channels; /* C, without the padding to a block of 16 */
  int size;     /* H = W */
  bool norm;    /* readers see (value - mean) / sqrt(variance + eps): gamma 1, beta 0 */
  bool relu;    /* readers see max(0, .), after norm */
  int gamma;    /* parameter of its normalisation's gamma; beta follows; -1 where it has none */
  int producer; /* layer that makes it; -1 for the images */
  int readers;  /* uses by layers and the head, and one where it is kept */
  bool kept;    /* somebody wants to look at it, a cell's output or a dead branch: stored whoever reads it */
};

enum nsw_layer_kind {
  NSW_LAYER_CONV,     /* dst = src * weights, no bias, padding (kernel-1)/2 */
  NSW_LAYER_COMBINE,  /* dst = sum of terms (channels first..first+count-1 of dst, from the terms' first channels) */
  NSW_LAYER_AVGPOOL3, /* 3x3, stride 1, padding not counted */
  NSW_LAYER_MAXPOOL3, /* 3x3, stride 1, same padding; the first maximum in reading order takes the gradient */
  NSW_LAYER_AVGPOOL2, /* 2x2, stride 2 */
  NSW_LAYER_MAXPOOL2, /* 2x2, stride 2 */
  NSW_LAYER_SCALE,    /* dst = src times a coefficient */
  NSW_LAYER_KINDS
};

struct nsw_layer {
  enum nsw_layer_kind kind;
  int src;                 /* tensor read (not COMBINE); has no post */
  int dst;                 /* tensor made; COMBINE: -1 where only relu_dst is read */
  int relu_dst;            /* COMBINE: tensor that holds max(0, sum), or -1 */
  int kernel, stride;      /* CONV */
  int param;               /* CONV: its weight in nsw_net.param */
  int term[NSW_MAX_TERMS]; /* COMBINE: tensors added up, the same one possibly more than once */
  int terms;               /* COMBINE: how many; 0: it gives zeros, of which only the normalisation is wanted */
  int first, count;        /* COMBINE: the channels of dst it fills */
  float factor;            /* SCALE: the coefficient */
  int coefficient;         /* SCALE: its number; layers with the same one share its gradient */
};

enum nsw_param_kind { NSW_PARAM_CONV, NSW_PARAM_GAMMA, NSW_PARAM_BETA, NSW_PARAM_LINEAR, NSW_PARAM_BIAS };

enum nsw_init { NSW_INIT_UNIFORM, NSW_INIT_TRUNCATED_NORMAL, NSW_INIT_ONES, NSW_INIT_ZEROS };

/* A parameter tensor in PyTorch's layout: conv [out][in][k][k], linear [out][in], vectors [n]. */
struct nsw_param {
  char name[56]; /* "cells.3.edge.0->2.conv", "head.weight" */
  enum nsw_param_kind kind;
  int shape[4]; /* sizes; unused ones are 1 */
  int rank;     /* how many sizes: 1, 2 or 4 */
  int layer;    /* layer it belongs to; -1 for the head, and for dead branches */
  bool live;    /* takes part in the network's function; with keep_dead, is computed */
  enum nsw_init init;
  float scale;  /* bound of the uniform, deviation of the normal (cut at two) */
  uint64_t key; /* of its random numbers: what it is, never where in a list it stands */
};

struct nsw_net {
  struct nsw_tensor *tensor;
  int tensors;
  struct nsw_layer *layer;
  int layers;
  struct nsw_param *param; /* in the benchmark's definition order, dead branches included */
  int params;
  int features;               /* tensor averaged over pixels for the classifier; -1: none, it sees zeros (no path) */
  int feature_channels;       /* inputs of the classifier */
  int head_weight, head_bias; /* params */
  int *cell;                  /* the stem's output, then every cell's and residual block's, as tensors; the same one
                               * twice where a cell hands on its input. Nothing later reads what came before. */
  int cells;
  int coefficients; /* of SCALE layers: one more than their largest number */
  bool keep_cells;  /* cells' outputs are made plain, and kept */
  bool keep_dead;   /* dead branches that see more than zeros are computed too */
  int classes;
  int resolution; /* of the images, which are tensor 0 with 3 channels */
  bool failed;    /* memory ran out while building; reported by nsw_net_finish */
};

/* Elements of a parameter tensor. */
size_t nsw_param_size(const struct nsw_param *param);

/* What is kept beyond what the logits need. */
enum nsw_keep {
  NSW_KEEP_NOTHING,
  NSW_KEEP_CELLS, /* the outputs of stem and cells, plain */
  NSW_KEEP_DEAD,  /* dead branches, to be run forward; convolutions that see nothing but zeros stay out */
  NSW_KEEP_SHIFTS /* shifts of normalisations whose convolution sees nothing but zeros: 0 until they are trained */
};

/* Builds the network of a description. Free with nsw_net_free. */
int nsw_program_make(const struct nsw_arch *arch, enum nsw_keep keep, struct nsw_net **net, struct nsw_error *err);

/* The same of an architecture of a space; macro as it is wished. */
int nsw_net_build(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro, struct nsw_net **net,
                  struct nsw_error *err);
/* The same network with the outputs of its cells kept. */
int nsw_net_build_kept(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                       struct nsw_net **net, struct nsw_error *err);
/* The same network with its dead branches, to be run forward. Convolutions that see nothing but zeros stay out. */
int nsw_net_build_whole(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                        struct nsw_net **net, struct nsw_error *err);
/* The same network as it is trained: shifts of normalisations whose convolution sees nothing but zeros belong to it,
 * where they reach the output. The convolution does not: nothing that comes out depends on it. */
int nsw_net_build_trained(const struct nsw_space *space, uint32_t index, const struct nsw_macro *macro,
                          struct nsw_net **net, struct nsw_error *err);
void nsw_net_free(struct nsw_net **net);

/* Multiply-adds of one forward image through the live layers. */
double nsw_net_macs(const struct nsw_net *net);

/* ---- for the builder (net/program.c) ---- */

int nsw_net_add_tensor(struct nsw_net *net, int channels, int size);
/* A parameter; key as in struct nsw_param. Returns its place. */
int nsw_net_add_param(struct nsw_net *net, const char *name, enum nsw_param_kind kind, int out, int in, int kernel,
                      uint64_t key);
/* Puts a normalisation with gamma (beta follows it) on a tensor. */
void nsw_net_add_norm(struct nsw_net *net, int tensor, int gamma, bool relu);
/* Layers; each returns the tensor made. src is brought to a plain tensor first where it has a post. */
int nsw_net_add_conv(struct nsw_net *net, int src, int channels, int kernel, int stride, int param);
int nsw_net_add_pool(struct nsw_net *net, enum nsw_layer_kind kind, int src);
/* src times a coefficient of this number. */
int nsw_net_add_scale(struct nsw_net *net, int src, float factor, int coefficient);
/* A tensor of zeros: the sum of no terms. */
int nsw_net_add_zeros(struct nsw_net *net, int channels, int size);
/* The sum of terms, cut to `channels`. */
int nsw_net_add_sum(struct nsw_net *net, const int *term, int terms, int channels);
/* Fills channels first..first+count-1 of dst with the sum of terms. */
void nsw_net_add_slice(struct nsw_net *net, int dst, int first, int count, const int *term, int terms);
/* max(0, tensor), made by the layer that makes the tensor where that can. */
int nsw_net_relu_of(struct nsw_net *net, int tensor);
/* The tensor itself where it has no post, else a copy with it applied. */
int nsw_net_plain(struct nsw_net *net, int tensor);
/* Marks the output of the stem, a cell or a residual block (NSW_NO_TENSOR: ignored); returns the tensor to go on from.
 */
int nsw_net_add_cell(struct nsw_net *net, int tensor);
/* Adds the classifier's parameters and says what it sees. */
void nsw_net_add_head(struct nsw_net *net, int features, int channels, uint64_t key);
/* Counts readers, drops what nobody reads. */
int nsw_net_finish(struct nsw_net *net, struct nsw_error *err);

#endif
