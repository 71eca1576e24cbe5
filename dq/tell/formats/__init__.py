"""What each kind of target is sent: pure functions from a message to its body."""
