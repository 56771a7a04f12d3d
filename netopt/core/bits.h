/* Words of 64 bits, their bits, and the stream they come from and go to. */
#ifndef NETOPT_BITS_H
#define NETOPT_BITS_H

#include <string.h>

#include "tiers.h"

/* How many bits a number has, 0 for 0. */
BP_INLINE unsigned bp_bit_length(uint32_t v) {
#if defined(__GNUC__)
    return v == 0 ? 0 : 32 - (unsigned)__builtin_clz(v);
#else
    unsigned k = 0;
    for (; v > 0; v >>= 1)
        k++;
    return k;
#endif
}

/* How many zeros come before the lowest one; v is not 0. */
BP_INLINE unsigned bp_zeros_below(uint64_t v) {
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(v);
#else
    unsigned k = 0;
    for (; (v & 1) == 0; v >>= 1)
        k++;
    return k;
#endif
}

/* The low k bits of v in reverse, k in 1..32. */
BP_INLINE uint32_t bp_reversed(uint32_t v, unsigned k) {
    v = (v & UINT32_C(0x55555555)) << 1 | (v >> 1 & UINT32_C(0x55555555));
    v = (v & UINT32_C(0x33333333)) << 2 | (v >> 2 & UINT32_C(0x33333333));
    v = (v & UINT32_C(0x0F0F0F0F)) << 4 | (v >> 4 & UINT32_C(0x0F0F0F0F));
    v = (v & UINT32_C(0x00FF00FF)) << 8 | (v >> 8 & UINT32_C(0x00FF00FF));
    return (v << 16 | v >> 16) >> (32 - k);
}

/* Swaps a word's bytes where the machine is big-endian, so that memory is always little-endian. */
BP_INLINE uint64_t bp_little_endian(uint64_t v) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = (v & UINT64_C(0x00FF00FF00FF00FF)) << 8 | (v >> 8 & UINT64_C(0x00FF00FF00FF00FF));
    v = (v & UINT64_C(0x0000FFFF0000FFFF)) << 16 | (v >> 16 & UINT64_C(0x0000FFFF0000FFFF));
    v = v << 32 | v >> 32;
#endif
    return v;
}

BP_INLINE uint64_t bp_load_word(const uint8_t *stream) {
    uint64_t v;
    memcpy(&v, stream, sizeof v);
    return bp_little_endian(v);
}

BP_INLINE void bp_store_word(uint8_t *stream, uint64_t v) {
    v = bp_little_endian(v);
    memcpy(stream, &v, sizeof v);
}

#endif
