#pragma once
/// @file
/// A backend that is far away: the reference backend behind storage that host code cannot
/// dereference, with every operation queued and run at the next copy_out, unpack or synchronize.
/// Whatever assumes host memory does not compile with it, and whatever assumes finished work or
/// zeroed memory reads NaN.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/remote_memory.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/core/error.hpp"

namespace coca::testing {

/// The reference backend in float, out of reach. Copies share one queue; each default-constructed
/// Remote has its own queue. An operation's error surfaces at the next synchronisation, and
/// what was queued after it is dropped.
class Remote {
 public:
  using value_type = float;
  using weight_type = float;
  using memory_type = RemoteMemory;
  template <class T>
  using Array = Tensor<T, RemoteMemory>;
  using Floats = Array<float>;
  using Indices = Array<std::int32_t>;

  /// A weight that the host cannot read: a packed one, or a view, whose array is looked up when an
  /// operation runs.
  class Matrix {
   public:
    Matrix() = default;
    std::size_t out_features() const {
      return values_ ? values_.shape()[transposed_ ? 1 : 0] : packed_.out_features();
    }
    std::size_t in_features() const {
      return values_ ? values_.shape()[transposed_ ? 0 : 1] : packed_.in_features();
    }
    Floats values() const { return values_; }
    bool transposed() const { return transposed_; }

   private:
    friend class Remote;
    explicit Matrix(Reference<float>::Matrix matrix) : packed_(std::move(matrix)) {}
    Matrix(Floats values, bool transposed) : values_(std::move(values)), transposed_(transposed) {}
    Reference<float>::Matrix packed_;
    Floats values_;
    bool transposed_ = false;
  };

  template <class U>
  Array<U> allocate(const Shape& shape) const {
    return Array<U>(Buffer<RemoteMemory>::allocate(shape.size() * sizeof(U)), shape);
  }

  /// The host's elements are taken at once, so that the caller may overwrite them.
  template <class U>
  void copy_in(std::span<const U> host, const Array<U>& output) const {
    expect_room(host.size(), output.size());
    enqueue([data = std::vector<U>(host.begin(), host.end()), output] {
      Reference<float>().copy_in(std::span<const U>(data), near(output));
    });
  }

  template <class U>
  void copy_out(const Array<U>& input, std::span<U> host) const {
    expect_room(host.size(), input.size());
    synchronize();
    Reference<float>().copy_out(near(input), host);
  }

  void synchronize() const {
    const std::lock_guard lock(queue_->mutex);
    // An operation that throws leaves nothing behind, and each lets go of its tensors once it has
    // run.
    auto operations = std::exchange(queue_->operations, {});
    for (; !operations.empty(); operations.pop_front()) operations.front()();
  }

  /// How many operations wait for the next synchronisation.
  std::size_t pending() const {
    const std::lock_guard lock(queue_->mutex);
    return queue_->operations.size();
  }

  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    return Matrix(Reference<float>().pack(source, options));
  }

  void unpack(const Matrix& matrix, std::size_t first, std::size_t count, float* rows) const {
    synchronize();
    Reference<float>().unpack(near(matrix), first, count, rows);
  }

  void matmul(const Floats& input, const Matrix& weight,
              const Epilogue<float, RemoteMemory>& epilogue, const Floats& output) const {
    run(&Reference<float>::matmul, input, weight, epilogue, output);
  }

  void layer_norm(const Floats& input, const Floats& weight, const Floats& bias,
                  const Floats& output) const {
    run(&Reference<float>::layer_norm, input, weight, bias, output);
  }

  void attention(const AttentionArguments<float, RemoteMemory>& arguments,
                 const Floats& output) const {
    run(&Reference<float>::attention, arguments, output);
  }

  void embed(const Indices& ids, const Floats& table, const Floats& positions, std::size_t first,
             const Floats& output) const {
    run(&Reference<float>::embed, ids, table, positions, first, output);
  }

  void unfold(const Floats& input, const Unfold& windows, const Floats& output) const {
    run(&Reference<float>::unfold, input, windows, output);
  }

  void l2_normalize(const Floats& input, const Floats& output) const {
    run(&Reference<float>::l2_normalize, input, output);
  }

  void write_tokens(const Floats& source, const Floats& positions, std::size_t first,
                    const Floats& output) const {
    run(&Reference<float>::write_tokens, source, positions, first, output);
  }

  void gather_rows(const Floats& input, const Indices& indices, const Floats& output) const {
    run(&Reference<float>::gather_rows, input, indices, output);
  }

  void scatter_rows(const Columns<float, RemoteMemory>& input, const Indices& indices,
                    const Floats& output) const {
    run(&Reference<float>::scatter_rows, input, indices, output);
  }

  void log_softmax_inplace(const Floats& scores) const {
    run(&Reference<float>::log_softmax_inplace, scores);
  }

  void edit_scores_inplace(const Floats& scores, const Indices& indices, const Floats& values,
                           ScoreEdit edit) const {
    run(&Reference<float>::edit_scores_inplace, scores, indices, values, edit);
  }

  void warp_scores_inplace(const Floats& scores, const SamplingWarp& warp) const {
    run(&Reference<float>::warp_scores_inplace, scores, warp);
  }

  void best_candidates(const Floats& scores, const Floats& added, const GumbelNoise& noise,
                       const Floats& values, const Indices& ids) const {
    run(&Reference<float>::best_candidates, scores, added, noise, values, ids);
  }

  Matrix view(const Floats& values, bool transposed = false) const { return {values, transposed}; }

  void matmul_input_gradient(const Floats& output_gradient, const Matrix& weight, Write write,
                             const Floats& input_gradient) const {
    run(&Reference<float>::matmul_input_gradient, output_gradient, weight, write, input_gradient);
  }

  void matmul_weight_gradient(const Floats& output_gradient, const Floats& input, Write write,
                              const Floats& weight_gradient) const {
    run(&Reference<float>::matmul_weight_gradient, output_gradient, input, write, weight_gradient);
  }

  void sum_rows(const Floats& input, const Floats& output) const {
    run(&Reference<float>::sum_rows, input, output);
  }

  void activate(const Floats& input, Activation activation, const Floats& output) const {
    run(&Reference<float>::activate, input, activation, output);
  }

  void activation_gradient(const Floats& input, Activation activation,
                           const Floats& output_gradient, Write write,
                           const Floats& input_gradient) const {
    run(&Reference<float>::activation_gradient, input, activation, output_gradient, write,
        input_gradient);
  }

  void scale_columns(const Floats& input, const Floats& scale, const Floats& residual,
                     const Floats& output) const {
    run(&Reference<float>::scale_columns, input, scale, residual, output);
  }

  void scale_columns_gradient(const Floats& input, const Floats& scale,
                              const Floats& output_gradient, Write write,
                              const Floats& input_gradient, const Floats& scale_gradient) const {
    run(&Reference<float>::scale_columns_gradient, input, scale, output_gradient, write,
        input_gradient, scale_gradient);
  }

  void layer_norm_gradient(const Floats& input, const Floats& weight, const Floats& output_gradient,
                           Write write, const Floats& input_gradient, const Floats& weight_gradient,
                           const Floats& bias_gradient) const {
    run(&Reference<float>::layer_norm_gradient, input, weight, output_gradient, write,
        input_gradient, weight_gradient, bias_gradient);
  }

  void attention_gradient(const AttentionArguments<float, RemoteMemory>& arguments,
                          const Floats& output, const Floats& output_gradient,
                          const AttentionGradients<float, RemoteMemory>& gradients) const {
    run(&Reference<float>::attention_gradient, arguments, output, output_gradient, gradients);
  }

  void embed_gradient(const Indices& ids, const Floats& output_gradient, std::size_t first,
                      const Floats& table_gradient, const Floats& positions_gradient) const {
    run(&Reference<float>::embed_gradient, ids, output_gradient, first, table_gradient,
        positions_gradient);
  }

  void unfold_gradient(const Floats& output_gradient, const Unfold& windows,
                       const Floats& input_gradient) const {
    run(&Reference<float>::unfold_gradient, output_gradient, windows, input_gradient);
  }

  void l2_normalize_gradient(const Floats& input, const Floats& output_gradient, Write write,
                             const Floats& input_gradient) const {
    run(&Reference<float>::l2_normalize_gradient, input, output_gradient, write, input_gradient);
  }

  void write_tokens_gradient(const Floats& output_gradient, std::size_t first,
                             const Floats& source_gradient,
                             const Floats& positions_gradient) const {
    run(&Reference<float>::write_tokens_gradient, output_gradient, first, source_gradient,
        positions_gradient);
  }

  void gather_rows_gradient(const Floats& output_gradient, const Indices& indices,
                            const Floats& input_gradient) const {
    run(&Reference<float>::gather_rows_gradient, output_gradient, indices, input_gradient);
  }

  void fill(const Floats& output, float value) const {
    run(&Reference<float>::fill, output, value);
  }

  void add(const Floats& input, const Floats& output) const {
    run(&Reference<float>::add, input, output);
  }

  void scale_inplace(const Floats& output, float factor) const {
    run(&Reference<float>::scale_inplace, output, factor);
  }

  void cross_entropy_inplace(const Floats& logits, const Indices& labels,
                             const CrossEntropy& options, const Floats& loss) const {
    run(&Reference<float>::cross_entropy_inplace, logits, labels, options, loss);
  }

  void soft_cross_entropy_inplace(const Floats& logits, const Floats& targets, float weight,
                                  const Floats& loss) const {
    run(&Reference<float>::soft_cross_entropy_inplace, logits, targets, weight, loss);
  }

  void sigmoid_loss_inplace(const Floats& logits, const Floats& bias, const SigmoidLoss& options,
                            const Floats& loss, const Floats& bias_gradient) const {
    run(&Reference<float>::sigmoid_loss_inplace, logits, bias, options, loss, bias_gradient);
  }

  void scale_by_exp(const Floats& input, const Floats& exponent, const Floats& output) const {
    run(&Reference<float>::scale_by_exp, input, exponent, output);
  }

  void scale_by_exp_gradient(const Floats& input, const Floats& exponent,
                             const Floats& output_gradient, Write write,
                             const Floats& input_gradient, const Floats& exponent_gradient) const {
    run(&Reference<float>::scale_by_exp_gradient, input, exponent, output_gradient, write,
        input_gradient, exponent_gradient);
  }

  void sum_of_squares(const Floats& input, const Floats& output) const {
    run(&Reference<float>::sum_of_squares, input, output);
  }

  void clip_factor(const Floats& sum_of_squares, float largest_norm, const Floats& factor) const {
    run(&Reference<float>::clip_factor, sum_of_squares, largest_norm, factor);
  }

  void adamw_inplace(const AdamWStep& step, const Floats& gradient, const Floats& factor,
                     const Floats& weight, const Floats& first_moment,
                     const Floats& second_moment) const {
    run(&Reference<float>::adamw_inplace, step, gradient, factor, weight, first_moment,
        second_moment);
  }

  void sgd_inplace(const SgdStep& step, const Floats& gradient, const Floats& factor,
                   const Floats& weight, const Floats& velocity) const {
    run(&Reference<float>::sgd_inplace, step, gradient, factor, weight, velocity);
  }

  void adafactor_inplace(const AdafactorStep& step, const Floats& gradient, const Floats& factor,
                         const Floats& weight, const Floats& row_moment,
                         const Floats& column_moment, const Floats& first_moment) const {
    run(&Reference<float>::adafactor_inplace, step, gradient, factor, weight, row_moment,
        column_moment, first_moment);
  }

  void clamp_inplace(const Floats& values, float low, float high) const {
    run(&Reference<float>::clamp_inplace, values, low, high);
  }

  void blend_inplace(const Floats& input, float keep, const Floats& output) const {
    run(&Reference<float>::blend_inplace, input, keep, output);
  }

 private:
  struct Queue {
    std::mutex mutex;
    std::deque<std::function<void()>> operations;
  };

  static void expect_room(std::size_t host, std::size_t remote) {
    if (host > remote)
      throw ShapeError("copy: " + std::to_string(host) + " elements on the host, " +
                       std::to_string(remote) + " in the tensor");
  }

  void enqueue(std::function<void()> operation) const {
    const std::lock_guard lock(queue_->mutex);
    queue_->operations.push_back(std::move(operation));
  }

  // Queues an operation of the reference backend with copies of its arguments.
  template <class Operation, class... Arguments>
  void run(Operation operation, const Arguments&... arguments) const {
    enqueue([=] { (Reference<float>().*operation)(near(arguments)...); });
  }

  // Arguments as the device sees them.
  template <class T>
  static Tensor<T> near(const Array<T>& tensor) {
    return RemoteMemory::resolve(tensor);
  }
  static Columns<float, HostMemory> near(const Columns<float, RemoteMemory>& columns) {
    return {near(columns.rows), columns.first, columns.width};
  }
  static Epilogue<float, HostMemory> near(const Epilogue<float, RemoteMemory>& epilogue) {
    return {near(epilogue.bias), epilogue.activation, near(epilogue.scale),
            near(epilogue.residual)};
  }
  static AttentionArguments<float, HostMemory> near(
      const AttentionArguments<float, RemoteMemory>& a) {
    return {.query = near(a.query),
            .key = near(a.key),
            .value = near(a.value),
            .batch = a.batch,
            .query_tokens = a.query_tokens,
            .key_tokens = a.key_tokens,
            .heads = a.heads,
            .causal = a.causal,
            .hidden_keys = near(a.hidden_keys),
            .key_rows = near(a.key_rows),
            .probabilities = near(a.probabilities)};
  }
  static Reference<float>::Matrix near(const Matrix& matrix) {
    return matrix.values_ ? Reference<float>().view(near(matrix.values_), matrix.transposed_)
                          : matrix.packed_;
  }
  static AttentionGradients<float, HostMemory> near(
      const AttentionGradients<float, RemoteMemory>& gradients) {
    return {near(gradients.query), near(gradients.key), near(gradients.value)};
  }
  // An absent tensor.
  template <class Option>
  requires(std::is_trivially_copyable_v<Option>) static const Option& near(const Option& option) {
    return option;
  }

  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

}  // namespace coca::testing
