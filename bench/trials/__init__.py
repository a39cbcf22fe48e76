"""The parts of bench/science.py: a loop without coordinator, the arms that are compared, and what is told of them."""
