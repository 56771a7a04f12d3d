/* Variable-length codes, the writing side and the tables: small numbers' codes are looked up. */
#include "codes.h"

#include <string.h>

#include "bitpack.h"
#include "bits.h"

enum { SMALL = 256, GROUP = 64, STAGE = 4096, MOST_PER_GROUP = 1024 };

/* A code, at most 61 bits, and its length. */
typedef struct {
    uint64_t bits;
    unsigned length;
} word;

/* The codes of numbers below SMALL: bits in the low half, the length above. */
static uint32_t words[2][SMALL];

uint16_t bp_code_numbers[2][1 << BP_CODE_PEEK];

/* ---- codes ---- */

static word elias_omega(uint32_t v) {
    word w = {1, 1};

    while (v > 1) {
        const unsigned k = bp_bit_length(v);
        w.bits = w.bits << k | bp_reversed(~v, k);
        w.length += k;
        v = k - 1;
    }
    return w;
}

static word elias_gamma(uint32_t v) {
    const unsigned k = bp_bit_length(v);

    return (word){(uint64_t)bp_reversed(v, k) << (k - 1), 2 * k - 1};
}

static word elias(int code, uint32_t v) {
    return code == BP_OMEGA ? elias_omega(v) : elias_gamma(v);
}

static uint64_t length_of(int code, uint32_t v) {
    if (code >= BP_RICE)
        return (uint64_t)((v - 1) >> (code - BP_RICE)) + 1 + (unsigned)(code - BP_RICE);
    return v < SMALL ? words[code][v] >> 16 : elias(code, v).length;
}

void bp_codes_init(void) {
    for (int code = BP_OMEGA; code <= BP_GAMMA; code++)
        for (uint32_t v = 1; v < SMALL; v++) {
            const word w = elias(code, v);
            words[code][v] = (uint32_t)w.bits | w.length << 16;
            for (uint32_t rest = 0; w.length <= BP_CODE_PEEK &&
                                    rest < UINT32_C(1) << (BP_CODE_PEEK - w.length); rest++)
                bp_code_numbers[code][w.bits | rest << w.length] = (uint16_t)(v | w.length << 8);
        }
}

/* ---- writing: through a stage, so that no word is stored beyond what is needed ---- */

typedef struct {
    uint8_t *out;
    size_t room; /* bytes left of out */
    uint64_t bits; /* moved out */
    int full;
    uint8_t stage[STAGE + 8];
} writer;

/* Where the next bits go. Apart from the writer, so that compilers keep it in registers. */
typedef struct {
    uint8_t *at;
    uint64_t pending; /* less than a byte that is not on the stage yet */
    unsigned fill; /* how many bits that is */
} pen;

static pen start(writer *w, uint8_t *out, size_t room) {
    w->out = out;
    w->room = room;
    w->bits = 0;
    w->full = 0;
    return (pen){w->stage, 0, 0};
}

/* Moves the stage's bytes out; returns its beginning. */
static uint8_t *flush(writer *w, const uint8_t *at) {
    const size_t used = (size_t)(at - w->stage);

    w->full = w->full || used > w->room;
    if (!w->full) {
        memcpy(w->out, w->stage, used);
        w->out += used;
        w->room -= used;
        w->bits += 8 * (uint64_t)used;
    }
    return w->stage;
}

/* Makes room for one more group of levels, or a number. */
BP_INLINE void turn(writer *w, pen *p) {
    if (p->at > w->stage + STAGE - MOST_PER_GROUP)
        p->at = flush(w, p->at);
}

/* Puts up to 56 bits on the stage. */
BP_INLINE void put(pen *p, uint64_t bits, unsigned length) {
    p->pending |= bits << p->fill;
    p->fill += length;
    bp_store_word(p->at, p->pending);
    p->at += p->fill >> 3;
    p->pending >>= p->fill & ~7u;
    p->fill &= 7;
}

BP_INLINE void put_word(pen *p, word code) {
    put(p, code.bits & UINT32_MAX, code.length < 32 ? code.length : 32);
    if (code.length > 32)
        put(p, code.bits >> 32, code.length - 32);
}

BP_INLINE void put_rice(writer *w, pen *p, unsigned r, uint32_t v) {
    uint32_t quotient = (v - 1) >> r;

    while (quotient + r > 55) { /* put() takes what is left, a one and r bits at once */
        const unsigned some = quotient < 56 ? quotient : 56;
        put(p, 0, some);
        quotient -= some;
        turn(w, p);
        if (w->full)
            return;
    }
    put(p, (1 | ((v - 1) & bp_low_mask(r)) << 1) << quotient, quotient + 1 + r);
}

static bp_coded finish(writer *w, pen p) {
    if (p.fill > 0)
        *p.at++ = (uint8_t)p.pending;
    flush(w, p.at);
    return (bp_coded){w->full ? BP_NO_ROOM : BP_CODED, w->bits - (8 - p.fill) % 8, 0};
}

/* ---- levels ---- */

static uint32_t size_of(int32_t level) {
    return level < 0 ? 0 - (uint32_t)level : (uint32_t)level;
}

static int32_t level_at(const uint8_t *levels, size_t i) {
    int32_t level;
    memcpy(&level, levels + 4 * i, sizeof level);
    return level;
}

/* Which of the GROUP levels from `first` on are not zero, one bit each; those beyond n are. */
BP_INLINE uint64_t mask_of(const uint8_t *levels, size_t first, size_t n) {
    const uint8_t *from = levels + 4 * first;
    uint8_t copy[4 * GROUP], flags[GROUP];
    uint64_t mask = 0;

    if (n - first < GROUP) {
        memset(copy, 0, sizeof copy);
        from = memcpy(copy, from, 4 * (n - first));
    }
    for (size_t i = 0; i < GROUP; i++)
        flags[i] = level_at(from, i) != 0;
    /* Eight flags of a byte each: the product's highest byte has one bit of each. */
    for (int i = 0; i < GROUP; i += 8)
        mask |= (bp_load_word(flags + i) * UINT64_C(0x0102040810204080)) >> 56 << i;
    return mask;
}

bp_coded bp_levels_bits(const uint8_t *levels, size_t n, int code) {
    bp_coded found = {BP_CODED, 0, 0};
    size_t next = 0; /* the index behind the level before */

    for (size_t first = 0; first < n; first += GROUP)
        for (uint64_t mask = mask_of(levels, first, n); mask != 0; mask &= mask - 1) {
            const size_t i = first + bp_zeros_below(mask);
            const uint32_t size = size_of(level_at(levels, i));
            if (size > BP_HIGHEST)
                return (bp_coded){BP_NO_CODE, 0, i};
            found.bits += length_of(code, (uint32_t)(i + 1 - next)) + 1 + length_of(code, size);
            next = i + 1;
        }
    return found;
}

/* Puts a triple of any size; returns 0 if the level has no code. */
static int put_long(pen *p, int code, size_t gap, int32_t level) {
    const uint32_t size = size_of(level);

    if (size > BP_HIGHEST)
        return 0;
    put_word(p, elias(code, (uint32_t)gap));
    put(p, level < 0, 1);
    put_word(p, elias(code, size));
    return 1;
}

bp_coded bp_levels_put(const uint8_t *levels, size_t n, int code, uint8_t *out, size_t room) {
    const uint32_t *const small = words[code];
    size_t next = 0;
    writer w;
    pen p = start(&w, out, room), copy;

    for (size_t first = 0; first < n && !w.full; first += GROUP) {
        for (uint64_t mask = mask_of(levels, first, n); mask != 0; mask &= mask - 1) {
            const size_t i = first + bp_zeros_below(mask), gap = i + 1 - next;
            const int32_t level = level_at(levels, i);
            const uint32_t size = size_of(level);
            next = i + 1;
            if (gap < SMALL && size < SMALL) {
                const uint32_t a = small[gap], b = small[size], negative = level < 0;
                const uint64_t tail = negative | (b & UINT16_MAX) << 1;
                put(&p, (a & UINT16_MAX) | tail << (a >> 16), (a >> 16) + 1 + (b >> 16));
                continue;
            }
            copy = p; /* its address escapes, so that p need not be in memory */
            if (!put_long(&copy, code, gap, level))
                return (bp_coded){BP_NO_CODE, 0, 0};
            p = copy;
        }
        turn(&w, &p);
    }
    return finish(&w, p);
}

/* ---- numbers ---- */

static uint32_t value_at(const uint8_t *values, size_t i) {
    uint32_t v;
    memcpy(&v, values + 4 * i, sizeof v);
    return v;
}

bp_coded bp_numbers_bits(const uint8_t *values, size_t k, int code) {
    bp_coded found = {BP_CODED, 0, 0};

    for (size_t i = 0; i < k; i++) {
        const uint32_t v = value_at(values, i);
        if (v < 1 || v > BP_TOP)
            return (bp_coded){BP_NO_CODE, 0, i};
        found.bits += length_of(code, v);
    }
    return found;
}

bp_coded bp_numbers_put(const uint8_t *values, size_t k, int code, uint8_t *out, size_t room) {
    writer w;
    pen p = start(&w, out, room);

    for (size_t i = 0; i < k && !w.full; i++) {
        const uint32_t v = value_at(values, i);
        if (v < 1 || v > BP_TOP)
            return (bp_coded){BP_NO_CODE, 0, 0};
        if (code >= BP_RICE)
            put_rice(&w, &p, (unsigned)(code - BP_RICE), v);
        else if (v < SMALL)
            put(&p, words[code][v] & UINT16_MAX, words[code][v] >> 16);
        else
            put_word(&p, elias(code, v));
        turn(&w, &p);
    }
    return finish(&w, p);
}
