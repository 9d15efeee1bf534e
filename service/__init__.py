"""What the outside meets: webhooks, connecting, the runner's pages, operations and the command line."""
