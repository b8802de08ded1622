// expect: CoCaModel: all components must have the same backend
#include "small_model.hpp"

coca::CoCaModel<Encoder<small>, coca::PoolerFor<small, B>,
                coca::TextDecoder<small.text, small.embed_dim, coca::Reference<double>>,
                Decoder<small>>
    model;
