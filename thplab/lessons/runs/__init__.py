"""What is read from runs of the model: tables, spans, facts. Answers are compared with these."""
