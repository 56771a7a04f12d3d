/* Whole numbers from 1 to 2^31 - 1 in variable-length codes, and sparse vectors of levels made of
 * them: no Python, no allocation, no state but tables.
 *
 * A code's first bit is the lowest in the stream. Elias gamma: as many zeros as the number has bits
 * after its first, then the number, highest bit first. Elias omega: the COMPLEMENT of the textbook's
 * bits, whose lengths are unchanged (1: 1 bit, 2-3: 3, 4-7: 6, 8-15: 7, 16-31: 11). Rice with
 * parameter r, of v: (v - 1) >> r zeros, a one, then the r low bits of v - 1, lowest first.
 *
 * A vector of levels is a triple for each level that is not zero: the code of the gap to the one
 * before it (of the first: its index + 1), a sign bit (1: negative), the code of |level|. Nothing
 * says how many there are: the stream ends with the payload, padded to a byte by zeros. So up to
 * seven zeros must not hold a code. A gamma code holds a one. In textbook omega a zero is the code of
 * 1, and that is why it is complemented: there zeros are ones, each of them the start of a longer
 * group, and the code goes on for at least seven bits. Codes are unique, and so are payloads.
 *
 * No buffer need be aligned. No function reads or writes a byte beyond what its contract names. */
#ifndef NETOPT_CODES_H
#define NETOPT_CODES_H

#include <stddef.h>
#include <stdint.h>

/* BP_RICE + r is Rice with parameter r, up to BP_LAST_CODE. */
enum { BP_OMEGA, BP_GAMMA, BP_RICE, BP_LAST_CODE = 32 };

/* The largest number that has a code, and the largest size of a level. */
enum { BP_TOP = INT32_MAX, BP_HIGHEST = 1 << 30 };

/* What went wrong: no room; a number that has no code; the stream ends within a code; it codes a
 * number above BP_TOP, an index beyond n, a level above the largest; eight or more bits of padding;
 * bits behind the last code of a byte. */
enum {
    BP_CODED, BP_NO_ROOM, BP_NO_CODE, BP_CUT, BP_ABOVE, BP_BAD_INDEX, BP_BAD_LEVEL, BP_BAD_PADDING,
    BP_BAD_REST
};

/* The outcome of a call: `what` of the above, the bits written, read or needed, and after BP_NO_CODE
 * the index of the first number without one. */
typedef struct {
    int what;
    uint64_t bits;
    size_t index;
} bp_coded;

/* By the next BP_CODE_PEEK bits of an Elias stream: the number that they begin with in the low byte
 * and its code's length above, or 0 if that is longer. */
enum { BP_CODE_PEEK = 11 };
extern uint16_t bp_code_numbers[2][1 << BP_CODE_PEEK];

/* Fills the tables; to be called before anything else. */
void bp_codes_init(void);

/* The bits that n levels, int32_t, take: BP_CODED or BP_NO_CODE. */
bp_coded bp_levels_bits(const uint8_t *levels, size_t n, int code);

/* Writes n levels' triples and zeros up to the byte: BP_CODED; or BP_NO_ROOM or BP_NO_CODE, after
 * which `room` bytes of out are unspecified and so are bits and index. */
bp_coded bp_levels_put(const uint8_t *levels, size_t n, int code, uint8_t *out, size_t room);

/* Reads triples up to the end of `size` bytes into n levels, int32_t; these are unspecified if the
 * outcome is not BP_CODED. */
bp_coded bp_levels_get(const uint8_t *payload, size_t size, int code, uint32_t largest,
                       uint8_t *levels, size_t n);

/* The same for a plain run of k numbers, int32_t or uint32_t; reading leaves what comes behind the
 * byte in which the last code ends. */
bp_coded bp_numbers_bits(const uint8_t *values, size_t k, int code);
bp_coded bp_numbers_put(const uint8_t *values, size_t k, int code, uint8_t *out, size_t room);
bp_coded bp_numbers_get(const uint8_t *payload, size_t size, int code, uint8_t *values, size_t k);

#endif
