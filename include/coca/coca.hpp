#pragma once
/// @file
/// All of coca but what needs xtensor (`coca/xtensor.hpp`).
///
/// @code
/// #include <coca/coca.hpp>
///
/// int main() {
///   constexpr auto config = coca::presets::coca_vit_b_32;
///   using Model = coca::CoCa<config, coca::Cpu<>>;
///   const auto model = coca::load<Model>("open_clip_model.safetensors");
///   const auto pixels = coca::preprocess<config.vision>(coca::read_image("photo.jpg"));
///   for (const auto& caption : coca::caption(model, pixels, {.beams = 6}))
///     std::cout << caption.text << '\n';
/// }
/// @endcode

#include "coca/autograd/context.hpp"
#include "coca/autograd/operations.hpp"
#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/generation/caption_score.hpp"
#include "coca/generation/generate.hpp"
#include "coca/image/draw.hpp"
#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/preprocess_config_json.hpp"
#include "coca/image/read_image.hpp"
#include "coca/image/write_png.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/npy.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/presets.hpp"
#include "coca/pipelines/attention_map.hpp"
#include "coca/pipelines/caption.hpp"
#include "coca/pipelines/classify.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/pipelines/search_index.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/sentence_piece_tokenizer.hpp"
