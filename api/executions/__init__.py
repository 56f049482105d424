"""Executions: started, swept, shown, stopped, answered."""
