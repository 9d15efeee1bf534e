"""The bench itself: its books and its report."""
