"""The numbers of each scene as text: the twins of stage/js/scenes."""
