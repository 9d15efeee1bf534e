"""The note: finding, placing and removing our block, its text, and the plan for a delivery."""
