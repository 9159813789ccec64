//! Wiring: owns the store, runs the path every tick, publishes the view, takes commands.
