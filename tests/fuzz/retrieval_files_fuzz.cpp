// libFuzzer target: any bytes as a file of captions for retrieval (Karpathy's, Flickr's text) or of
// further right answers. Either they are read, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "coca/data/flickr_captions.hpp"
#include "coca/data/karpathy_captions.hpp"
#include "coca/data/positives_file.hpp"

namespace {

template <class Read>
void attempt(Read&& read) {
  try {
    read();
  } catch (const coca::Error&) {  // the only way to refuse
  }
}

/// Each caption has an id, if only an empty one.
void check(const std::vector<coca::AnnotatedPicture>& pictures) {
  for (const coca::AnnotatedPicture& picture : pictures)
    if (picture.file_name.empty() || picture.captions.size() != picture.caption_ids.size())
      __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  attempt([&] { check(coca::read_karpathy_captions({bytes, "fuzz"}, {})); });
  attempt([&] { check(coca::read_flickr_captions(bytes, "fuzz")); });
  attempt([&] {
    const std::vector<coca::AnnotatedPicture> pictures{{"1", "a", {"x", "y"}, {"1", "2"}},
                                                       {"2", "b", {"z"}, {"3"}}};
    const auto positives = coca::resolve_positives(coca::parse_positives(bytes, "fuzz"), pictures);
    const std::size_t queries = positives.of_pictures ? 2 : 3, answers = 5 - queries;
    if (positives.lists.size() != queries) __builtin_trap();
    coca::inverted(positives.lists, answers);  // throws std::out_of_range for a wrong number
  });
  return 0;
}
