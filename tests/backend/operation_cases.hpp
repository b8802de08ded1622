#pragma once
/// @file
/// Cases of operations: for each, in one place, arguments over odd sizes and how far a result may
/// be from the reference's. operations_test.cpp runs them on every backend,
/// operation_gradients_test.cpp compares their gradients with differences.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/bench.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/host_tensor.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/reference.hpp"

namespace coca::testing {

namespace ops = coca::ops;

using Judge = Reference<double>;
using HostArray = Tensor<double>;

/// What an output may differ by: a function of its name and of what is expected of it, which gives
/// a number for each element. Of results that must be exact, infinity and NaN included, nothing.
using Tolerance =
    std::function<std::vector<double>(const std::string& output, const std::vector<double>&)>;
inline const Tolerance exactly{};

/// One number for all.
inline Tolerance within(double tolerance) {
  return [tolerance](const std::string&, const std::vector<double>& expected) {
    return std::vector<double>(expected.size(), tolerance);
  };
}
/// The error of sums of `terms` terms, times `factor`.
inline Tolerance within_sum(std::size_t terms, double factor = 1) {
  return [terms, factor](const std::string&, const std::vector<double>& expected) {
    return std::vector<double>(expected.size(), factor * sum_tolerance(expected, terms));
  };
}

/// What is done with a case: an operation on host arrays, whose outputs hold what they are added to
/// or, where they are assigned, nothing yet.
template <class Operation>
using Take = std::function<void(const Operation&, const Tolerance&)>;

/// The cases of an operation: `static void each(const Take<Operation>& take)`.
template <class Operation>
struct Cases;

/// An operation of the judge's, on host arrays.
template <template <class, class> class Operation>
using Judged = ops::On<Judge, Operation>;

/// Host arrays with numbers that float, and of tables and weights bfloat16, can hold.
class Arguments {
 public:
  explicit Arguments(std::uint64_t stream) : random_(stream) {}

  Random& random() { return random_; }
  static HostArray array(const Floats& values, const Shape& shape) {
    return host_tensor(std::vector<double>(values.begin(), values.end()), shape);
  }
  HostArray normals(const Shape& shape, float scale = 1, float offset = 0) {
    return array(random_.normals(shape.size(), scale, offset), shape);
  }
  HostArray stored(const Shape& shape, float scale = 1) {
    return array(rounded_to<bfloat16>(random_.normals(shape.size(), scale)), shape);
  }
  static Tensor<std::int32_t> ids(const Indices& values, const Shape& shape) {
    return host_tensor(values, shape);
  }
  Tensor<std::int32_t> ids_below(std::size_t bound, const Shape& shape) {
    Indices values(shape.size());
    for (std::int32_t& value : values) value = static_cast<std::int32_t>(random_.below(bound));
    return ids(values, shape);
  }

  /// An output that nothing was written to.
  static ops::Out<double, HostMemory> out(const Shape& shape) {
    return ops::Out(array(Floats(shape.size(), not_a_number), shape));
  }
  /// An output that is added to.
  ops::Add<double, HostMemory> add(const Shape& shape) { return ops::Add(normals(shape)); }
  /// The same, or nothing.
  ops::Add<double, HostMemory> add(bool present, const Shape& shape) {
    return present ? add(shape) : ops::Add<double, HostMemory>();
  }
  /// An output that is assigned or added to.
  ops::Update<double, HostMemory> update(Write write, const Shape& shape) {
    if (write == Write::assign) return {out(shape).tensor(), write};
    return {normals(shape), write};
  }

 private:
  Random random_;
};

namespace detail {

// An operation with the numbers and memory of a backend instead of the judge's.
template <class Operation, class B>
struct Moved;
template <template <class, class> class Operation, class B>
struct Moved<Operation<double, HostMemory>, B> {
  using type = ops::On<B, Operation>;
};
template <template <class, class, class> class Operation, class B>
struct Moved<Operation<double, HostMemory, Judge::Matrix>, B> {
  using type = Operation<typename B::value_type, typename B::memory_type, typename B::Matrix>;
};
template <class B>
struct Moved<ops::EmbedOn<Judge>, B> {
  using type = ops::EmbedOn<B>;
};

template <class U>
Floats floats_of(const Tensor<U>& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

}  // namespace detail

/// Puts the arguments of an operation of the judge's on a bench, for the operation on its backend.
template <Backend B>
class Placement {
 public:
  explicit Placement(Bench<B>& bench) : bench_(bench) {}

  template <class To, class From>
  void operator()(const char*, To& to, const From& from) const {
    if constexpr (ops::HasFields<const From>)
      From::fields(*this, to, from);
    else if constexpr (std::is_same_v<From, Judge::Matrix>)
      to = matrix(from);
    else if constexpr (requires { from.tensor(); })
      place(to, from);
    else
      to = from;
  }

 private:
  template <class U, class V, Memory M>
  void place(ops::In<U, M>& to, const ops::In<V, HostMemory>& from) const {
    if (!from) return;
    if constexpr (std::is_integral_v<U>)
      to = bench_.indices(std::vector<U>(from.data(), from.data() + from.size()), from.shape());
    else if constexpr (std::is_same_v<U, typename B::value_type>)
      to = bench_.input(detail::floats_of(from.tensor()), from.shape());
    else
      to = bench_.table(detail::floats_of(from.tensor()), from.shape());
  }
  template <class U, class V, Memory M>
  void place(ops::Out<U, M>& to, const ops::Out<V, HostMemory>& from) const {
    if (!from) return;
    if constexpr (std::is_integral_v<U>)
      to = ops::Out(bench_.index_output(from.shape()));
    else
      to = ops::Out(bench_.output(from.shape()));
  }
  template <class U, class V, Memory M>
  void place(ops::Add<U, M>& to, const ops::Add<V, HostMemory>& from) const {
    if (from) to = ops::Add(changed(from));
  }
  template <class U, class V, Memory M>
  void place(ops::InOut<U, M>& to, const ops::InOut<V, HostMemory>& from) const {
    if (from) to = ops::InOut(changed(from));
  }
  template <class U, class V, Memory M>
  void place(ops::Update<U, M>& to, const ops::Update<V, HostMemory>& from) const {
    if (from) to = {changed(from), from.write};
  }
  auto changed(const HostArray& from) const {
    return bench_.inplace(detail::floats_of(from), from.shape());
  }

  // Views where the backend trains, else packed.
  typename B::Matrix matrix(const Judge::Matrix& from) const {
    if constexpr (DifferentiableBackend<B>) {
      const HostArray values = from.values();
      return bench_.backend.view(bench_.input(detail::floats_of(values), values.shape()),
                                 from.transposed());
    } else {
      const Shape shape{from.out_features(), from.in_features()};
      Floats rows(shape.size());
      Judge().unpack(from, 0, from.out_features(), rows.data());
      return bench_.weight(rows, shape);
    }
  }

  Bench<B>& bench_;
};

/// Whether a field is written to.
template <class Field>
inline constexpr bool is_written = false;
template <class T, Memory M>
inline constexpr bool is_written<ops::Out<T, M>> = true;
template <class T, Memory M>
inline constexpr bool is_written<ops::Add<T, M>> = true;
template <class T, Memory M>
inline constexpr bool is_written<ops::InOut<T, M>> = true;
template <class T, Memory M>
inline constexpr bool is_written<ops::Update<T, M>> = true;

/// Outputs by name.
using Outputs = std::vector<std::pair<std::string, std::vector<double>>>;

/// What the outputs of an operation on a bench hold.
template <Backend B, class Group>
void read_outputs(const Bench<B>& bench, const Group& group, Outputs& outputs) {
  Group::fields(
      [&]<class Field>(const char* name, const Field& field) {
        if constexpr (ops::HasFields<const Field>)
          read_outputs(bench, field, outputs);
        else if constexpr (is_written<Field>)
          if (field) outputs.emplace_back(name, bench.read(field.tensor()));
      },
      group);
}

/// What may stay as it was: what outputs hold that are not assigned.
template <class Group>
void read_before(const Group& group, Outputs& outputs) {
  Group::fields(
      [&]<class Field>(const char* name, const Field& field) {
        if constexpr (ops::HasFields<const Field>) {
          read_before(field, outputs);
        } else if constexpr (is_written<Field>) {
          if (!field) return;
          bool assigned = std::is_same_v<Field, ops::Out<typename Field::value_type, HostMemory>>;
          if constexpr (requires { field.write; }) assigned = field.write == Write::assign;
          std::vector<double> values(field.size(), 0.0);
          if (!assigned) std::copy_n(field.data(), field.size(), values.begin());
          outputs.emplace_back(name, values);
        }
      },
      group);
}

/// Runs an operation on a backend and on the judge, and compares all outputs. What an output held
/// and was not written to stays, NaN too.
template <Backend B, class Operation>
std::string judge(const B& backend, const Operation& operation, const Tolerance& tolerance) {
  const auto run = [&]<class Any>(Bench<Any>& bench) {
    typename detail::Moved<Operation, Any>::type moved{};
    Operation::fields(Placement<Any>(bench), moved, operation);
    moved.check();
    bench.backend.run(moved);
    Outputs outputs;
    read_outputs(bench, moved, outputs);
    return outputs;
  };
  Bench<B> bench(backend);
  Bench<Judge> judge_bench{Judge()};
  const auto actual = run(bench);
  const auto expected = run(judge_bench);
  for (const std::string& damage : {bench.damage(), judge_bench.damage()})
    if (!damage.empty()) return damage;
  Outputs before;
  read_before(operation, before);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string difference =
        !tolerance
            ? first_inequality(actual[i].second, expected[i].second)
            : first_difference_of_columns(actual[i].second, expected[i].second, before[i].second,
                                          tolerance(expected[i].first, expected[i].second));
    if (!difference.empty()) return expected[i].first + ": " + difference;
  }
  return "";
}

}  // namespace coca::testing
