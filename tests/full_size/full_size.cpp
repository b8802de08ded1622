// full_size PRESET random|FILE f32|bf16   captions a picture, checks this process's peak memory
// full_size PRESET write FILE             writes a checkpoint with random weights

#include <coca/coca.hpp>
#include <fstream>
#include <iostream>
#include <string>

namespace {

// Peak of the resident set, mapped pages included, in bytes.
std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  throw coca::Error("/proc/self/status has no VmHWM");
}

template <coca::CoCaConfig config, class Weight>
int caption_and_measure(const std::string& weights) {
  using Model = coca::CoCa<config, coca::Cpu<Weight>>;
  Model model;
  if (weights == "random")
    coca::initialize(model, 7);
  else
    coca::load_weights(model, coca::open_checkpoint(weights));
  const auto image =
      coca::read_image(COCA_SOURCE "/examples/models/stamps_coca/images/15_cow_white.png");
  const auto captions = coca::caption(model, coca::preprocess<config.vision>(image),
                                      {.min_length = 12, .max_length = 12});
  const bool whole = captions.size() == 1 && captions.front().ids.size() == 12;
  const double bound =
      1.15 * static_cast<double>(coca::parameter_count(config) * sizeof(Weight)) + 200e6;
  const auto peak = static_cast<double>(peak_memory());
  std::cout << "caption: " << captions.front().text << "\npeak memory " << peak / 1e6
            << " MB, allowed " << bound / 1e6 << " MB\n";
  return whole && peak <= bound ? 0 : 1;
}

template <coca::CoCaConfig config>
int run(const std::string& first, const std::string& second) {
  if (first == "write") {
    coca::CoCa<config, coca::Cpu<>> model;
    coca::initialize(model, 7);
    coca::save_weights(model, second);
    return 0;
  }
  return second == "bf16" ? caption_and_measure<config, coca::bfloat16>(first)
                          : caption_and_measure<config, float>(first);
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 4) return 2;
  const std::string preset = argv[1];
  try {
    if (preset == "coca_vit_b_32") return run<coca::presets::coca_vit_b_32>(argv[2], argv[3]);
    if (preset == "coca_vit_l_14") return run<coca::presets::coca_vit_l_14>(argv[2], argv[3]);
    return 2;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
