// What the tasks other than CoCa's compute; step_test.cpp compares CoCa's with OpenCLIP's.

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/clip.hpp"
#include "coca/training/tasks/coca.hpp"
#include "training/tested_task.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using B = Reference<float>;

/// Parameters that five steps have changed.
template <class Task, class Inputs>
std::vector<std::string> changed(typename Task::model_type model, const Inputs& inputs) {
  TestedTask<Task> training(std::move(model));
  const auto before = [&] {
    std::map<std::string, std::vector<float>> all;
    for_each_parameter(std::as_const(training.model), [&](const auto& parameter) {
      const WeightSource source = parameter.store(training.model.backend());
      all[parameter.path()].resize(source.shape.size());
      source.read(0, source.rows(), all[parameter.path()].data());
    });
    return all;
  };
  const auto first = before();
  for (int i = 0; i < 5; ++i) training.step(inputs, 1e-3);
  std::vector<std::string> paths;
  for (const auto& [path, values] : before())
    if (values != first.at(path)) paths.push_back(path);
  return paths;
}

bool any_below(const std::vector<std::string>& paths, const std::string& prefix) {
  return std::any_of(paths.begin(), paths.end(),
                     [&](const std::string& path) { return has_prefix(path, prefix); });
}

}  // namespace

TEST_CASE("CLIP trains by softmax and by sigmoid", "[training]") {
  using Model = Clip<plain_clip, B>;
  check_task<ClipTask<Model>>(random_model<Model>(), some_inputs(), {}, "contrastive_loss");
  Model biased = random_model<Model>();
  biased.add_logit_bias();
  const ImageTextOptions sigmoid{.loss = {.contrastive = ContrastiveKind::sigmoid}};
  check_task<ClipTask<Model>>(biased, some_inputs(), sigmoid, "contrastive_loss");
  CHECK_THROWS_WITH(ClipTask<Model>(random_model<Model>(), sigmoid),
                    "SigLIP's loss was requested, but the model has no logit_bias: call "
                    "add_logit_bias() before its parameters are bound");
}

TEST_CASE("a captioner's tasks train separately, and each leaves the other's parts", "[training]") {
  using Model = CoCa<plain, B>;
  check_task<ClipTask<Model>>(random_model<Model>(), some_inputs(), {}, "contrastive_loss");
  check_task<CaptionTask<Model>>(random_model<Model>(), some_inputs(), {}, "captioning_loss");
  const auto by_contrast = changed<ClipTask<Model>>(random_model<Model>(), some_inputs());
  CHECK_FALSE(any_below(by_contrast, "text_decoder"));
  CHECK(any_below(by_contrast, "visual"));
  CHECK(any_below(by_contrast, "text"));
  CHECK(any_below(by_contrast, "logit_scale"));
  const auto by_captions = changed<CaptionTask<Model>>(random_model<Model>(), some_inputs());
  CHECK(any_below(by_captions, "text_decoder"));
  CHECK(any_below(by_captions, "text.transformer"));
  CHECK(any_below(by_captions, "visual"));
  for (const char* embedding :
       {"logit_scale", "visual.proj", "text.text_projection", "text.ln_final", "text.cls_emb"})
    CHECK_FALSE(any_below(by_captions, embedding));
}

TEST_CASE("captions leave a head that only the embedding comes from", "[training]") {
  CoCaConfig config = with_pooling(plain, Pooling::map_head);
  config.pooling.final_ln_after_pool = true;
  StandardCoCa<B> model(config);
  initialize(model, 7);
  const auto by_captions = changed<CaptionTask<StandardCoCa<B>>>(std::move(model), some_inputs());
  CHECK(any_below(by_captions, "visual.transformer"));
  for (const char* embedding : {"visual.attn_pool", "visual.ln_post", "visual.proj"})
    CHECK_FALSE(any_below(by_captions, embedding));
}

TEST_CASE("the losses of both tasks are those of CoCa's", "[training]") {
  using Model = CoCa<plain, B>;
  TestedTask<CoCaTask<Model>> both(random_model<Model>());
  TestedTask<ClipTask<Model>> contrast(random_model<Model>());
  TestedTask<CaptionTask<Model>> captions(random_model<Model>());
  const TrainingStepResult all = both.step.compute_gradients(some_inputs());
  CHECK(all.loss("contrastive_loss") ==
        contrast.step.compute_gradients(some_inputs()).loss("contrastive_loss"));
  CHECK(all.loss("captioning_loss") ==
        captions.step.compute_gradients(some_inputs()).loss("captioning_loss"));
  CHECK_THROWS_WITH(all.loss("classification_loss"),
                    "there is no \"classification_loss\" among the numbers contrastive_loss, "
                    "captioning_loss");
}

TEST_CASE("records must have the fields of a task", "[training]") {
  struct Two {
    std::size_t size() const { return 2; }
    Record record(std::size_t i) const {
      Record record{"r" + std::to_string(i), {}, std::nullopt};
      if (i == 1) record.captions = {"x"}, record.fields["answer"] = "yes";
      return record;
    }
    std::vector<std::uint8_t> read(std::size_t) const { return {}; }
  };
  CHECK_NOTHROW(expect_fields(Two{}, {"caption", "answer"}, "vqa"));
  CHECK_THROWS_WITH(
      expect_fields(Two{}, {"label"}, "classify"),
      "the task classify needs a label for each picture, but r0 and those after it have none");
}

TEST_CASE("contrast leaves a pooler that only captions come from", "[training]") {
  const auto by_contrast = [](Pooling kind) {
    StandardCoCa<B> model(with_pooling(plain, kind));
    initialize(model, 7);
    return changed<ClipTask<StandardCoCa<B>>>(std::move(model), some_inputs());
  };
  CHECK_FALSE(any_below(by_contrast(Pooling::parallel), "visual.attn_pool"));
  CHECK(any_below(by_contrast(Pooling::parallel), "visual.attn_pool_contrastive"));
  CHECK(any_below(by_contrast(Pooling::cascade), "visual.attn_pool"));
  CHECK(any_below(by_contrast(Pooling::single), "visual.attn_pool"));
}
