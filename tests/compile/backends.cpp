// expect: CoCaModel: all components must have the same backend
#include "small_model.hpp"

coca::CoCaModel<Encoder<small>, Pool<small>, coca::TextDecoder<coca::Reference<double>>,
                Decoder<small>>
    model;
