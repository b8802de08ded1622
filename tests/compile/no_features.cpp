// expect: FusedModel: a CoCaModel is needed whose multimodal decoder has features(), its outputs
// before they are projected to words
#include "coca/models/vqa_model.hpp"
#include "small_model.hpp"

/// A decoder that only gives logits of words.
struct WordsOnly : Decoder<small> {
  using Decoder<small>::Decoder;

 private:
  using coca::MultimodalDecoder<B>::features;
};

using Captioner = coca::CoCaModel<Encoder<small>, Pool<small>, Text<small>, WordsOnly>;
coca::VqaModel<Captioner> model(Captioner{}, {.answers = 3});
