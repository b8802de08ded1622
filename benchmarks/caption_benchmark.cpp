// caption_benchmark PRESET PICTURE WEIGHTS.safetensors|random f32|bf16 THREADS RUNS
//
// Captions one picture with OpenCLIP 3.3.0's search (6 beams in 3 groups, total length 30, minimum
// 29) and prints one JSON object: the ids, medians of seconds for encoding and for decoding, and
// how a decoding step compares with the read bandwidth measured in the same process.

#include <algorithm>
#include <chrono>
#include <coca/coca.hpp>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

namespace {

coca::CoCaConfig config_of(std::string_view name) {
  for (const coca::NamedPreset& preset : coca::named_presets())
    if (const auto* config = std::get_if<coca::CoCaConfig>(&preset.config))
      if (preset.name == name) return *config;
  throw coca::Error("no preset of a captioner is called " + std::string(name));
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Sums an array with several independent accumulators, so that memory is the limit.
std::uint64_t sum(const std::uint64_t* values, std::size_t count) {
  std::uint64_t sums[16] = {};
  for (std::size_t i = 0; i + 16 <= count; i += 16)
    for (std::size_t lane = 0; lane < 16; ++lane) sums[lane] += values[i + lane];
  std::uint64_t total = 0;
  for (const std::uint64_t lane : sums) total += lane;
  return total;
}

// Bytes a second that `threads` threads read from an array far larger than any cache.
double read_bandwidth(int threads) {
  const std::size_t count = (std::size_t{1} << 30) / sizeof(std::uint64_t);
  const std::vector<std::uint64_t> values(count, 1);
  std::vector<double> rates;
  volatile std::uint64_t keep = 0;
  for (int run = 0; run < 5; ++run) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> team;
    std::vector<std::uint64_t> sums(static_cast<std::size_t>(threads));
    const std::size_t share = count / static_cast<std::size_t>(threads);
    for (std::size_t t = 0; t < sums.size(); ++t)
      team.emplace_back([&, t] { sums[t] = sum(values.data() + t * share, share); });
    for (auto& thread : team) thread.join();
    for (const std::uint64_t part : sums) keep = keep + part;
    rates.push_back(static_cast<double>(count * sizeof(std::uint64_t)) / seconds_since(start));
  }
  return median(rates);
}

// Weights that every decoding step reads: all matrices of both decoders but the projections of the
// picture.
double step_weights(const coca::CoCaConfig& config) {
  const auto block = [](double width, double mlp) { return 4 * width * width + 2 * width * mlp; };
  const double text = config.text.layers * block(config.text.width, config.text.mlp_width);
  const double width = config.multimodal.width, mlp = config.multimodal.mlp_width;
  const double cross = 2 * width * width + 2 * width * mlp;
  return text + config.multimodal.layers * (block(width, mlp) + cross) +
         width * config.text.vocab_size;
}

// Bytes that a step reads per weight: three if any product uses fixed24, see GemmChoices.
template <class Weight>
double bytes_of_weight() {
  for (const auto& [name, kind] : coca::GemmChoices::recorded())
    if (kind == coca::GemmKind::fixed24) return coca::detail::Fixed24::bytes;
  return coca::detail::resolve(coca::GemmKind::automatic) == coca::GemmKind::fixed24
             ? coca::detail::Fixed24::bytes
             : static_cast<double>(sizeof(Weight));
}

struct Options {
  coca::CoCaConfig config;
  std::string picture;
  std::string weights;
  int threads;
  int runs;
};

template <class Weight>
void run(const Options& options) {
  using Backend = coca::Cpu<Weight>;
  const Backend backend(coca::CpuOptions{.threads = options.threads});
  coca::StandardCoCa<Backend> model(options.config, backend);
  if (options.weights == "random")
    coca::initialize(model, 1);
  else
    coca::load_weights(model, coca::open_checkpoint(options.weights));
  const coca::Pixels pixels = coca::preprocess(
      coca::read_image(options.picture),
      coca::preprocess_config(static_cast<std::size_t>(options.config.vision.image_size)));
  coca::Context<Backend> context(backend);
  const coca::AnyTokenizer tokenizer{coca::ClipTokenizer{}};
  coca::GenerationOptions generation = coca::open_clip_3_3();
  generation.min_length = 29;
  generation.max_length = 30;

  std::vector<double> encoding, decoding;
  coca::Caption caption;
  for (int i = 0; i < options.runs + 1; ++i) {
    auto start = std::chrono::steady_clock::now();
    const auto features = model.encode_image(
        context, coca::to_device(context, std::span<const coca::Pixels>(&pixels, 1)));
    context.to_host(features.embedding);
    const double encode_seconds = seconds_since(start);
    start = std::chrono::steady_clock::now();
    caption = coca::caption_tokens(context, model, tokenizer, features.tokens, generation)
                  .front()
                  .front();
    if (i == 0) continue;  // warm-up
    encoding.push_back(encode_seconds);
    decoding.push_back(seconds_since(start));
  }
  const double steps = static_cast<double>(generation.max_length - 1);
  const double bytes = step_weights(options.config) * bytes_of_weight<Weight>();
  const double step_seconds = median(decoding) / steps;
  const double bandwidth = read_bandwidth(options.threads);
  std::cout << "{\"ids\": [";
  for (std::size_t i = 0; i < caption.ids.size(); ++i)
    std::cout << (i == 0 ? "" : ", ") << caption.ids[i];
  std::cout << "], \"encode_seconds\": " << median(encoding)
            << ", \"decode_seconds\": " << median(decoding)
            << ", \"caption_seconds\": " << median(encoding) + median(decoding)
            << ", \"step_seconds\": " << step_seconds << ", \"step_bytes\": " << bytes
            << ", \"step_gb_per_second\": " << bytes / step_seconds / 1e9
            << ", \"read_gb_per_second\": " << bandwidth / 1e9
            << ", \"fraction_of_bandwidth\": " << bytes / step_seconds / bandwidth << "}\n";
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 7) {
    std::cerr << "usage: " << argv[0] << " PRESET PICTURE WEIGHTS|random f32|bf16 THREADS RUNS\n";
    return 2;
  }
  try {
    const Options options{config_of(argv[1]), argv[2], argv[3], std::stoi(argv[5]),
                          std::stoi(argv[6])};
    if (std::string(argv[4]) == "bf16")
      run<coca::bfloat16>(options);
    else
      run<float>(options);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
