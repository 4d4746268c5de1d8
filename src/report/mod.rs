//! What was judged, rendered for people and machines.
