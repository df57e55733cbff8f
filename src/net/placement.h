/* The placement of a program: where every tensor and gradient lies, and the geometry of every kernel call. Made once
 * for a program and what is wanted of it; running it allocates nothing.
 *
 * Time runs in steps: layer i goes forward at step i, the head is step L, layer i goes backward at step 2L - i. */
#ifndef NSW_NET_PLACEMENT_H
#define NSW_NET_PLACEMENT_H

#include "net/batch.h"
#include "net/conv.h"
#include "net/net.h"
#include "net/wino.h"

/* Where a tensor lies in a slot (the memory of one image). Offsets in floats.
 *
 * Where images lie side by side, a pixel of 16 lanes holds so many images' channels (`abreast`), and a plane is that
 * many images. A slot is then the memory of a piece of images, which go through together: a tensor's planes lie there
 * one after the other. */
struct nsw_tensor_place {
  int abreast;                  /* images in a plane: 1, or 4 of up to 4 channels, or 2 of up to 8 */
  int planes;                   /* in a slot */
  size_t value_step, grad_step; /* from a plane to the next one of the slot */
  int col, frame;               /* padded channels; 1: zeros around the image, for 3x3 convolutions */
  ptrdiff_t row;                /* floats from row to row */
  size_t value;                 /* first pixel, inside the frame */
  int grad_col;                 /* floats from pixel to pixel of the gradient: col, but for the images' */
  size_t grad;                  /* first pixel of the gradient (no frame); several tensors can share one */
  size_t stats; /* of its scale in the slot's statistics; its shift follows `col` floats later, and with affine
                 * normalisations scale and shift without gamma and beta */
};

/* A convolution's kernel calls. */
struct nsw_conv_place {
  struct nsw_conv_pass forward;   /* x to y */
  struct nsw_conv_pass weights;   /* x and dy to dw */
  struct nsw_conv_pass back[4];   /* dy to dx: one, or one for each parity of a strided convolution */
  ptrdiff_t back_x[4], back_y[4]; /* where each starts in dy and dx, from the first pixels */
  int backs;                      /* 0: nobody wants dx */
  size_t w, wb, dw;               /* packed weights, the same for the way back, their gradient: floats from the start */
  size_t w_size, wb_size, dw_size;
  bool wino;   /* by Winograd's kernels (net/wino.h): w and wb are transformed weights, dw is du */
  int tile[3]; /* then: rows of the tiles of the way forward, of the data gradient, of the weight gradient */
  size_t dy;   /* first pixel of the gradient of the raw output, in a slot */
  ptrdiff_t dy_row;
  size_t dy_size; /* floats of a plane of it, with its frame */
  int dy_frame;
  bool dy_is_grad; /* no post and no frame needed: dy is the tensor's own gradient */
  int lead;        /* of a 1x1 convolution of stride 1: the first of those that read the same tensor and are done
                    * together, at its steps, forward and back (itself where it is alone); -1: of another kind */
  int last;        /* of the lead: the last of them */
  int before;      /* the one before this; -1: none */
};

struct nsw_layer_place {
  struct nsw_conv_place conv;
  size_t which;               /* maxima: bytes in a slot's floats */
  size_t which_step;          /* from a plane's to the next one's */
  bool add[NSW_MAX_TERMS];    /* the gradient of src (or of each term) has been written before: add to it */
  bool shared[NSW_MAX_TERMS]; /* COMBINE: the term's gradient is the sum's own: nothing to do */
};

struct nsw_placement {
  struct nsw_tensor_place *tensor; /* [tensors] */
  struct nsw_layer_place *layer;   /* [layers] */
  size_t slot;                     /* floats of a slot */
  bool abreast;                    /* images lie side by side */
  size_t stats;                    /* floats of one image's statistics */
  size_t dy;                       /* floats of the largest gradient of a raw output, with its frame */
  size_t weights;                  /* floats of all packed weights (w and wb) */
  size_t grads;                    /* floats of all weight gradients */
  int widest;                      /* most padded channels of any tensor */
  size_t wino;                     /* floats of scratch memory Winograd's kernels need */
};

/* What there must be a place for. */
struct nsw_placement_wish {
  bool again;   /* values stay to the end, so that the way back can be gone again */
  bool images;  /* the images' gradient */
  bool back;    /* a way back; else values die with their last reader */
  bool weights; /* the weights' gradients */
  bool affine;  /* gammas other than 1 and betas other than 0 */
  int abreast;  /* images of a piece, a multiple of 4, where they may lie side by side; else 0 */
};

/* Makes it. Free with nsw_placement_free (also after an error). */
int nsw_placement_make(const struct nsw_net *net, struct nsw_placement_wish wish, struct nsw_placement *place,
                       struct nsw_error *err);
void nsw_placement_free(struct nsw_placement *place);

/* ---- of the placement's files ---- */

/* The kernel calls of a convolution whose tensors have their places, and room for its packed weights and gradients
 * behind those of earlier calls. back: whether its source's gradient is wanted; weights: whether its own is. */
void nsw_place_conv(const struct nsw_net *net, int layer, bool back, bool weights, struct nsw_placement *place);

#endif
