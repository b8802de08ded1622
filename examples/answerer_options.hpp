#pragma once
/// @file
/// The options of programs that open a model that answers.

#include "answerer.hpp"
#include "command_line.hpp"
#include "picture_reading.hpp"

namespace coca_examples {

/// Adds --weights and what else chooses such a model.
inline CLI::Option* add_answerer_options(CLI::App& app, AnswererOptions& options) {
  auto* weights =
      app.add_option("--weights", options.weights,
                     "folder that train --task vqa, entailment or pairs has written, or a "
                     "checkpoint in it")
          ->check(some_name())
          ->type_name("FOLDER");
  app.add_option("--tokenizer", options.tokenizer, "vocabulary file (default: the folder's)")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--precision", options.precision, "of weights and computation: f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "number of threads; 0: one per processor")
      ->check(whole_number(0, 1024))
      ->type_name("N")
      ->capture_default_str();
  return weights;
}

}  // namespace coca_examples
