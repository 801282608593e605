//! The build context as BuildKit will see it: a parallel walk, stats as a client sends them, filtered views.
