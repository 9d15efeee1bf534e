"""What is judged about an installation: a snapshot of its figures, and checks of them and of what is around it."""
