// The optimizers of Reference<double> against torch 2.15, in double: three steps from the same
// weights, with the same step_gradients and options, by torch.optim.AdamW, SGD and Adafactor.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/call.hpp"
#include "backend/differences.hpp"
#include "catch.hpp"
#include "coca/backend/reference/optimizers.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

namespace {

using DoubleArray = coca::Tensor<double>;
using Numbers = std::vector<double>;

const coca::Reference<double> optimizers;
const Numbers start{0.5, -1.25, 2, -0.75, 0, 3};
// Torch was given half of them.
const Numbers step_gradients[] = {
    {0.25, -0.5, 1, 2, -0.125, 0}, {-1, 0.5, 0.75, 0.25, 0.5, 0}, {0.5, 0.5, -0.25, 1.5, -2, 1}};

DoubleArray zeros(const Shape& shape) { return array_of(Numbers(shape.size(), 0), shape); }

// Calls update(step, gradient, factor, weight) three times and gives the weight.
template <class Update>
Numbers three_steps(const Shape& shape, const Update& update) {
  const DoubleArray weight = array_of(start, shape), half = array_of({0.5}, {1});
  for (std::uint64_t step = 1; step <= 3; ++step)
    update(step, array_of(step_gradients[step - 1], shape), half, weight);
  return copy_of(weight);
}

Numbers adafactor_steps(const Shape& shape, coca::AdafactorStep step, const DoubleArray& rows,
                        const DoubleArray& columns, const DoubleArray& first = {}) {
  step.learning_rate = 0.125f;
  step.decay_exponent = 0.75f;
  step.weight_decay = 0.25f;
  return three_steps(shape, [&](std::uint64_t t, const DoubleArray& gradient,
                                const DoubleArray& factor, const DoubleArray& weight) {
    step.step = t;
    call<ops::Adafactor>(optimizers, step, gradient, factor, weight, rows, columns, first);
  });
}

}  // namespace

// AdamW(lr=0.125, betas=(0.875, 0.96875), eps=2**-10, weight_decay=0.25)
TEST_CASE("AdamW as torch computes it", "[reference][optimizers]") {
  const DoubleArray first = zeros({6}), second = zeros({6});
  const Numbers weight = three_steps({6}, [&](std::uint64_t t, const DoubleArray& g,
                                              const DoubleArray& factor, const DoubleArray& w) {
    const coca::AdamWStep step{.learning_rate = 0.125f,
                               .beta1 = 0.875f,
                               .beta2 = 0.96875f,
                               .epsilon = 1.0f / 1024,
                               .weight_decay = 0.25f,
                               .step = t};
    call<ops::AdamW>(optimizers, step, g, factor, w, first, second);
  });
  const Numbers expected{0.419809393690735,  -1.07993530928528, 1.50661033909168,
                         -0.996641587520323, 0.111888106268079, 2.64700254986039};
  CHECK(first_difference(weight, expected, 1e-14) == "");
  const Numbers expected_first{-0.011474609375, 0.03466796875,    0.0732421875,
                               0.203125,        -0.1036376953125, 0.0625};
  CHECK(first_difference(copy_of(first), expected_first, 1e-16) == "");
  const Numbers expected_second{0.009979724884033203, 0.0056781768798828125, 0.01207733154296875,
                                0.0473785400390625,   0.0332566499710083,    0.0078125};
  CHECK(first_difference(copy_of(second), expected_second, 1e-16) == "");
}

// SGD(lr=0.125, momentum=..., weight_decay=0.25, nesterov=...)
TEST_CASE("SGD as torch computes it", "[reference][optimizers]") {
  const auto steps = [](float momentum, bool nesterov, const DoubleArray& velocity) {
    return three_steps({6}, [&](std::uint64_t t, const DoubleArray& gradient,
                                const DoubleArray& factor, const DoubleArray& weight) {
      const coca::SgdStep step{.learning_rate = 0.125f,
                               .momentum = momentum,
                               .weight_decay = 0.25f,
                               .nesterov = nesterov,
                               .step = t};
      call<ops::Sgd>(optimizers, step, gradient, factor, weight, velocity);
    });
  };
  const DoubleArray velocity = blank_array({6});  // the first step sets it
  const Numbers with_momentum{0.460662841796875, -1.05028533935547,  1.4359130859375,
                              -1.06229400634766, 0.0871047973632812, 2.43423461914062};
  CHECK(first_difference(steps(0.875f, false, velocity), with_momentum, 1e-14) == "");
  const Numbers expected_velocity{0.228759765625,   -0.49810791015625, 1.7939453125,
                                  1.06280517578125, -0.83160400390625, 2.393310546875};
  CHECK(first_difference(copy_of(velocity), expected_velocity, 1e-15) == "");
  const Numbers with_nesterov{0.436753332614899, -1.00411261618137, 1.25936532020569,
                              -1.16751722991467, 0.178785070776939, 2.18781584501266};
  CHECK(first_difference(steps(0.875f, true, blank_array({6})), with_nesterov, 1e-14) == "");
  const Numbers plain{0.469207763671875,  -1.16863250732422, 1.7298583984375,
                      -0.908058166503906, 0.102058410644531, 2.66494750976562};
  CHECK(first_difference(steps(0, false, blank_array({6})), plain, 1e-14) == "");
}

// Adafactor(lr=1/32, beta2_decay=-0.75, eps=(1e-30, 4), d=..., weight_decay=1): with these numbers
// torch's step size, which is relative to the weight's, is 4 / 32 at every step.
TEST_CASE("Adafactor as torch computes it", "[reference][optimizers]") {
  struct Expected {
    Shape shape;
    float threshold;
    Numbers weight, rows, columns;
  };
  const Numbers wide_rows{0.09586329670887082, 0.3498813863005135};
  const Numbers wide_columns{0.29697205030664237, 0.2614699863540997, 0.11017498785333445};
  const Numbers tall_rows{0.08845637441632566, 0.29510424653729733, 0.2850564035604536};
  const Numbers tall_columns{0.22850995427827062, 0.21723472873111374};
  const Numbers flat{0.11441274883265129, 0.0625,
                     0.1106771412939612,  0.47953135178063344,
                     0.4604399727081994,  0.1096728344127077};
  const Expected all[] = {{{2, 3},
                           1,
                           {0.463798949610754, -1.18105766477054, 1.54390749838163,
                            -0.949251737424057, 0.0835589390233715, 2.58264761562988},
                           wide_rows,
                           wide_columns},
                          {{2, 3},
                           2,
                           {0.454806215204581, -1.13906601195625, 1.49973799119677,
                            -0.980802424996955, 0.0971633095081851, 2.57716578170569},
                           wide_rows,
                           wide_columns},
                          {{3, 2},
                           1,
                           {0.444119532512035, -1.21242210627468, 1.66794828381029,
                            -0.955744001492008, 0.208266579957232, 2.6230688787804},
                           tall_rows,
                           tall_columns},
                          {{3, 2},
                           2,
                           {0.429361075611398, -1.21231885101287, 1.64191802498454,
                            -1.00032459694069, 0.260793424455513, 2.60887662064233},
                           tall_rows,
                           tall_columns},
                          {{1, 6},
                           1,
                           {0.407371087400569, -1.2534537088798, 1.63794794674676,
                            -0.945315328605489, 0.130386279424123, 2.5564878123979},
                           {0},
                           flat},
                          {{1, 6},
                           2,
                           {0.398674155146461, -1.26522064208984, 1.64236918923371,
                            -0.958059630432937, 0.147727384852772, 2.53872205370599},
                           {0},
                           flat}};
  for (const Expected& one : all) {
    CAPTURE(to_string(one.shape), one.threshold);
    const DoubleArray rows = zeros({one.shape[0]}), columns = zeros({one.shape[1]});
    const Numbers weight =
        adafactor_steps(one.shape, {.clipping_threshold = one.threshold}, rows, columns);
    CHECK(first_difference(weight, one.weight, 1e-13) == "");
    CHECK(first_difference(copy_of(rows), one.rows, 1e-15) == "");
    CHECK(first_difference(copy_of(columns), one.columns, 1e-15) == "");
  }
}

// The updates are those of the run without: its weights tell them.
TEST_CASE("Adafactor's first moment is a mean of its updates", "[reference][optimizers]") {
  const Shape shape{2, 3};
  const DoubleArray weight = array_of(start, shape), kept = array_of(start, shape);
  const DoubleArray rows = zeros({2}), columns = zeros({3}), rows_kept = zeros({2}),
                    columns_kept = zeros({3}), first = zeros(shape), one = array_of({1}, {1});
  Numbers moment(6, 0), expected = start;
  for (std::uint64_t t = 1; t <= 3; ++t) {
    const DoubleArray gradient = array_of(step_gradients[t - 1], shape);
    const Numbers before = copy_of(weight);
    coca::AdafactorStep step{.learning_rate = 0.125f, .step = t};
    call<ops::Adafactor>(optimizers, step, gradient, one, weight, rows, columns, absent);
    step.beta1 = 0.75f;
    call<ops::Adafactor>(optimizers, step, gradient, one, kept, rows_kept, columns_kept, first);
    for (std::size_t i = 0; i < 6; ++i) {
      const double update = (before[i] - weight.data()[i]) / 0.125;
      moment[i] = 0.75 * moment[i] + 0.25 * update;
      expected[i] -= 0.125 * moment[i];
    }
  }
  CHECK(first_difference(copy_of(first), moment, 1e-14) == "");
  CHECK(first_difference(copy_of(kept), expected, 1e-14) == "");
}

// torch.nn.utils.clip_grad_norm_ of (3, 4, 0, 0, 0, 12) to 6.5 and to 26.
TEST_CASE("step_gradients are clipped as torch does", "[reference][optimizers]") {
  const DoubleArray squares = array_of({100}, {1}), factor = blank_array({1});
  call<ops::SumOfSquares>(optimizers, array_of({3, 4, 0, 0, 0, 12}, {2, 3}), squares);
  CHECK(squares.data()[0] == 269);  // added
  squares.data()[0] -= 100;
  call<ops::ClipFactor>(optimizers, squares, 6.5f, factor);
  CHECK(close(12 * factor.data()[0], 5.999999538461575, 1e-14));
  call<ops::ClipFactor>(optimizers, squares, 26, factor);
  CHECK(factor.data()[0] == 1);
  call<ops::ClipFactor>(optimizers, squares, 0, factor);
  CHECK(factor.data()[0] == 1);
  squares.data()[0] = not_a_number;
  call<ops::ClipFactor>(optimizers, squares, 6.5f, factor);
  CHECK(std::isnan(factor.data()[0]));
}

TEST_CASE("values are clamped and blended", "[reference][optimizers]") {
  const DoubleArray values = array_of({-2, -1, 0, 0.75, 1, 5}, {6});
  call<ops::Clamp>(optimizers, values, -1, 0.75f);
  CHECK(first_inequality(copy_of(values), Numbers{-1, -1, 0, 0.75, 0.75, 0.75}) == "");
  call<ops::Blend>(optimizers, array_of({4, 4, 4, 4, 4, 4}, {6}), 0.75f, values);
  CHECK(first_inequality(copy_of(values), Numbers{0.25, 0.25, 1, 1.5625, 1.5625, 1.5625}) == "");
}
