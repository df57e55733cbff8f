/* SynFlow: the flow through each weight, |w| times the gradient of the sum of logits, of the network with absolute
 * weights and no normalisation, on an image of ones. Values run from 1e10 to 1e80, which the engine keeps in float's
 * range by powers of two. */
#include "proxy/measure.h"
#include "proxy/table.h"

static const struct nsw_measure measure = {.pass = &nsw_pass_flow, .term = nsw_saliency};

static const struct nsw_proxy_column columns[] = {{"synflow", "sum over weights of |weight| x flow gradient", +1}, {0}};

const struct nsw_proxy nsw_proxy_synflow = {
    .name = "synflow",
    .group = "gradient",
    .source =
        "Tanaka et al., Pruning neural networks without any data by iteratively conserving synaptic flow, arXiv "
        "2006.05467; as a score of networks in Abdelfattah et al., arXiv 2101.08134",
    .needs = NSW_NEEDS_NETWORK | NSW_NEEDS_SEED,
    .columns = columns,
    .measure = &measure,
};
