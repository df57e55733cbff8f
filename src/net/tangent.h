/* Hessian times weights, exactly: tangents along the weights themselves, forward over reverse (Pearlmutter, Fast Exact
 * Multiplication by the Hessian, 1994; Griewank and Walther, Evaluating Derivatives, chapter 5).
 *
 * The derivative at t = 1 of all that a run computes with weights t w. Weights are the convolutions' and the
 * classifier's matrix; its bias stays. ReLUs and maxima stay as w has them, as automatic differentiation has it. Every
 * image has two slots: its values in slot s, their tangents in slot images + s.
 *
 * A convolution that is normalised hardly changes with its own weights' length: of xhat, the tangent is only
 * eps / (variance + eps). Computed as it stands that would be a difference of large numbers; so the convolution's
 * output itself is left out of its tangent, and what remains of it is put back behind the normalisation. Likewise on
 * the way back, where the derivative of t times a gradient is followed, not that of the gradient: the difference of
 * the two cancels against normalisation's step. */
#ifndef NSW_NET_TANGENT_H
#define NSW_NET_TANGENT_H

#include "net/engine.h"

/* Goes forward and back with tangents. The network is bound with NSW_NORM_BATCH and NSW_WANT_TANGENT, its gradients at
 * zero. Every gamma is 1 and every beta 0: nsw_engine_bind refuses others, and other normalisations (NSW_USAGE).
 * Observers and probes have no part in it. Afterwards the gradient of a convolution or of the classifier's matrix
 * (nsw_engine_gradient) is its part of H w + g, of the summed loss: the derivative of t times the gradient at t w.
 * Other parameters' gradients stay zero. Logits, losses and features are those of a run forward. */
void nsw_engine_tangent(struct nsw_engine *engine);

#endif
