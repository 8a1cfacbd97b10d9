// exp, log, tanh and their kin, a whole vector at a time.
//
// Error: within about 2 units in the last place. Where a result would be less than the smallest normal number, it is
// about that number instead. NaN stays NaN, but for log.
#pragma once

#include "cpp/src/lanes.h"

namespace {

template <class Real>
struct Format;

template <>
struct Format<float> {
    static constexpr int mantissa = 23;
    static constexpr int bias = 127;
    static constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, held in the low bits
    static constexpr float log2_e = 1.44269504f;
    static constexpr float ln2_high = 0.693359375f;  // few bits, so that its multiples are exact
    static constexpr float ln2_low = -2.12194440e-4f;
    static constexpr float exp_lowest = -87.33f;
    static constexpr float tanh_highest = 20.0f;  // tanh is 1 from here on
    static constexpr float tiny = 1.17549435e-38f;
    static constexpr std::int32_t sqrt_half = 0x3f3504f3;
    static constexpr std::int32_t sign = INT32_MIN;
};

template <>
struct Format<double> {
    static constexpr int mantissa = 52;
    static constexpr int bias = 1023;
    static constexpr double rounder = 6755399441055744.0;
    static constexpr double log2_e = 1.44269504088896340736;
    static constexpr double ln2_high = 6.93147180369123816490e-01;
    static constexpr double ln2_low = 1.90821492927058770002e-10;
    static constexpr double exp_lowest = -708.39;
    static constexpr double tanh_highest = 40.0;
    static constexpr double tiny = 2.2250738585072014e-308;
    static constexpr std::int64_t sqrt_half = 0x3fe6a09e667f3bcd;
    static constexpr std::int64_t sign = INT64_MIN;
};

// e^r - 1 for |r| <= ln(2) / 2.
ALWAYS_INLINE Vector<float> expm1_near_zero(Vector<float> r) {
    Vector<float> p = broadcast(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * (r * r) + r;
}

ALWAYS_INLINE Vector<double> expm1_near_zero(Vector<double> r) {
    Vector<double> p = broadcast(1.0 / 6227020800.0);  // Taylor's series: 0.35^14 / 14! is below the last place
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return p * (r * r) + r;
}

// x = n ln(2) + r: gives r, and 2^n as `scale`.
template <class Real>
ALWAYS_INLINE Vector<Real> reduce(Vector<Real> x, Vector<Real>& scale) {
    using F = Format<Real>;
    const Vector<Real> shifted = x * F::log2_e + F::rounder;
    const Vector<Real> n = shifted - F::rounder;
    const BitsVector<Real> exponent = (BitsVector<Real>)shifted + F::bias;
    scale = (Vector<Real>)(exponent << F::mantissa);
    return (x - n * F::ln2_high) - n * F::ln2_low;
}

// e^x where x and the result lie within the format's bounds.
template <class Real>
ALWAYS_INLINE Vector<Real> exp_of_bounded(Vector<Real> x) {
    Vector<Real> scale;
    const Vector<Real> r = reduce<Real>(x, scale);
    return expm1_near_zero(r) * scale + scale;
}

// e^x for x <= 0, and not less than about the smallest normal number.
template <class Real>
ALWAYS_INLINE Vector<Real> exp_below_zero(Vector<Real> x) {
    return exp_of_bounded<Real>(max<Real>(broadcast(Format<Real>::exp_lowest), x));
}

// 1 / x for a normal x whose inverse is normal.
template <class Real>
ALWAYS_INLINE Vector<Real> inverse(Vector<Real> x) {
    return Real(1) / x;
}

#if defined(__AVX512F__)
// A guess of 14 bits, and one of Newton's steps: several times faster than a division.
template <>
ALWAYS_INLINE Vector<float> inverse<float>(Vector<float> x) {
    const Vector<float> guess = _mm512_maskz_rcp14_ps(0xffff, x);
    return guess + guess * (1.0f - x * guess);
}
#endif

template <class Real>
ALWAYS_INLINE Vector<Real> sigmoid(Vector<Real> x) {
    constexpr Real bound = -Format<Real>::exp_lowest - Real(0.5);  // beyond it either way, e^-x leaves the format
    const Vector<Real> bounded = min<Real>(broadcast(bound), max<Real>(broadcast(-bound), x)), none = {};
    const Vector<Real> result = inverse<Real>(exp_of_bounded<Real>(-bounded) + Real(1));
    return x < -bound ? none : result;  // a closed gate lets nothing through, not even of an infinity
}

// tanh(x) for |x| < 0.625 (Cephes).
ALWAYS_INLINE Vector<float> tanh_near_zero(Vector<float> x) {
    const Vector<float> z = x * x;
    Vector<float> p = broadcast(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    return p * z * x + x;
}

ALWAYS_INLINE Vector<double> tanh_near_zero(Vector<double> x) {
    const Vector<double> z = x * x;
    Vector<double> p = broadcast(-9.64399179425052238628e-1);
    p = p * z - 9.92877231001918586564e1;
    p = p * z - 1.61468768441708447952e3;
    Vector<double> q = z + 1.12811678491632931402e2;
    q = q * z + 2.23548839060100448583e3;
    q = q * z + 4.84406305325125486048e3;
    return p / q * z * x + x;
}

// 1 - 2 / (e^(2x) + 1) where that loses no digits.
template <class Real>
ALWAYS_INLINE Vector<Real> tanh(Vector<Real> x) {
    const BitsVector<Real> sign = (BitsVector<Real>)x & Format<Real>::sign;
    const Vector<Real> size = (Vector<Real>)((BitsVector<Real>)x ^ sign);
    const Vector<Real> power = exp_of_bounded<Real>(Real(2) * min<Real>(broadcast(Format<Real>::tanh_highest), size));
    const Vector<Real> far = Real(1) - Real(2) * inverse<Real>(power + Real(1));
    return size < Real(0.625) ? tanh_near_zero(x) : (Vector<Real>)((BitsVector<Real>)far | sign);
}

// log(1 + f) for 1 + f between sqrt(1/2) and sqrt(2): f - f^2 / 2 + f^3 * (a polynomial).
ALWAYS_INLINE Vector<float> log1p_near_zero(Vector<float> f, Vector<float> low) {
    Vector<float> p = broadcast(7.0376836292e-2f);
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    const Vector<float> square = f * f;
    return (p * f * square + low) - 0.5f * square + f;
}

// The same by the odd series of s = f / (2 + f), which fdlibm uses.
ALWAYS_INLINE Vector<double> log1p_near_zero(Vector<double> f, Vector<double> low) {
    const Vector<double> s = f / (f + 2.0), z = s * s, half_square = f * f * 0.5;
    Vector<double> p = broadcast(1.479819860511658591e-01);
    p = p * z + 1.531383769920937332e-01;
    p = p * z + 1.818357216161805012e-01;
    p = p * z + 2.222219843214978396e-01;
    p = p * z + 2.857142874366239149e-01;
    p = p * z + 3.999999999940941908e-01;
    p = (p * z + 6.666666666666735130e-01) * z;
    return s * (half_square + p) + low - half_square + f;
}

// log of a normal number above zero; of NaN, some number.
template <class Real>
ALWAYS_INLINE Vector<Real> log(Vector<Real> x) {
    using F = Format<Real>;
    const BitsVector<Real> exponent = ((BitsVector<Real>)x - F::sqrt_half) >> F::mantissa;
    const Vector<Real> f = (Vector<Real>)((BitsVector<Real>)x - (exponent << F::mantissa)) - Real(1);
    const Vector<Real> n = __builtin_convertvector(exponent, Vector<Real>);
    return log1p_near_zero(f, n * F::ln2_low) + n * F::ln2_high;
}

// log of weights, the smallest normal number taken for what is less; of NaN and infinity, of either sign, NaN.
template <class Real>
ALWAYS_INLINE Vector<Real> log_of_weights(Vector<Real> x) {
    const Vector<Real> size = (Vector<Real>)((BitsVector<Real>)x & ~Format<Real>::sign);
    const Vector<Real> nan = broadcast(Real(__builtin_nan("")));
    const Vector<Real> logarithm = log<Real>(max<Real>(broadcast(Format<Real>::tiny), x));
    return size < Real(__builtin_inf()) ? logarithm : nan;
}

// log(1 + u) for u >= 0: the logarithm of the rounded sum, put right by what the rounding lost.
template <class Real>
ALWAYS_INLINE Vector<Real> log1p(Vector<Real> u) {
    const Vector<Real> sum = u + Real(1);
    return log<Real>(sum) + (u - (sum - Real(1))) * inverse<Real>(sum);
}

// log(1 + e^x), and x itself above 20, as torch has it; and its slope.
template <class Real>
ALWAYS_INLINE Vector<Real> softplus(Vector<Real> x, Vector<Real>& slope) {
    const BitsVector<Real> sign = (BitsVector<Real>)x & Format<Real>::sign;
    const Vector<Real> size = (Vector<Real>)((BitsVector<Real>)x ^ sign), zero = {}, one = broadcast(Real(1));
    const Vector<Real> power = exp_below_zero<Real>(-size);
    const Vector<Real> result = max<Real>(zero, x) + log1p<Real>(power);
    slope = (x < Real(0) ? power : one) * inverse<Real>(power + Real(1));
    slope = x > Real(20) ? one : slope;
    return x > Real(20) ? x : x == x ? result : x;
}

// One of the functions above, by its number, of every number of a list: for the tests.
template <class Real>
void tabulate(std::int32_t function, index_t count, const Real* from, Real* to) {
    for (index_t i = 0; i < count; i += LANES<Real>) {
        const Vector<Real> x = load_first(from + i, count - i);
        Vector<Real> slope;
        const Vector<Real> y = function == 0   ? exp_below_zero<Real>(x)
                               : function == 1 ? log<Real>(x)
                               : function == 2 ? tanh<Real>(x)
                               : function == 3 ? sigmoid<Real>(x)
                                               : softplus<Real>(x, slope);
        store_first(to + i, function == 5 ? slope : y, count - i);
    }
}

}  // namespace
