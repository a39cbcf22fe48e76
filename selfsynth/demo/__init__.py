"""The demonstration: a world of drawn birds and a tiny model that learns their names."""
