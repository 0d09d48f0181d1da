"""The model: one module for each file of the kernel's mm/ that it mirrors, one folder for each large one."""
