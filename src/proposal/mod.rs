//! Stage 6, put it to a human: the card, its life, the queue.
