"""The contracts: messages, their codec, errors, graphs and block specs. Imports nothing else of ours."""
