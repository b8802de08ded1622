#pragma once
/// @file
/// All of coca but what needs xtensor (`coca/xtensor.hpp`) or MPI
/// (`coca/training/mpi_communicator.hpp`).
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
#include "coca/autograd/recompute.hpp"
#include "coca/autograd/tape.hpp"
#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/backend/plan.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/core/version.hpp"
#include "coca/data/augmentation.hpp"
#include "coca/data/caption_file.hpp"
#include "coca/data/caption_folder.hpp"
#include "coca/data/class_folders.hpp"
#include "coca/data/idx_dataset.hpp"
#include "coca/data/loader.hpp"
#include "coca/data/open_data.hpp"
#include "coca/data/web_dataset.hpp"
#include "coca/evaluation/bleu.hpp"
#include "coca/evaluation/bootstrap.hpp"
#include "coca/evaluation/cider.hpp"
#include "coca/evaluation/exact_match.hpp"
#include "coca/evaluation/retrieval.hpp"
#include "coca/evaluation/test_set.hpp"
#include "coca/evaluation/zero_shot.hpp"
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
#include "coca/losses/captioning.hpp"
#include "coca/losses/coca.hpp"
#include "coca/losses/contrastive.hpp"
#include "coca/losses/cross_entropy.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/image_classifier.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/presets.hpp"
#include "coca/pipelines/attention_map.hpp"
#include "coca/pipelines/caption.hpp"
#include "coca/pipelines/classify.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/pipelines/model_identity.hpp"
#include "coca/pipelines/open_model.hpp"
#include "coca/pipelines/search_index.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/read_json_tokenizer.hpp"
#include "coca/text/sentence_piece_tokenizer.hpp"
#include "coca/training/model_soup.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/partial_weights.hpp"
#include "coca/training/step.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/classify.hpp"
#include "coca/training/tasks/clip.hpp"
#include "coca/training/tasks/coca.hpp"
#include "coca/training/trainable.hpp"
#include "coca/training/trainer.hpp"
#include "coca/training/training_memory.hpp"
#include "coca/training/training_options_json.hpp"
