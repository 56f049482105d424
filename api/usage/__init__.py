"""What calls of models have used and cost."""
