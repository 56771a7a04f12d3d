/* Bit packing in portable C99: no Python, no allocation, no global state but the tier.
 *
 * Layout: value i is bits [i * bits, (i + 1) * bits) of a little-endian bit stream of
 * bp_bytes(n, bits) bytes, whose pad bits are zero. Plain values are native uint8_t, uint16_t or
 * uint32_t (`itemsize` 1, 2 or 4), with 1 <= bits <= 8 * itemsize. No buffer need be aligned. Input
 * and output must not overlap. No function reads or writes a byte beyond what its contract names.
 */
#ifndef NETOPT_BITPACK_H
#define NETOPT_BITPACK_H

#include <stddef.h>
#include <stdint.h>

#define BP_MAX_BITS 32

/* Packs n plain values into bp_bytes(n, bits) bytes; returns 0, or non-zero if some value is 2^bits
 * or more, in which case those bytes are unspecified. */
typedef uint64_t bp_pack_fn(const void *values, size_t n, uint8_t *out);

/* Unpacks n values from bp_bytes(n, bits) bytes; ignores the pad bits. */
typedef void bp_unpack_fn(const uint8_t *payload, size_t n, void *out);

/* The kernels of one instruction set, indexed by [log2(itemsize)][bits]; others are NULL. */
typedef struct {
    const char *name;
    bp_pack_fn *pack[3][BP_MAX_BITS + 1];
    bp_unpack_fn *unpack[3][BP_MAX_BITS + 1];
} bp_tier;

/* Makes the named tier the active one (NULL or "": the best); returns 0, or -1 if there is none. */
int bp_select(const char *name);

/* The active tier's name. */
const char *bp_tier_name(void);

/* The names that bp_select accepts, joined by ", ". */
const char *bp_tier_choices(void);

/* ceil(n * bits / 8), for n up to SIZE_MAX / 4. */
size_t bp_bytes(size_t n, unsigned bits);

/* Packs through the active tier; results as bp_pack_fn, 0 or non-zero. */
int bp_pack(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out);

/* Unpacks through the active tier. */
void bp_unpack(const uint8_t *payload, size_t n, unsigned bits, void *out, unsigned itemsize);

/* The same two, one value and one byte at a time: the yardstick, and an oracle for the tiers. */
int bp_pack_naive(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out);
void bp_unpack_naive(const uint8_t *payload, size_t n, unsigned bits, void *out,
                     unsigned itemsize);

/* The pad bits after n values, as a number below 128; 0 for every payload that a packer wrote. */
unsigned bp_pad_bits(const uint8_t *payload, size_t n, unsigned bits);

/* Plain value number i. */
uint32_t bp_value(const void *values, unsigned itemsize, size_t i);

/* The index of the first value that is 2^bits or more, or n. */
size_t bp_first_too_large(const void *values, unsigned itemsize, size_t n, unsigned bits);

#endif
