// libFuzzer target: any bytes as a file of zero-shot evaluation: names of classes, prompts, a
// suite, a result. Either they are read, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coca/data/class_prompts.hpp"
#include "coca/data/class_table.hpp"
#include "coca/data/suite_file.hpp"
#include "coca/evaluation/benchmark_result.hpp"

namespace {

template <class Read>
void attempt(Read&& read) {
  try {
    read();
  } catch (const coca::Error&) {  // the only way to refuse
  }
}

void expect(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> toy{"cat", "dog"};
  attempt([&] {
    coca::ClassNames names = coca::parse_class_names(bytes, "fuzz", "toy");
    expect(!names.names.empty() || !names.folders.empty());
    const coca::ClassTable table(names, "fuzz");
    expect(table.candidates().size() == table.size());
  });
  attempt([&] {
    const auto prompts = coca::parse_class_prompts(bytes, "fuzz", "toy", toy);
    for (const auto& some : coca::fill_prompts(prompts, toy)) expect(!some.empty());
  });
  attempt([&] {
    for (const coca::SuiteEntry& entry : coca::parse_suite({bytes, "fuzz/suite.json"}))
      expect(!entry.source.name.empty() && !entry.source.data.empty());
  });
  attempt([&] {
    const coca::BenchmarkResult result = coca::parse_benchmark_result(bytes, "fuzz");
    const std::string again = coca::to_json_text(coca::to_json(result));
    expect(coca::parse_benchmark_result(again, "again").metrics.size() == result.metrics.size());
    expect(!coca::benchmark_csv(std::vector{result}).empty());
  });
  return 0;
}
