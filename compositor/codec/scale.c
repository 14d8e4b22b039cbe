#include "pixels.h"

#include <string.h>

#include <libyuv.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define INLINE inline __attribute__((always_inline))

enum {
    REACH = 7,   /* how far a step shrinks at most: what it covers is MOST samples */
    MOST = 8,    /* samples that one is made of */
    STRIP = 512, /* columns made at a time, so that what they need stays in the nearest cache */
};

/* stretch is one dimension: each of m samples is made of so many, 2, 4 or 8, of n. Shrinking, they are what it
 * covers; enlarging, the two nearest. */
typedef struct {
    int n, m, taps;
    int64_t step, begin; /* samples from one to the next, and before the first, in 1 / 2^32 */
    int64_t scale;       /* the share of a whole sample, in 1 / 2^16 */
} stretch;

/* taps are samples with their shares, which add up to 128. */
typedef struct {
    int at[MOST], share[MOST];
} taps;

/* gather is how 32 / taps outputs are made of 32 samples, 16 from each place. */
typedef struct {
    uint8_t pick[32];
    int8_t share[32];
    int from[2];
} __attribute__((aligned(32))) gather;

static const int64_t one = (int64_t)1 << 32;

static stretch stretched(int n, int m) {
    stretch s = {.n = n, .m = m, .step = n * one / m};
    int count = n <= m ? 2 : n / m + (n % m ? 2 : 0);
    s.taps = count <= 2 ? 2 : count <= 4 ? 4 : MOST;
    s.begin = n <= m ? (s.step - one) / 2 : 0;
    s.scale = 128 * one / ((n <= m ? one : s.step) >> 16);
    return s;
}

/* taps_of is what output i is made of. A share of 128, which 8 bits don't hold, is twice one of 64. */
static taps taps_of(const stretch *s, int i) {
    int64_t from = i * s->step + s->begin, end = (s->n - 1) * one;
    from = from < 0 ? 0 : from > end ? end : from;
    int first = from >> 32, sum = 0;
    int64_t covered = ((one - (from & (one - 1))) >> 16) * s->scale + one / 2;
    taps t;
    for (int k = 0; k < s->taps; k++, covered += s->scale << 16) {
        int upto = covered >= 128 * one ? 128 : covered >> 32;
        t.at[k] = first + k < s->n ? first + k : s->n - 1;
        t.share[k] = upto - sum;
        sum = upto;
    }
    for (int k = 0; k < 2; k++)
        if (t.share[k] == 128) {
            t.at[k ^ 1] = t.at[k];
            t.share[0] = t.share[1] = 64;
        }
    return t;
}

/* plan makes the gathers of n outputs from x on, taps / 2 for each 16 of them, out of a row that begins at base. */
static void plan(gather *g, const stretch *s, int x, int n, int base) {
    int each = 16 / s->taps;
    for (int end = x + n; x < end; x += 16)
        for (int j = x; j < x + 8; j += each, g++)
            for (int lane = 0; lane < 2; lane++)
                for (int o = 0; o < each; o++) {
                    int i = j + 8 * lane + o, at = 16 * lane + o * s->taps;
                    taps t = taps_of(s, i < s->m ? i : s->m - 1);
                    if (o == 0)
                        g->from[lane] = t.at[0] - base;
                    for (int k = 0; k < s->taps; k++) {
                        g->pick[at + k] = t.share[k] ? t.at[k] - base - g->from[lane] : 0x80;
                        g->share[at + k] = t.share[k];
                    }
                }
}

/* sum_rows makes a row of several, and has the next ones fetched. n is at least 32. */
AVX2 static INLINE void sum_rows(uint8_t *out, const uint8_t *const *row, const uint8_t *const *next, const int *share,
                                 const int taps, int n) {
    __m256i by[MOST / 2];
    for (int k = 0; k < taps; k += 2)
        by[k / 2] = _mm256_set1_epi16(share[k] | share[k + 1] << 8);
    for (int x = 0; x < n; x += 32) {
        __m256i lo = _mm256_set1_epi16(64), hi = lo;
        if (x > n - 32)
            x = n - 32;
#pragma GCC unroll 4
        for (int k = 0; k < taps; k += 2) {
            _mm_prefetch((const char *)(next[k] + x), _MM_HINT_T0);
            _mm_prefetch((const char *)(next[k + 1] + x), _MM_HINT_T0);
            __m256i a = _mm256_loadu_si256((const __m256i *)(row[k] + x));
            __m256i b = _mm256_loadu_si256((const __m256i *)(row[k + 1] + x));
            lo = _mm256_add_epi16(lo, _mm256_maddubs_epi16(_mm256_unpacklo_epi8(a, b), by[k / 2]));
            hi = _mm256_add_epi16(hi, _mm256_maddubs_epi16(_mm256_unpackhi_epi8(a, b), by[k / 2]));
        }
        _mm256_storeu_si256((__m256i *)(out + x), _mm256_packus_epi16(_mm256_srli_epi16(lo, 7), _mm256_srli_epi16(hi, 7)));
    }
}

AVX2 static void rows(uint8_t *out, const uint8_t *const *row, const uint8_t *const *next, const int *share, int taps, int n) {
    if (n < 32)
        for (int x = 0; x < n; x++) {
            int sum = 64;
            for (int k = 0; k < taps; k++)
                sum += row[k][x] * share[k];
            out[x] = sum >> 7;
        }
    else if (taps == 2)
        sum_rows(out, row, next, share, 2, n);
    else if (taps == 4)
        sum_rows(out, row, next, share, 4, n);
    else
        sum_rows(out, row, next, share, MOST, n);
}

AVX2 static INLINE __m256i gathered(const uint8_t *row, const gather *g) {
    __m128i a = _mm_loadu_si128((const __m128i *)(row + g->from[0])), b = _mm_loadu_si128((const __m128i *)(row + g->from[1]));
    __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
    v = _mm256_shuffle_epi8(v, _mm256_load_si256((const __m256i *)g->pick));
    return _mm256_maddubs_epi16(v, _mm256_load_si256((const __m256i *)g->share));
}

/* sum_columns makes n samples of a row that has 16 bytes to spare behind it. */
AVX2 static INLINE void sum_columns(uint8_t *out, const uint8_t *row, const gather *g, const int taps, int n) {
    for (int x = 0; x < n; x += 16, g += taps / 2) {
        __m256i v = gathered(row, g);
        if (taps >= 4)
            v = _mm256_hadd_epi16(v, gathered(row, g + 1));
        if (taps == MOST)
            v = _mm256_hadd_epi16(v, _mm256_hadd_epi16(gathered(row, g + 2), gathered(row, g + 3)));
        v = _mm256_srli_epi16(_mm256_add_epi16(v, _mm256_set1_epi16(64)), 7);
        __m128i u = _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        if (x + 16 <= n)
            _mm_storeu_si128((__m128i *)(out + x), u);
        else
            memcpy(out + x, &u, n - x);
    }
}

AVX2 static void columns(uint8_t *out, const uint8_t *row, const gather *g, int taps, int n) {
    if (taps == 2)
        sum_columns(out, row, g, 2, n);
    else if (taps == 4)
        sum_columns(out, row, g, 4, n);
    else
        sum_columns(out, row, g, MOST, n);
}

/* point says where the rows of t are. One without a share is not read for nothing. */
static void point(const uint8_t **row, const taps *t, int n, const uint8_t *src, int stride) {
    for (int k = 0; k < n; k++)
        row[k] = src + (ptrdiff_t)(t->share[k] ? t->at[k] : t->at[k ^ 1]) * stride;
}

/* resample stretches a plane, which is no more than REACH times as wide or high as what it becomes. */
static void resample(uint8_t *dst, int dst_stride, int dw, int dh, const uint8_t *src, int stride, int w, int h) {
    gather g[STRIP / 16 * MOST / 2];
    uint8_t row[STRIP * MOST + MOST + 32] __attribute__((aligned(32)));
    const uint8_t *from[2][MOST]; /* rows for this one, and for the next */
    stretch across = stretched(w, dw), down = stretched(h, dh);
    for (int x = 0; x < dw; x += STRIP) {
        int n = dw - x < STRIP ? dw - x : STRIP;
        int base = taps_of(&across, x).at[0];
        int used = taps_of(&across, x + n - 1).at[across.taps - 1] + 1 - base;
        plan(g, &across, x, n, base);
        taps t = taps_of(&down, 0);
        point(from[0], &t, down.taps, src + base, stride);
        for (int y = 0; y < dh; y++) {
            taps next = taps_of(&down, y + 1 < dh ? y + 1 : y);
            point(from[~y & 1], &next, down.taps, src + base, stride);
            rows(row, from[y & 1], from[~y & 1], t.share, down.taps, used);
            columns(dst + (ptrdiff_t)y * dst_stride + x, row, g, across.taps, n);
            t = next;
        }
    }
}

/* halve makes one sample of four. dw is at least 32. */
AVX2 static void halve(uint8_t *dst, int dst_stride, int dw, int dh, const uint8_t *src, int stride) {
    const __m256i ones = _mm256_set1_epi8(1), two = _mm256_set1_epi16(2);
    for (int y = 0; y < dh; y++, dst += dst_stride, src += 2 * (ptrdiff_t)stride) {
        const uint8_t *soon = y + 2 < dh ? src + 4 * (ptrdiff_t)stride : src;
        for (int x = 0; x < dw; x += 32) {
            __m256i sum[2];
            if (x > dw - 32)
                x = dw - 32;
            for (int i = 0; i < 2; i++) {
                const uint8_t *upper = src + 2 * x + 32 * i, *lower = upper + stride;
                sum[i] = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)upper), ones);
                sum[i] = _mm256_add_epi16(sum[i], _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)lower), ones));
                sum[i] = _mm256_srli_epi16(_mm256_add_epi16(sum[i], two), 2);
            }
            _mm_prefetch((const char *)(soon + 2 * x), _MM_HINT_T0);
            _mm_prefetch((const char *)(soon + stride + 2 * x), _MM_HINT_T0);
            _mm256_storeu_si256((__m256i *)(dst + x), _mm256_permute4x64_epi64(_mm256_packus_epi16(sum[0], sum[1]), 0xd8));
        }
    }
}

int tc_reach(void) { return __builtin_cpu_supports("avx2") ? REACH : 2; }

/* own scales a plane, unless libyuv has a better way for the ratio. */
static int own(uint8_t *dst, int dst_stride, int dw, int dh, const uint8_t *src, int stride, int w, int h) {
    if (w == 2 * dw && h == 2 * dh && dw >= 32)
        halve(dst, dst_stride, dw, dh, src, stride);
    else if ((w == dw && h == dh) || (2 * w == dw && 2 * h == dh) || (3 * w == 4 * dw && 3 * h == 4 * dh))
        return 0;
    else
        resample(dst, dst_stride, dw, dh, src, stride, w, h);
    return 1;
}

#else

int tc_reach(void) { return 2; }

static int own(uint8_t *dst, int dst_stride, int dw, int dh, const uint8_t *src, int stride, int w, int h) { return 0; }

#endif

static void scale_plane(uint8_t *dst, int dst_stride, int dw, int dh, const uint8_t *src, int stride, int w, int h, int reach) {
    if (reach <= 2 || !own(dst, dst_stride, dw, dh, src, stride, w, h))
        ScalePlane(src, stride, w, h, dst, dst_stride, dw, dh, kFilterBox);
}

void tc_scale(uint8_t *dy, uint8_t *du, uint8_t *dv, int dsy, int dsc, int dw, int dh,
              const uint8_t *y, const uint8_t *u, const uint8_t *v, int sy, int sc, int w, int h, int reach) {
    scale_plane(dy, dsy, dw, dh, y, sy, w, h, reach);
    scale_plane(du, dsc, (dw + 1) / 2, (dh + 1) / 2, u, sc, (w + 1) / 2, (h + 1) / 2, reach);
    scale_plane(dv, dsc, (dw + 1) / 2, (dh + 1) / 2, v, sc, (w + 1) / 2, (h + 1) / 2, reach);
}
