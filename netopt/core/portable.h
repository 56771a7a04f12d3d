/* The portable kernels, also the fallback of other tiers for widths and rests that gain nothing. */
#ifndef NETOPT_PORTABLE_H
#define NETOPT_PORTABLE_H

#include "bitpack.h"

#define PORTABLE_PACKERS(L) \
    uint64_t bp_portable_pack_##L(const void *values, size_t n, unsigned bits, uint8_t *out); \
    void bp_portable_unpack_##L(const uint8_t *payload, size_t n, unsigned bits, void *out);
PORTABLE_PACKERS(8)
PORTABLE_PACKERS(16)
PORTABLE_PACKERS(32)

#define PORTABLE_QUANTIZERS(T) \
    int bp_portable_quantize_##T(const void *x, size_t n, const bp_grid *grid, \
                                 const uint16_t *random, void *symbols); \
    uint32_t bp_portable_decode_##T(const uint8_t *payload, size_t n, const bp_grid *grid, \
                                    double weight, int add, void *out); \
    double bp_portable_l1_##T(const void *x, size_t n); \
    double bp_portable_l2_##T(const void *x, size_t n); \
    double bp_portable_squares_##T(const void *x, size_t n); \
    double bp_portable_linf_##T(const void *x, size_t n); \
    void bp_portable_extremes_##T(const void *x, size_t n, double range[2]); \
    void bp_portable_signs_##T(const void *x, size_t n, uint8_t *out);
PORTABLE_QUANTIZERS(float)
PORTABLE_QUANTIZERS(double)

/* Adds 16 lanes as a fixed tree: halves onto halves. */
double bp_tree_sum(double lanes[16]);

#endif
