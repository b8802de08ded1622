// Every operation on every backend against Reference<double>: values, guard zones around all
// arguments, inputs that must stay, outputs that are NaN until they are written. The cases and
// tolerances are in cases/; what is special about an operation has tests next to these.

#include "backend/list_of_cases.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"

using namespace coca::testing;

namespace {

template <class Operation, class B>
void check_cases(const B& backend) {
  INFO(Operation::name);
  std::size_t number = 0;
  Cases<Operation>::each([&](const Operation& operation, const Tolerance& tolerance) {
    INFO("case " << number++);
    CHECK(judge(backend, operation, tolerance) == "");
  });
  CHECK(number > 0);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("operations of inference agree with the reference", "[operations]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  for_each_operation(coca::InferenceOperations<Judge>{},
                     [&]<class Operation>() { check_cases<Operation>(backend); });
}

TEMPLATE_LIST_TEST_CASE("operations of training agree with the reference", "[operations]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  for_each_operation(coca::TrainingOperations<Judge>{},
                     [&]<class Operation>() { check_cases<Operation>(backend); });
}

// The suite itself: a wrong number, a number that should not have been written, and NaN are seen.
TEST_CASE("a wrong backend is detected", "[operations]") {
  using Floating = coca::Reference<float>;
  struct Off : Floating {
    using Floating::run;
    void run(const coca::ops::Fill<float, coca::HostMemory>& op) const {
      Floating::run(op);
      if (op.output.size() > 2) op.output.data()[1] += 0.5f;
    }
    void run(const coca::ops::Copy<float, coca::HostMemory>& op) const {
      Floating::run(op);
      op.output.data()[op.output.size()] = 1;
    }
    void run(const coca::ops::Sum<float, coca::HostMemory>&) const {}
    void run(const coca::ops::Scale<float, coca::HostMemory>& op) const {
      if (op.values.size() > 1) op.values.data()[0] = not_a_number;
    }
    void run(const coca::ops::Accumulate<float, coca::HostMemory>& op) const {
      Floating::run(op);
      op.input.data()[0] += 1;
    }
  };
  const auto first_finding = []<class Operation>() {
    std::string first;
    Cases<Operation>::each([&](const Operation& operation, const Tolerance& tolerance) {
      if (const std::string found = judge(Off(), operation, tolerance); first.empty())
        first = found;
    });
    return first;
  };
  CHECK(first_finding.operator()<Judged<ops::Fill>>() ==
        "output: element 1 of 3: got 0.75, expected 0.25");
  CHECK(first_finding.operator()<Judged<ops::Copy>>() ==
        "output of shape [1]: element 1 was overwritten");
  CHECK(first_finding.operator()<Judged<ops::Sum>>().substr(0, 32) ==
        "output: element 0 of 1: got nan,");
  CHECK(first_finding.operator()<Judged<ops::Scale>>().substr(0, 22) == "values: element 0 of 1");
  CHECK(first_finding.operator()<Judged<ops::Accumulate>>() ==
        "input of shape [1]: element 0 was overwritten");
}
