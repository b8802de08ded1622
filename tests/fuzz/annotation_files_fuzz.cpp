// libFuzzer target: any bytes as an annotation file of a task: captions of COCO, questions, answers
// and results of VQA, pairs of SNLI-VE and NLVR2, lists of videos. Either they are read, or a
// coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coca/data/coco_captions.hpp"
#include "coca/data/msr_vtt.hpp"
#include "coca/data/pair_files.hpp"
#include "coca/data/video_lists.hpp"
#include "coca/data/vqa_files.hpp"

namespace {

template <class Read>
void attempt(Read&& read) {
  try {
    read();
  } catch (const coca::Error&) {  // the only way to refuse
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const coca::AnnotationText text(bytes, "fuzz");
  attempt([&] { coca::read_coco_captions(text); });
  attempt([&] { coca::read_caption_results(text); });
  attempt([&] { coca::read_vqa_questions(text); });
  attempt([&] {
    for (const coca::VqaAnnotation& annotation : coca::read_vqa_annotations(text))
      if (annotation.answers.empty()) __builtin_trap();
  });
  attempt([&] {
    const auto results = coca::read_vqa_results(text);
    if (coca::read_vqa_results({coca::vqa_results_json(results), "again"}).size() != results.size())
      __builtin_trap();
  });
  attempt([&] {
    for (const coca::EntailmentPair& pair : coca::read_snli_ve(text).pairs)
      if (pair.label >= coca::entailment_classes.size()) __builtin_trap();
  });
  attempt([&] { coca::read_nlvr2(text); });
  attempt([&] { coca::read_pair_predictions(bytes, "fuzz"); });
  attempt([&] { coca::read_msr_vtt(text); });
  attempt([&] { coca::read_msr_vtt_csv(bytes, "fuzz"); });
  attempt([&] {
    for (const coca::KineticsClip& clip : coca::read_kinetics(bytes, "fuzz"))
      if (clip.end <= clip.start || coca::kinetics_files(clip).empty()) __builtin_trap();
  });
  attempt([&] { coca::read_video_list(bytes, "fuzz"); });
  attempt([&] { coca::read_moments(bytes, "fuzz", coca::read_moments_categories(bytes, "fuzz")); });
  return 0;
}
