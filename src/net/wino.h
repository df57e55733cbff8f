/* Winograd's convolutions (Lavin and Gray, arXiv 1509.09308) for 3x3 of stride 1: F(2x2, 3x3) makes a tile of 2x2
 * outputs of 16 multiplications for each pair of channels instead of 36. With Y = A'[(G g G') * (B' d B)]A, d the 4x4
 * input pixels of a tile and * the product of the 16 places, each place is a matrix product over tiles and channels.
 *
 *   forward           y from x, with u = G g G', made once from the weights
 *   data gradient     the same function from dy to dx, with the weights turned
 *   weight gradient   du = sum over tiles of (B' d B) * (A dy A'); dg = G' du G when all images have passed
 *
 * Larger tiles spare more multiplications (3 or 2.25 an output instead of 4) and round more. A tile has m rows, 2 or 4.
 * Forward and back, where rounding piles up from layer to layer, it has 2 columns, and 4 rows only where channels are
 * few: 1.6 times the error of a direct sum. The weight gradient's tile is m x m: its error stays where it is made.
 *
 * The direct kernels of net/conv.h serve all other shapes. */
#ifndef NSW_NET_WINO_H
#define NSW_NET_WINO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/isa.h"

/* Places of a transformed tile: of a convolution, of a weight gradient. */
static inline int nsw_wino_places(int m) { return (m + 2) * 4; }
static inline int nsw_wino_square(int m) { return (m + 2) * (m + 2); }

/* Most tiles that are transformed at a time. */
static inline int nsw_wino_chunk(int m) { return m == 2 ? 64 : 32; }

/* The geometry of one pass over a group of images. Strides are in floats. */
struct nsw_wino_pass {
  int images;
  ptrdiff_t x_image, y_image; /* between images */
  int rows, cols;             /* output pixels: H, W; both even */
  ptrdiff_t x_row, x_col;     /* between input pixels; a frame of one pixel of zeros lies around the input */
  ptrdiff_t y_row, y_col;     /* between output pixels; no frame is read or written */
  int cin;                    /* C: input channels used; x is read up to the next multiple of 16 */
  int blocks;                 /* K / 16, rounded up */
  bool add;                   /* add to y instead of setting it */
};

/* Whether a pass can be done here: even sizes. */
static inline bool nsw_wino_fits(int rows, int cols) { return rows % 2 == 0 && cols % 2 == 0 && rows > 0 && cols > 0; }

/* The tile's rows of a convolution of so many input channels. */
static inline int nsw_wino_rows(int rows, int cin) { return rows % 4 == 0 && cin <= 64 ? 4 : 2; }

/* Those of a weight gradient: 4, but where the images are small beside a du that outgrows the caches. */
static inline int nsw_wino_tile(int rows, int cols, int cin, int cout) {
  return rows % 4 == 0 && cols % 4 == 0 && (rows * cols >= 256 || cin * cout <= 256 * 256) ? 4 : 2;
}

/* Floats of scratch memory that a convolution or a weight gradient of these channels needs. */
size_t nsw_wino_scratch(int cin, int blocks);

/* Weights as the passes read them, from PyTorch's [out][in][3][3]: u[out / 16][places of m][in][16] for the way forward
 * and, if back is not NULL, back[in / 16][places of back_m][out][16] for the way back. Channels that fill up a block
 * are zero. */
typedef void nsw_wino_weights_fn(const float *w, int out, int in, int m, float *u, int back_m, float *back);

/* y = convolution of x, for a group of images; both point at the first pixels of the first image. */
typedef void nsw_wino_conv_fn(const struct nsw_wino_pass *pass, int m, const float *x, const float *u, float *y,
                              float *scratch);

/* du[blocks][square of m][C rounded up to 16][16] += the group's part of the weights' gradient; dy takes the place of
 * y. The sum goes tile by tile in the order of the images, however they are grouped. */
typedef void nsw_wino_wgrad_fn(const struct nsw_wino_pass *pass, int m, const float *x, const float *dy, float *du,
                               float *scratch);

/* The gradient of a block of input by a block of output channels: dw[9][16][16] (tap, input, output) from du, which
 * points at the two blocks' first place; depth: blocks of input channels. */
typedef void nsw_wino_gradient_fn(int m, const float *du, int depth, float *dw);

NSW_KERNEL(nsw_wino_weights_fn, nsw_wino_weights);
NSW_KERNEL(nsw_wino_conv_fn, nsw_wino_conv);
NSW_KERNEL(nsw_wino_wgrad_fn, nsw_wino_wgrad);
NSW_KERNEL(nsw_wino_gradient_fn, nsw_wino_gradient);

#endif
