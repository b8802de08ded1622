// What is special about attention on every backend; its cases are in cases/attention.hpp.

#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/attention_case.hpp"
#include "backend/bench.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"

using namespace coca::testing;

TEMPLATE_LIST_TEST_CASE("attention keeps NaN to its query", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(26);
  AttentionInputs inputs({.batch = 1, .queries = 20, .keys = 20, .heads = 2, .head_width = 8},
                         random);
  inputs.query.row(3)[10] = not_a_number;  // in the second head
  Bench bench(backend);
  const std::vector<double> output = inputs.run(bench);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < output.size(); ++i)
    wrong += std::isnan(output[i]) != (i / 16 == 3 && i % 16 >= 8);
  CHECK(wrong == 0);
}
