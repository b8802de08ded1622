// expect: CoCaModel: pooler and text decoder must have the same embed_dim
#include "small_model.hpp"

coca::CoCaModel<Encoder<small>, coca::PoolerFor<small, B>, coca::TextDecoder<small.text, 64, B>,
                Decoder<small>>
    model;
