// expect: ClipModel: pooler and text encoder must have the same embed_dim
#include "coca/models/clip.hpp"
#include "small_model.hpp"

coca::ClipModel<Encoder<small>, Pool<small>, Text<other_embed_dim>> model;
