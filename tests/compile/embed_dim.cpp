// expect: CoCaModel: pooler and text decoder must have the same embed_dim
#include "small_model.hpp"

coca::CoCaModel<Encoder<small>, Pool<small>, Text<other_embed_dim>, Decoder<small>> model;
