#pragma once
/// @file
/// The way back through each operation of operations.hpp: what is recorded on a tape. Without a
/// tape, or where no input is followed, nothing happens here.

#include <cstddef>
#include <utility>

#include "coca/autograd/context.hpp"
#include "coca/backend/differentiable.hpp"

namespace coca::detail {

/// The context's tape if it follows one of the tensors, else nullptr.
template <Backend B, class... Tensors>
Tape<B>* tape_for(const Context<B>& context, const Tensors&... tensors) {
  Tape<B>* tape = context.tape();
  return tape != nullptr && (tape->follows(tensors) || ...) ? tape : nullptr;
}

/// Gradients of output = input weightᵀ + bias + residual.
template <DifferentiableBackend B>
void product_backward(Context<B>& context, Tape<B>& tape, const Array<B>& input,
                      const typename B::Matrix& weight,
                      const Epilogue<typename B::value_type, typename B::memory_type>& epilogue,
                      const Array<B>& output) {
  const B& backend = context.backend();
  const Array<B> gradient = tape.gradient(output);
  if (tape.follows(epilogue.bias)) backend.sum_rows(gradient, tape.gradient(epilogue.bias));
  if (tape.follows(weight.values())) {
    const auto [weight_gradient, write] = tape.gradient_to_write(weight.values());
    if (weight.transposed())
      backend.matmul_weight_gradient(input, gradient, write, weight_gradient);
    else
      backend.matmul_weight_gradient(gradient, input, write, weight_gradient);
  }
  if (tape.follows(input)) {
    const auto [input_gradient, write] = tape.gradient_to_write(input);
    backend.matmul_input_gradient(gradient, weight, write, input_gradient);
  }
  if (tape.follows(epilogue.residual)) tape.give(epilogue.residual, gradient);
}

/// output = residual + scale * input
template <DifferentiableBackend B>
void recorded_scale(Context<B>& context, const Array<B>& input, const Array<B>& scale,
                    const Array<B>& residual, const Array<B>& output) {
  context.backend().scale_columns(input, scale, residual, output);
  Tape<B>* tape = tape_for(context, input, scale, residual);
  if (tape == nullptr) return;
  tape->record(output, [&context, tape, input, scale, residual, output] {
    const Array<B> gradient = tape->gradient(output);
    const bool followed = tape->follows(input);
    const auto [input_gradient, write] =
        followed ? tape->gradient_to_write(input) : std::pair{Array<B>{}, Write::add};
    context.backend().scale_columns_gradient(input, scale, gradient, write, input_gradient,
                                             tape->gradient_if_followed(scale));
    if (tape->follows(residual)) tape->give(residual, gradient);
  });
}

/// output = activation(input)
template <DifferentiableBackend B>
void recorded_activation(Context<B>& context, const Array<B>& input, Activation activation,
                         const Array<B>& output) {
  context.backend().activate(input, activation, output);
  Tape<B>* tape = tape_for(context, input);
  if (tape == nullptr) return;
  tape->record(output, [&context, tape, input, activation, output] {
    const auto [input_gradient, write] = tape->gradient_to_write(input);
    context.backend().activation_gradient(input, activation, tape->gradient(output), write,
                                          input_gradient);
  });
}

/// output = input + residual
template <DifferentiableBackend B>
void recorded_sum(Context<B>& context, const Array<B>& input, const Array<B>& residual,
                  const Array<B>& output) {
  context.backend().fill(output, 0.0f);
  context.backend().add(input, output);
  context.backend().add(residual, output);
  Tape<B>* tape = tape_for(context, input, residual);
  if (tape == nullptr) return;
  tape->record(output, [&context, tape, input, residual, output] {
    const Array<B> gradient = tape->gradient(output);
    if (tape->follows(input)) context.backend().add(gradient, tape->gradient(input));
    if (tape->follows(residual)) tape->give(residual, gradient);
  });
}

/// A linear layer, step by step as far as the way back needs what lies between: the activation's
/// input and the scale's. Returns false, having done nothing, where nothing is recorded.
template <Backend B>
bool recorded_linear(Context<B>& context, const Array<B>& input, const typename B::Matrix& weight,
                     const Epilogue<typename B::value_type, typename B::memory_type>& options,
                     const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape =
        tape_for(context, input, weight.values(), options.bias, options.scale, options.residual);
    if (tape == nullptr) return false;
    const bool activated = options.activation != Activation::none;
    const bool scaled = static_cast<bool>(options.scale);
    const bool separate_sum = scaled || (activated && options.residual);
    Epilogue<typename B::value_type, typename B::memory_type> plain{.bias = options.bias};
    if (!activated && !scaled) plain.residual = options.residual;
    const Array<B> product = activated || scaled ? context.empty(output.shape()) : output;
    context.backend().matmul(input, weight, plain, product);
    tape->record(product, [&context, tape, input, weight, plain, product] {
      product_backward(context, *tape, input, weight, plain, product);
    });
    Array<B> value = product;
    if (activated) {
      const Array<B> active = separate_sum ? context.empty(output.shape()) : output;
      recorded_activation(context, value, options.activation, active);
      value = active;
    }
    if (scaled)
      recorded_scale(context, value, options.scale, options.residual, output);
    else if (separate_sum)
      recorded_sum(context, value, options.residual, output);
    return true;
  } else {
    return false;
  }
}

template <Backend B>
void record_layer_norm(Context<B>& context, const Array<B>& input, const Array<B>& weight,
                       const Array<B>& bias, const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = tape_for(context, input, weight, bias);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, input, weight, bias, output] {
      const bool followed = tape->follows(input);
      const auto [input_gradient, write] =
          followed ? tape->gradient_to_write(input) : std::pair{Array<B>{}, Write::add};
      context.backend().layer_norm_gradient(input, weight, tape->gradient(output), write,
                                            input_gradient, tape->gradient_if_followed(weight),
                                            tape->gradient_if_followed(bias));
    });
  }
}

template <Backend B>
void record_attention(
    Context<B>& context,
    const AttentionArguments<typename B::value_type, typename B::memory_type>& arguments,
    const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    const auto& a = arguments;
    Tape<B>* tape = tape_for(context, a.query.rows, a.key.rows, a.value.rows);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, a, output] {
      const auto gradient = [&](const auto& columns) {
        return Columns<typename B::value_type, typename B::memory_type>{
            tape->gradient_if_followed(columns.rows), columns.first, columns.width};
      };
      context.backend().attention_gradient(
          a, output, tape->gradient(output),
          AttentionGradients<typename B::value_type, typename B::memory_type>{
              gradient(a.query), gradient(a.key), gradient(a.value)});
    });
  }
}

template <Backend B>
void record_embed(Context<B>& context, const Indices<B>& ids,
                  const Tensor<typename B::weight_type, typename B::memory_type>& table,
                  const Array<B>& positions, std::size_t first, const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = tape_for(context, table, positions);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, ids, table, positions, first, output] {
      context.backend().embed_gradient(ids, tape->gradient(output), first,
                                       tape->gradient_if_followed(table),
                                       tape->gradient_if_followed(positions));
    });
  }
}

template <Backend B>
void record_unfold(Context<B>& context, const Array<B>& input, const Unfold& windows,
                   const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = tape_for(context, input);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, input, windows, output] {
      context.backend().unfold_gradient(tape->gradient(output), windows, tape->gradient(input));
    });
  }
}

template <Backend B>
void record_l2_normalize(Context<B>& context, const Array<B>& input, const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = tape_for(context, input);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, input, output] {
      const auto [input_gradient, write] = tape->gradient_to_write(input);
      context.backend().l2_normalize_gradient(input, tape->gradient(output), write, input_gradient);
    });
  }
}

template <Backend B>
void record_write_tokens(Context<B>& context, const Array<B>& source, const Array<B>& positions,
                         std::size_t first, const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = tape_for(context, source, positions);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, source, positions, first, output] {
      // The primitive takes the number of tokens from the source's gradient.
      Array<B> source_gradient = tape->gradient_if_followed(source);
      if (!source_gradient) {
        source_gradient = context.empty(source.shape());
        context.backend().fill(source_gradient, 0.0f);
      }
      context.backend().write_tokens_gradient(tape->gradient(output), first, source_gradient,
                                              tape->gradient_if_followed(positions));
    });
  }
}

template <Backend B>
void record_gather_rows(Context<B>& context, const Array<B>& input, const Indices<B>& indices,
                        const Array<B>& output) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = tape_for(context, input);
    if (tape == nullptr) return;
    tape->record(output, [&context, tape, input, indices, output] {
      context.backend().gather_rows_gradient(tape->gradient(output), indices,
                                             tape->gradient(input));
    });
  }
}

/// The ways back of all operations. A tape points to them and operations reach them through it, so
/// that a program which makes no tape does not compile them.
template <Backend B>
struct RecordedOperations {
  decltype(&recorded_linear<B>) linear = &recorded_linear<B>;
  decltype(&record_layer_norm<B>) layer_norm = &record_layer_norm<B>;
  decltype(&record_attention<B>) attention = &record_attention<B>;
  decltype(&record_embed<B>) embed = &record_embed<B>;
  decltype(&record_unfold<B>) unfold = &record_unfold<B>;
  decltype(&record_l2_normalize<B>) l2_normalize = &record_l2_normalize<B>;
  decltype(&record_write_tokens<B>) write_tokens = &record_write_tokens<B>;
  decltype(&record_gather_rows<B>) gather_rows = &record_gather_rows<B>;
};

template <Backend B>
const RecordedOperations<B>& recorded_operations() {
  static constexpr RecordedOperations<B> operations;
  return operations;
}

/// Those of the context's tape, nullptr without one.
template <Backend B>
const RecordedOperations<B>* recorded(const Context<B>& context) {
  return context.tape() == nullptr ? nullptr : &context.tape()->operations();
}

}  // namespace coca::detail
