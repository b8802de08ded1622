#include "coca/models/video_classifier.hpp"

#include <set>
#include <string>
#include <vector>

#include "autograd/finite_differences.hpp"
#include "catch.hpp"
#include "coca/models/vision_transformer.hpp"
#include "comparison.hpp"
#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace video_classifier_test {

namespace {

constexpr VisionConfig small_vision{
    .image_size = 8, .patch_size = 4, .width = 12, .layers = 1, .heads = 2, .mlp_width = 16};

template <Backend B>
VideoClassifier<VisionTransformer<B>> small_classifier(bool temporal_positions) {
  return {{.classes = 5, .frames = 4, .heads = 3, .temporal_positions = temporal_positions},
          VisionTransformer<B>(small_vision)};
}

/// Random weights, the same for parameters of the same path.
template <class Model>
void fill_by_path(Model& model, float position_scale) {
  Model::for_each_parameter(model, [&](auto& parameter) {
    auto values = numbers(parameter.shape().size(),
                          static_cast<unsigned>(stream_of(parameter.path()) % 1'000'003));
    if (parameter.path() == "video_head.temporal_positions")
      for (float& value : values) value *= position_scale;
    parameter.load(Near{}, source_of(parameter.shape(), values));
  });
}

/// The frames of a clip [frames, 3, 8, 8] in another order.
Array<Near> reordered(Context<Near>& context, const Array<Near>& clip,
                      const std::vector<std::size_t>& order) {
  const std::vector<float> values = context.to_host(clip);
  const std::size_t size = values.size() / order.size();
  std::vector<float> sorted;
  for (const std::size_t frame : order)
    sorted.insert(sorted.end(), values.begin() + static_cast<std::ptrdiff_t>(frame * size),
                  values.begin() + static_cast<std::ptrdiff_t>((frame + 1) * size));
  return context.to_device(sorted, clip.shape());
}

}  // namespace

TEST_CASE("Without temporal positions the order of frames has no effect", "[video_classifier]") {
  auto blind = small_classifier<Near>(false), ordered = small_classifier<Near>(true);
  fill_by_path(blind, 1);
  fill_by_path(ordered, 1);
  Context<Near> context;
  const auto clip = random_array(context, {4, 3, 8, 8}, 61);
  const auto logits = blind(context, clip, 4);
  CHECK(logits.shape() == Shape{1, 5});
  const auto with_positions = ordered(context, clip, 4);
  for (const std::vector<std::size_t>& order :
       std::vector<std::vector<std::size_t>>{{3, 2, 1, 0}, {1, 0, 2, 3}, {2, 3, 0, 1}}) {
    const auto other = reordered(context, clip, order);
    CHECK(first_difference(context.to_host(blind(context, other, 4)), context.to_host(logits),
                           1e-5) == "");
    CHECK(first_difference(context.to_host(ordered(context, other, 4)),
                           context.to_host(with_positions), 1e-2) != "");
  }
}

TEST_CASE("Temporal positions are zero at first, and then nothing changes", "[video_classifier]") {
  const auto model = small_classifier<Near>(true);
  std::set<std::string> paths;
  decltype(model)::for_each_parameter(model, [&](const auto& parameter) {
    paths.insert(parameter.path());
    if (parameter.path() != "video_head.temporal_positions") return;
    CHECK(parameter.shape() == Shape{4, 12});
    CHECK(parameter.initializer().kind == Initializer::Kind::constant);
    CHECK(parameter.initializer().value == 0);
    CHECK(parameter.role() == ParameterRole::position);
    CHECK(parameter.depth() == 0);
  });
  CHECK(paths.count("video_head.temporal_positions") == 1);
  CHECK(paths.count("video_head.attn_pool.query") == 1);
  CHECK(paths.count("video_head.weight") == 1);
  CHECK(paths.count("visual.conv1.weight") == 1);  // as in a CoCa's checkpoint

  auto blind = small_classifier<Near>(false), ordered = small_classifier<Near>(true);
  fill_by_path(blind, 0);
  fill_by_path(ordered, 0);
  Context<Near> context;
  const auto clips = random_array(context, {6, 3, 8, 8}, 62);
  CHECK(context.to_host(ordered(context, clips, 3)) == context.to_host(blind(context, clips, 3)));
}

TEST_CASE("Clips of a batch are classified independently, from cached tokens too",
          "[video_classifier]") {
  auto model = small_classifier<Near>(true);
  fill_by_path(model, 1);
  Context<Near> context;
  const auto clips = random_array(context, {6, 3, 8, 8}, 63);
  const auto tokens = model.encode_frames(context, clips, 3);
  REQUIRE(tokens.shape() == Shape{2, 3 * 5, 12});
  const auto map = context.empty(Shape{2, 3, 1, 15});
  const auto logits = model.classify(context, tokens, map);
  for (std::size_t clip = 0; clip < 2; ++clip)
    CHECK(first_difference(context.to_host(model(context, clips.slice(3 * clip, 3), 3)),
                           context.to_host(logits.slice(clip, 1)), 1e-5) == "");
  const auto looks = context.to_host(map);
  for (std::size_t row = 0; row < 6; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < 15; ++i) sum += double{looks[row * 15 + i]};
    CHECK(std::abs(sum - 1) <= 1e-5);
  }
}

TEST_CASE("The gradients of a video classifier", "[video_classifier]") {
  for (const bool temporal : {false, true}) {
    GradientCheck check;
    auto model = small_classifier<Exact>(temporal);
    check.parameters_of(model);
    const auto pixels = check.variable("pixels", {6, 3, 8, 8});
    check([&] { return check.weighted_sum(model(check.context(), pixels, 3)); });
  }
}

TEST_CASE("Clips that do not fit a video classifier are refused", "[video_classifier]") {
  using Model = VideoClassifier<VisionTransformer<Near>>;
  const auto make = [](const VideoClassifierOptions& options) {
    return Model(options, VisionTransformer<Near>(small_vision));
  };
  CHECK_THROWS_WITH(make({.classes = 1}),
                    "a classifier of 1 classes was requested, expected at least 2");
  CHECK_THROWS_WITH(make({.classes = 2, .frames = 0}),
                    "clips of 0 frames were requested, expected at least 1");
  auto model = small_classifier<Near>(true);
  fill_by_path(model, 1);
  Context<Near> context;
  const auto five = random_array(context, {5, 3, 8, 8}, 64);
  CHECK_THROWS_WITH(model(context, five, 2), "5 pictures are not clips of 2 frames");
  CHECK_THROWS_WITH(model(context, five, 0), "5 pictures are not clips of 0 frames");
  CHECK_THROWS_WITH(model(context, five, 5),
                    "a clip of 5 frames was given to a model with positions for 4");
  const auto odd = random_array(context, {1, 7, 12}, 65);
  CHECK_THROWS_WITH(model.classify(context, odd),
                    "tokens [1, 7, 12] are not frames of 5 tokens each");
}

}  // namespace video_classifier_test
