// The elementwise part of a controller's layer, for one sequence and one step.
#pragma once

#include "cpp/src/functions.h"
#include "cpp/src/layout.h"

namespace {

// to = function(to), of so many numbers.
template <class Real, class Function>
ALWAYS_INLINE void map(index_t count, Real* to, const Function& function) {
    for (index_t i = 0; i < count; i += LANES<Real>) {
        store_first(to + i, function(load_first(to + i, count - i)), count - i);
    }
}

// i, f, o = sigmoid, z = tanh of the gates, in place; c <- f c + i z; h <- o tanh(c).
//
// Short passes one after the other: a long one would leave the processor waiting for each gate in turn.
template <class Real>
void lstm(index_t units, Real* gates, const Real* cell_before, Real* cell, Real* cell_tanh, Real* hidden) {
    const Real *input = gates, *forget = gates + units, *candidate = gates + 2 * units, *output = gates + 3 * units;
    map(2 * units, gates, [](Vector<Real> x) { return sigmoid<Real>(x); });
    map(units, gates + 2 * units, [](Vector<Real> x) { return tanh<Real>(x); });
    map(units, gates + 3 * units, [](Vector<Real> x) { return sigmoid<Real>(x); });
    for (index_t i = 0; i < units; i += LANES<Real>) {
        const index_t left = units - i;
        const Vector<Real> kept = load_first(forget + i, left) * load_first(cell_before + i, left);
        const Vector<Real> c = kept + load_first(input + i, left) * load_first(candidate + i, left);
        const Vector<Real> c_tanh = tanh<Real>(c);
        store_first(cell + i, c, left);
        store_first(cell_tanh + i, c_tanh, left);
        store_first(hidden + i, load_first(output + i, left) * c_tanh, left);
    }
}

// From d_hidden and d_cell (in place: that of the cell before) to d_gates.
template <class Real>
void lstm_backward(
    index_t units, const Real* gates, const Real* cell_before, const Real* cell_tanh, const Real* d_hidden,
    Real* d_cell, Real* d_gates) {
    for (index_t i = 0; i < units; i += LANES<Real>) {
        const index_t left = units - i;
        const Vector<Real> input = load_first(gates + i, left), forget = load_first(gates + units + i, left);
        const Vector<Real> candidate = load_first(gates + 2 * units + i, left);
        const Vector<Real> output = load_first(gates + 3 * units + i, left);
        const Vector<Real> c_tanh = load_first(cell_tanh + i, left);
        const Vector<Real> d_h = load_first(d_hidden + i, left);
        const Vector<Real> d_c = load_first(d_cell + i, left) + d_h * output * (Real(1) - c_tanh * c_tanh);
        store_first(d_gates + i, d_c * candidate * input * (Real(1) - input), left);
        store_first(d_gates + units + i, d_c * load_first(cell_before + i, left) * forget * (Real(1) - forget), left);
        store_first(d_gates + 2 * units + i, d_c * input * (Real(1) - candidate * candidate), left);
        store_first(d_gates + 3 * units + i, d_h * c_tanh * output * (Real(1) - output), left);
        store_first(d_cell + i, d_c * forget, left);
    }
}

// h = tanh of the gates, in place and once more.
template <class Real>
void feedforward(index_t units, Real* gates, Real* hidden) {
    for (index_t i = 0; i < units; i += LANES<Real>) {
        const Vector<Real> h = tanh<Real>(load_first(gates + i, units - i));
        store_first(gates + i, h, units - i);
        store_first(hidden + i, h, units - i);
    }
}

template <class Real>
void feedforward_backward(index_t units, const Real* hidden, const Real* d_hidden, Real* d_gates) {
    for (index_t i = 0; i < units; i += LANES<Real>) {
        const Vector<Real> h = load_first(hidden + i, units - i);
        store_first(d_gates + i, load_first(d_hidden + i, units - i) * (Real(1) - h * h), units - i);
    }
}

}  // namespace
