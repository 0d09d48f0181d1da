"""The reader's own computer: what it can run, its kernel's faces, and JupyterLab for the course."""
