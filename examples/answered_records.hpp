#pragma once
/// @file
/// A model's answers to all records of a data set.

#include <optional>
#include <string>
#include <vector>

#include "answerer.hpp"
#include "coca/data/dataset.hpp"
#include "command_line.hpp"

namespace coca_examples {

/// How records are answered.
struct AnsweringOptions {
  std::string field;       ///< of the records: what is asked
  std::size_t batch = 32;  ///< records at a time
  bool skip_missing = false;
};

/// The probability of each answer, one per record; nothing for records whose pictures cannot be
/// read, which are reported.
/// @throws coca::FileError for the first of them, unless they are to be skipped
std::vector<std::optional<std::vector<float>>> answer_records(Answerer& model,
                                                              const coca::AnyDataset& data,
                                                              const AnsweringOptions& options,
                                                              Failures& failures);

}  // namespace coca_examples
