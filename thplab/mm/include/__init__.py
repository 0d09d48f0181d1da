"""The kernel's headers: types, and what is written in terms of them."""
