/* Variable-length codes, the reading side: whatever the bytes are, a result or a reason.
 *
 * A number is looked up by its next bits; long codes and the stream's end go bit group by bit group,
 * with every check.
 */
#include "codes.h"

#include <string.h>

#include "bitpack.h"
#include "bits.h"

typedef struct {
    const uint8_t *bytes;
    size_t size;
    uint64_t at; /* the next bit */
} reader;

enum { PEEKED = 57 }; /* how many bits peek() is sure to show */

static uint64_t bits_left(const reader *r) {
    return 8 * (uint64_t)r->size - r->at;
}

/* The next bits, the first one lowest, and zeros beyond the end. */
BP_INLINE uint64_t peek(const reader *r) {
    const size_t first = (size_t)(r->at >> 3), left = r->size - first;
    uint64_t v = 0;

    if (left >= 8)
        return bp_load_word(r->bytes + first) >> (r->at & 7);
    if (r->size >= 8 && left > 0)
        return bp_load_word(r->bytes + r->size - 8) >> 8 * (8 - left) >> (r->at & 7);
    for (size_t i = 0; i < left; i++)
        v |= (uint64_t)r->bytes[first + i] << 8 * i;
    return v >> (r->at & 7);
}

/* How many zeros come next; all that are left if there is no one. */
static uint64_t zeros_ahead(const reader *r) {
    const uint64_t v = peek(r);
    size_t i = (size_t)(r->at >> 3) + 1;

    if (v != 0)
        return bp_zeros_below(v);
    while (i < r->size && r->bytes[i] == 0)
        i++;
    if (i >= r->size)
        return bits_left(r);
    return 8 * (uint64_t)i + bp_zeros_below(r->bytes[i]) - r->at;
}

/* ---- one code, with every check: these return BP_CODED or what is wrong ---- */

/* Takes a number of `size` bits, the first one the highest. */
static int take(reader *r, uint64_t size, int complemented, uint32_t *value) {
    if (size > 31)
        return BP_ABOVE;
    if (size > bits_left(r))
        return BP_CUT;
    *value = (uint32_t)(peek(r) ^ (complemented ? UINT64_MAX : 0));
    *value = bp_reversed(*value, (unsigned)size);
    r->at += size;
    return BP_CODED;
}

static int take_omega(reader *r, uint32_t *value) {
    *value = 1;
    for (;;) {
        if (bits_left(r) == 0)
            return BP_CUT;
        if ((peek(r) & 1) != 0)
            break;
        const int wrong = take(r, (uint64_t)*value + 1, 1, value);
        if (wrong != BP_CODED)
            return wrong;
    }
    r->at++;
    return BP_CODED;
}

static int take_rice(reader *r, uint64_t quotient, unsigned parameter, uint32_t *value) {
    uint64_t low;

    if (quotient > (uint64_t)(BP_TOP - 1) >> parameter)
        return BP_ABOVE;
    r->at += quotient + 1;
    if (parameter > bits_left(r))
        return BP_CUT;
    low = peek(r) & bp_low_mask(parameter);
    r->at += parameter;
    low += (quotient << parameter) + 1;
    *value = (uint32_t)low;
    return low > BP_TOP ? BP_ABOVE : BP_CODED;
}

/* The number that the next bits code, and its code's length; 0 if they do not show all of it. */
BP_INLINE uint32_t glance(int code, uint64_t v, unsigned *length) {
    uint32_t found;
    unsigned zeros, used = 0;

    if (code <= BP_GAMMA && (found = bp_code_numbers[code][v & bp_low_mask(BP_CODE_PEEK)]) != 0) {
        *length = found >> 8;
        return found & UINT8_MAX;
    }
    if (code == BP_OMEGA) {
        for (found = 1; (v & 1) == 0; v >>= used - *length) {
            *length = used;
            used += found + 1;
            if (found > 30 || used >= PEEKED)
                return 0;
            found = bp_reversed(~(uint32_t)v, found + 1);
        }
        *length = used + 1;
        return found;
    }
    zeros = v == 0 ? PEEKED : bp_zeros_below(v);
    if (code == BP_GAMMA) {
        *length = 2 * zeros + 1;
        return *length > PEEKED ? 0 : bp_reversed((uint32_t)(v >> zeros), zeros + 1);
    }
    const unsigned parameter = (unsigned)(code - BP_RICE);
    *length = zeros + 1 + parameter;
    if (*length > PEEKED)
        return 0;
    v = (v >> 1 >> zeros & bp_low_mask(parameter)) + ((uint64_t)zeros << parameter) + 1;
    return v > BP_TOP ? 0 : (uint32_t)v;
}

static int take_long(reader *r, int code, uint32_t *value) {
    uint64_t zeros;

    *value = 0;
    if (code == BP_OMEGA)
        return take_omega(r, value);
    zeros = zeros_ahead(r);
    if (zeros == bits_left(r))
        return BP_CUT;
    if (code >= BP_RICE)
        return take_rice(r, zeros, (unsigned)(code - BP_RICE), value);
    r->at += zeros;
    return take(r, zeros + 1, 0, value);
}

BP_INLINE int take_code(reader *r, int code, uint32_t *value) {
    unsigned length = 0;
    reader copy; /* whose address escapes, so that r need not be in memory */
    int wrong = BP_CODED;

    *value = glance(code, peek(r), &length);
    if (*value != 0 && length <= bits_left(r)) {
        r->at += length;
        return BP_CODED;
    }
    copy = *r;
    wrong = take_long(&copy, code, value);
    *r = copy;
    return wrong;
}

/* ---- levels ---- */

/* What has been read, and what may be. */
typedef struct {
    reader r;
    size_t next, n; /* the index behind the level before; the coordinates */
    uint32_t largest;
    uint8_t *levels;
} sink;

/* Stores a level; returns BP_CODED or what is wrong. */
BP_INLINE int store(sink *s, uint32_t gap, uint32_t negative, uint32_t size) {
    const uint32_t level = (size ^ (0 - negative)) + negative;

    if (gap > s->n - s->next)
        return BP_BAD_INDEX;
    if (size > s->largest)
        return BP_BAD_LEVEL;
    s->next += gap;
    memcpy(s->levels + 4 * (s->next - 1), &level, sizeof level);
    return BP_CODED;
}

/* Reads a triple of short codes from the next bits, `left` of which are the stream's; returns its
 * bits, or 0 without reading if a code is longer or the stream ends. */
BP_INLINE unsigned take_short(sink *s, const uint16_t *table, uint64_t v, uint64_t left,
                              int *wrong) {
    const uint32_t gap = table[v & bp_low_mask(BP_CODE_PEEK)];
    const uint64_t rest = v >> (gap >> 8);
    const uint32_t size = table[rest >> 1 & bp_low_mask(BP_CODE_PEEK)];
    const unsigned bits = (gap >> 8) + 1 + (size >> 8);

    if (gap == 0 || size == 0 || bits > left)
        return 0;
    *wrong = store(s, gap & UINT8_MAX, rest & 1, size & UINT8_MAX);
    return bits;
}

/* Reads triples of short codes, two at a time; stops before another one. */
static int read_short(sink *s, int code) {
    const uint16_t *const table = bp_code_numbers[code];
    sink t = *s; /* compilers keep a copy in registers */
    int wrong = BP_CODED;

    for (;;) {
        const uint64_t v = peek(&t.r), left = bits_left(&t.r);
        const unsigned first = take_short(&t, table, v, left, &wrong);
        t.r.at += first;
        if (first == 0 || wrong != BP_CODED)
            break;
        /* Two have 46 bits at most, and 57 can be seen. */
        const unsigned second = take_short(&t, table, v >> first, left - first, &wrong);
        t.r.at += second;
        if (second == 0 || wrong != BP_CODED)
            break;
    }
    *s = t;
    return wrong;
}

/* Reads one triple. */
static int read_long(sink *s, int code) {
    uint32_t gap, negative, size;
    int wrong = take_code(&s->r, code, &gap);

    if (wrong != BP_CODED)
        return wrong;
    if (gap > s->n - s->next)
        return BP_BAD_INDEX;
    negative = peek(&s->r) & 1;
    if (bits_left(&s->r) == 0)
        return BP_CUT;
    s->r.at++;
    wrong = take_code(&s->r, code, &size);
    return wrong != BP_CODED ? wrong : store(s, gap, negative, size);
}

bp_coded bp_levels_get(const uint8_t *payload, size_t size, int code, uint32_t largest,
                       uint8_t *levels, size_t n) {
    sink s = {{payload, size, 0}, 0, n, largest, levels};
    int wrong = BP_CODED;

    memset(levels, 0, 4 * n);
    while (wrong == BP_CODED) {
        wrong = read_short(&s, code);
        if (wrong == BP_CODED && zeros_ahead(&s.r) == bits_left(&s.r))
            break;
        if (wrong == BP_CODED)
            wrong = read_long(&s, code);
    }
    if (wrong == BP_CODED && bits_left(&s.r) >= 8)
        wrong = BP_BAD_PADDING;
    return (bp_coded){wrong, s.r.at, 0};
}

/* ---- numbers ---- */

/* Reads k numbers; with the code as a constant, no choice is left in the loop. */
BP_INLINE int read_numbers(reader *r, int code, uint8_t *values, size_t k) {
    reader t = *r;
    int wrong = BP_CODED;

    for (size_t i = 0; i < k && wrong == BP_CODED; i++) {
        uint32_t value;
        wrong = take_code(&t, code, &value);
        memcpy(values + 4 * i, &value, sizeof value);
    }
    *r = t;
    return wrong;
}

bp_coded bp_numbers_get(const uint8_t *payload, size_t size, int code, uint8_t *values, size_t k) {
    reader r = {payload, size, 0};
    int wrong;

    if (code == BP_OMEGA)
        wrong = read_numbers(&r, BP_OMEGA, values, k);
    else if (code == BP_GAMMA)
        wrong = read_numbers(&r, BP_GAMMA, values, k);
    else
        wrong = read_numbers(&r, code, values, k);
    if (wrong == BP_CODED && r.at % 8 != 0 && payload[r.at >> 3] >> r.at % 8 != 0)
        wrong = BP_BAD_REST;
    return (bp_coded){wrong, r.at, 0};
}
