/* Loops over SLEEF's vector functions of at most 1.0 ulp (erfc 1.5, hypot 0.5), for benches/elementary.py.
 *
 *   gcc -O3 -march=native -shared -fPIC sleef.c -lsleef -o sleef.so
 *
 * NAME_f64 and NAME_f32 compute out[i] from x[i] (and y[i]) for i < n; n is a multiple of 16. Needs AVX2 with FMA. */
#include <immintrin.h>
#include <sleef.h>
#include <stddef.h>

#if defined(__AVX512F__)
#define WIDTH_D 8
#define WIDTH_F 16
#define LOAD_D _mm512_loadu_pd
#define LOAD_F _mm512_loadu_ps
#define STORE_D _mm512_storeu_pd
#define STORE_F _mm512_storeu_ps
#define D(f, ulp) Sleef_##f##d8_##ulp##avx512f
#define F(f, ulp) Sleef_##f##f16_##ulp##avx512f
#else
#define WIDTH_D 4
#define WIDTH_F 8
#define LOAD_D _mm256_loadu_pd
#define LOAD_F _mm256_loadu_ps
#define STORE_D _mm256_storeu_pd
#define STORE_F _mm256_storeu_ps
#define D(f, ulp) Sleef_##f##d4_##ulp##avx2
#define F(f, ulp) Sleef_##f##f8_##ulp##avx2
#endif

#define ONE(name, f, ulp) \
    void name##_f64(const double *x, const double *y, double *out, size_t n) { \
        (void)y; \
        for (size_t i = 0; i < n; i += WIDTH_D) STORE_D(out + i, D(f, ulp)(LOAD_D(x + i))); \
    } \
    void name##_f32(const float *x, const float *y, float *out, size_t n) { \
        (void)y; \
        for (size_t i = 0; i < n; i += WIDTH_F) STORE_F(out + i, F(f, ulp)(LOAD_F(x + i))); \
    }

#define TWO(name, f, ulp) \
    void name##_f64(const double *x, const double *y, double *out, size_t n) { \
        for (size_t i = 0; i < n; i += WIDTH_D) STORE_D(out + i, D(f, ulp)(LOAD_D(x + i), LOAD_D(y + i))); \
    } \
    void name##_f32(const float *x, const float *y, float *out, size_t n) { \
        for (size_t i = 0; i < n; i += WIDTH_F) STORE_F(out + i, F(f, ulp)(LOAD_F(x + i), LOAD_F(y + i))); \
    }

ONE(exp, exp, u10)
ONE(exp2, exp2, u10)
ONE(expm1, expm1, u10)
ONE(log, log, u10)
ONE(log2, log2, u10)
ONE(log10, log10, u10)
ONE(log1p, log1p, u10)
ONE(sin, sin, u10)
ONE(cos, cos, u10)
ONE(tan, tan, u10)
ONE(asin, asin, u10)
ONE(acos, acos, u10)
ONE(atan, atan, u10)
ONE(sinh, sinh, u10)
ONE(cosh, cosh, u10)
ONE(tanh, tanh, u10)
ONE(asinh, asinh, u10)
ONE(acosh, acosh, u10)
ONE(atanh, atanh, u10)
ONE(cbrt, cbrt, u10)
ONE(erf, erf, u10)
ONE(erfc, erfc, u15)
ONE(gamma, tgamma, u10)
ONE(lgamma, lgamma, u10)
TWO(pow, pow, u10)
TWO(atan2, atan2, u10)
TWO(hypot, hypot, u05)

const char *instructions(void) { return WIDTH_D == 8 ? "AVX-512" : "AVX2"; }

int version(void) { return SLEEF_VERSION_MAJOR * 10000 + SLEEF_VERSION_MINOR * 100 + SLEEF_VERSION_PATCHLEVEL; }
