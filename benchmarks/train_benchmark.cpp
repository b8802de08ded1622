// train_benchmark_PRESET BATCH.safetensors WEIGHTS.safetensors f32|bf16 THREADS RUNS
//
// Trains for some steps on one batch (tensors "pixels" [batch, 3, size, size] and "tokens" [batch,
// length]) with AdamW and prints one JSON object: both losses of the first and the last step, the
// median of seconds of a step, and the peak memory of the process.

#include <algorithm>
#include <chrono>
#include <coca/coca.hpp>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr auto config = coca::presets::COCA_PRESET;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// VmHWM, in megabytes.
double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  return 0;
}

template <class Backend>
void run(const std::string& batch_path, const std::string& weights, int threads, int runs) {
  using Model = coca::CoCa<config, Backend>;
  const Backend backend(coca::CpuOptions{.threads = threads});
  Model model(backend);
  coca::load_weights(model, coca::open_checkpoint(weights));
  coca::Trainable<Model> trainable(model);
  coca::OptimizerOptions options;
  options.groups.weight_decay = 0.2f;
  coca::Optimizer<Model> optimizer(trainable, backend, options);
  coca::Context<Backend> context(backend);
  const coca::CoCaTask<Model> task(model);
  coca::TrainingStep step(task, trainable, optimizer, context);

  const coca::Checkpoint batch = coca::open_checkpoint(batch_path);
  const auto ids = batch.read_int64("tokens");
  const std::size_t rows = batch.tensor("tokens").shape[0];
  const coca::Tokens tokens{{ids.begin(), ids.end()}, rows, ids.size() / rows};
  const auto floats = batch.read_floats("pixels");
  std::vector<double> seconds;
  coca::TrainingStepResult first, last;
  for (int i = 0; i < runs + 1; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto pixels =
        context.to_device(floats, coca::Shape{rows, 3, Model::image_size, Model::image_size});
    last = step({pixels, tokens}, 1e-4);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    if (i == 0)
      first = last;
    else
      seconds.push_back(time.count());
  }
  std::cout << "{\"first_losses\": [" << first.loss("contrastive_loss") << ", "
            << first.loss("captioning_loss") << "], \"last_losses\": ["
            << last.loss("contrastive_loss") << ", " << last.loss("captioning_loss")
            << "], \"step_seconds\": " << median(seconds)
            << ", \"peak_megabytes\": " << peak_megabytes() << "}\n";
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 6) {
    std::cerr << "usage: " << argv[0] << " BATCH WEIGHTS f32|bf16 THREADS RUNS\n";
    return 2;
  }
  try {
    const int threads = std::stoi(argv[4]), runs = std::stoi(argv[5]);
    if (std::string(argv[3]) == "bf16")
      run<coca::Cpu<float, coca::bfloat16>>(argv[1], argv[2], threads, runs);
    else
      run<coca::Cpu<float>>(argv[1], argv[2], threads, runs);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
