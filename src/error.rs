//! Each room's own error, gathered at the door.
