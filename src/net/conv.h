/* Convolution kernels. Letters: H, W rows and columns of the output; C input and K output channels; k taps a side.
 * Activations are channels last; channels come in blocks of 16, the last one filled up with zeros. */
#ifndef NSW_NET_CONV_H
#define NSW_NET_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/isa.h"

enum { NSW_BLOCK = 16, NSW_MAX_TAPS = 9 }; /* channels come in blocks of 16 */

/* The geometry of one pass over one image: y[h][w][:] (+)= sum over taps t of x[h][w][:] shifted by tap_x[t],
 * times w[:][tap_w[t]][:][:]. Strides are in floats, so that one kernel serves strides 1 and 2, padded and packed
 * images, and the scattered output of a strided convolution's backward pass. */
struct nsw_conv_pass {
  int rows, cols;                /* output pixels: H, W */
  ptrdiff_t x_row, x_col;        /* from an output's input pixel to the next output's */
  ptrdiff_t y_row, y_col;        /* between output pixels */
  int cin;                       /* C: input channels read (need not be a multiple of 16) */
  int blocks;                    /* K / 16, rounded up */
  int taps;                      /* taps used by this pass */
  ptrdiff_t tap_x[NSW_MAX_TAPS]; /* shift of each tap in x */
  int tap_w[NSW_MAX_TAPS];       /* its place in the packed weights */
  int w_taps;                    /* taps in the packed weights: w is [blocks][w_taps][cin][16] */
  bool add;                      /* add to y instead of setting it */
};

/* y = convolution of x with w, for one image. x and y point at the first output's pixels. */
typedef void nsw_conv_fn(const struct nsw_conv_pass *pass, const float *x, const float *w, float *y);

/* Rows of a strip: some 64 pixels. The kernels go over a strip with all blocks of channels before they begin the next
 * one, so that its input stays in the first two caches. */
static inline int nsw_conv_strip(int cols) { return cols < 64 ? 64 / cols : 1; }

/* Blocks of 16 that hold so many channels. */
static inline int nsw_conv_blocks(int channels) { return (channels + NSW_BLOCK - 1) / NSW_BLOCK; }

/* Input channels as the weight gradient stores them: rounded up to a block, or to 4 for the stem's three. */
static inline int nsw_conv_depth(int cin) { return cin <= 4 ? 4 : (cin + 15) / 16 * 16; }

/* The gradient of the weights, added to dw[blocks][w_taps][nsw_conv_depth(cin)][16]: sum over pixels of x (shifted by
 * the tap) times dy; dy takes the place of y in the pass. x is read up to the depth: its padding must be zero. */
typedef void nsw_conv_wgrad_fn(const struct nsw_conv_pass *pass, const float *x, const float *dy, float *dw);

/* The gradient of a single output channel's weights for one image: out[taps][16] = sum over pixels of x's channels
 * (shifted by the tap) times dy's channel. x points at the first of 16 channels, dy at the channel. */
typedef void nsw_conv_probe_fn(const struct nsw_conv_pass *pass, const float *x, const float *dy, float *out);

/* The same with several images side by side in the output's (or dy's) one block of 16 lanes, w for each of them:
 * [w_taps][cin][16] with an image's weights again for the next. Lanes 4q to 4q + 3 belong to an image whose channel 0
 * stands from[q] floats behind x; dw holds every image's sum in its lanes. */
enum { NSW_QUADS = NSW_BLOCK / 4 };
typedef void nsw_abreast_conv_fn(const struct nsw_conv_pass *pass, const ptrdiff_t from[NSW_QUADS], const float *x,
                                 const float *w, float *y);
typedef void nsw_abreast_wgrad_fn(const struct nsw_conv_pass *pass, const ptrdiff_t from[NSW_QUADS], const float *x,
                                  const float *dy, float *dw);

NSW_KERNEL(nsw_abreast_conv_fn, nsw_abreast_conv);
NSW_KERNEL(nsw_abreast_wgrad_fn, nsw_abreast_wgrad);
NSW_KERNEL(nsw_conv_probe_fn, nsw_conv_probe);
NSW_KERNEL(nsw_conv_fn, nsw_conv);
NSW_KERNEL(nsw_conv_wgrad_fn, nsw_conv_wgrad);

#endif
