"""The tests of thplab."""
