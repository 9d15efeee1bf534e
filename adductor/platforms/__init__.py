"""The places where runners keep their log: one folder for each, and in ``base`` what all of them have."""
