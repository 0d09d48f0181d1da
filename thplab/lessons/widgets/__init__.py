"""What is drawn with ipywidgets: question boxes, fields, galleries, sliders. Each is a text too."""
