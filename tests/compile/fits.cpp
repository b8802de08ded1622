// compiles
#include "small_model.hpp"

coca::CoCa<small, B> model;
