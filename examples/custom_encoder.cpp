// A custom composition: a custom image encoder in CoCaModel, with one of the library's
// poolers. Its weights are random, so the caption is meaningless.

#include <coca/coca.hpp>
#include <iostream>

using Backend = coca::Cpu<>;

/// Two convolutions, each a matrix product over its windows: 64 x 64 pixels -> 8 x 8 tokens.
class ConvolutionalEncoder {
 public:
  using backend_type = Backend;
  static constexpr std::size_t image_size = 64, tokens = 64, width = 96, channels = 32;

  explicit ConvolutionalEncoder(const std::string& path)
      : conv1_(path + ".conv1", {.in = 3 * 4 * 4, .out = channels, .deviation = 0.15f}),
        conv2_(path + ".conv2", {.in = channels * 2 * 2, .out = width, .deviation = 0.1f}) {}

  /// pixels [batch, 3, 64, 64] -> [batch, 64, 96]
  coca::Array<Backend> operator()(coca::Context<Backend>& context,
                                  const coca::Array<Backend>& pixels) const {
    const coca::Unfold first{.channels = 3, .height = 64, .width = 64, .kernel = 4, .stride = 4};
    const auto hidden = conv1_(context, coca::unfold(context, pixels, first),
                               {.activation = coca::Activation::gelu});  // [batch, 16 x 16, 32]
    coca::Unfold second{.channels = channels, .height = 16, .width = 16, .kernel = 2, .stride = 2};
    second.channels_last = true;                                    // a linear layer's layout
    return conv2_(context, coca::unfold(context, hidden, second));  // [batch, 8 x 8, 96]
  }

  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    coca::Linear<Backend>::for_each_parameter(self.conv1_, visit);
    coca::Linear<Backend>::for_each_parameter(self.conv2_, visit);
  }

 private:
  coca::Linear<Backend> conv1_, conv2_;
};

int main(int argc, char* argv[]) try {
  if (argc != 2 || std::string(argv[1]) == "--help") {
    (argc == 2 ? std::cout : std::cerr) << "usage: custom_encoder photo.jpg" << std::endl;
    return argc == 2 && std::cout ? 0 : 2;
  }
  const coca::PoolerSizes pooler{.width = 96, .tokens = 64, .embed_dim = 64, .queries = 32};
  const coca::TextConfig text{.context_length = 20, .width = 64, .layers = 2, .heads = 2};
  const coca::MultimodalConfig decoder{.width = 64, .layers = 2, .heads = 2};
  coca::CoCaModel model(ConvolutionalEncoder("visual"), coca::CascadePooler<Backend>(pooler),
                        coca::TextDecoder<Backend>({text, 64}),
                        coca::MultimodalDecoder<Backend>({decoder, text.vocab_size, 64}));
  coca::initialize(model);
  const auto pixels = coca::preprocess(coca::read_image(argv[1]), coca::preprocess_config(64));
  std::cout << "untrained: " << coca::caption(model, pixels, {.max_length = 12})[0].text << '\n';
  if (!std::cout.flush()) throw coca::FileError("standard output", "cannot be written");
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
