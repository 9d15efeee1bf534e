"""What is known of a runner: connections, tokens, answers, decisions, situation."""
