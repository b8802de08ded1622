// expect: ClipModel: all components must have the same backend
#include "coca/models/clip.hpp"
#include "small_model.hpp"

coca::ClipModel<Encoder<small>, coca::PoolerFor<small, B>,
                coca::ClipTextEncoder<small.text, small.embed_dim, coca::Reference<double>>>
    model;
