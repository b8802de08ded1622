// Measures the quality of a model on pictures whose captions or labels are known. One file per
// subcommand; what is not the name of one is data.

#include <array>
#include <string_view>

#include "coca/backend/cpu/bounded_spinning.hpp"
#include "evaluate_build.hpp"
#include "evaluate_captions.hpp"
#include "evaluate_classify.hpp"
#include "evaluate_probe.hpp"
#include "evaluate_retrieval.hpp"
#include "evaluate_sentences.hpp"
#include "evaluate_test_set.hpp"
#include "evaluate_video.hpp"
#include "evaluate_video_retrieval.hpp"
#include "evaluate_vqa.hpp"
#include "evaluate_zero_shot.hpp"

using namespace coca_examples;

namespace {

struct Subcommand {
  std::string_view name;
  int (*run)(int argc, char* argv[]);
};

constexpr std::array subcommands{Subcommand{"build", evaluate_build},
                                 Subcommand{"captions", evaluate_captions},
                                 Subcommand{"classify", evaluate_classify},
                                 Subcommand{"probe", evaluate_probe},
                                 Subcommand{"retrieval", evaluate_retrieval},
                                 Subcommand{"zero-shot", evaluate_zero_shot},
                                 Subcommand{"entailment", evaluate_entailment},
                                 Subcommand{"pairs", evaluate_pairs},
                                 Subcommand{"video", evaluate_video},
                                 Subcommand{"video-retrieval", evaluate_video_retrieval},
                                 Subcommand{"vqa", evaluate_vqa}};

}  // namespace

int main(int argc, char* argv[]) {
  coca::bound_spinning(argv);  // it may restart the program, which needs all arguments
  for (const Subcommand& subcommand : subcommands)
    if (argc > 1 && argv[1] == subcommand.name) return subcommand.run(argc - 1, argv + 1);
  return evaluate_test_set(argc, argv);
}
