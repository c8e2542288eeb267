#include <greenroom/actors/actor.hpp>
