//! Stage 10, get better: accuracy, calibration, scoreboard, outcome statistics.
